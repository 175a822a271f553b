"""A message of a Cisco firewall with what it says of both ends, an account, and the outcome; ``shape`` says which kind.

The documentation numbers thousands of messages, whose texts put the same facts in a few ways: ``src if:address/port dst
if:address/port``, ``for … to …``, ``Group <…> User <…> IP <…>``. Those are read whatever the number is.
"""

import re
from typing import Any

Record = dict[str, Any]

_MAX_TEXT = 4096
_ADDRESS = r"[0-9A-Fa-f:.]{2,44}[0-9A-Fa-f:]"
_INTERFACE = r"(?:(?!(?:[0-9A-Fa-f]{1,4}:){2}|[0-9A-Fa-f]{0,4}::)([^\s:/()]{1,64}):)?"
_END = (
    _INTERFACE
    + rf"\(?({_ADDRESS})\)?(?:/([\w-]{{1,32}}))?"
    + r"(?: ?\([0-9A-Fa-f:.]{2,45}/\w{1,32}\))?(?: ?\((?!type |user=)([^()/]{1,255})\))?"
)
_ENDS = (
    re.compile(rf"\bsrc {_END} dst {_END}"),
    re.compile(rf"\b(?:for|from|flow|client|SRC|between) {_END} (?:to|and|DEST) {_END}"),
)
_OF_LIST = re.compile(
    rf"(\S{{1,64}})/({_ADDRESS})\((\d{{1,5}})\)(?:\(([^()]{{1,255}})\))? -> (\S{{1,64}})/({_ADDRESS})\((\d{{1,5}})\)"
)
_PEERS = re.compile(r"Local:((?:\d{1,3}\.){3}\d{1,3}):(\d{1,5}) Remote:((?:\d{1,3}\.){3}\d{1,3}):(\d{1,5})")
_WEB = re.compile(rf"^(?:(\S{{1,255}})@)?({_ADDRESS}) Accessed (?:JAVA )?URL ({_ADDRESS})")
_ICMP = re.compile(
    rf"faddr ({_ADDRESS})/(\d{{1,5}})(?:\(([^()]{{1,255}})\))? "
    rf"gaddr {_ADDRESS}/\d{{1,5}} laddr ({_ADDRESS})/(\d{{1,5}})"
)
_ONE = (
    re.compile(rf"\b(?:user IP = |IP address: |from IP |laddr |mapping )({_ADDRESS})"),
    re.compile(
        r"\b(?:from|client|configuration:|for|SRC|local-host|host|Addr|address) "
        rf"{_INTERFACE}({_ADDRESS})(?:/(\w{{1,32}}))?"
    ),
    re.compile(rf"\bto {_INTERFACE}({_ADDRESS})(?:/(\w{{1,32}}))?"),
)
_SESSIONS = (
    re.compile(r"Group <([^<>]{0,255})>(?: GroupPolicy <[^<>]{0,255}>)? User <([^<>]{0,255})> IP <([^<>]{0,64})>"),
    re.compile(r"Group = ([^,]{0,255}),(?: Username = ([^,]{0,255}),)? IP = ([^,\s]{0,64})"),
    re.compile(r"(?:GroupPolicy|Group) <([^<>]{0,255})> User <([^<>]{0,255})> IP <([^<>]{0,64})>"),
)
_USERS = (
    re.compile(r"[Uu]ser '([^']{1,255})'"),
    re.compile(r"user \"([^\"]{1,255})\""),
    re.compile(r"user ?= ([^\s)]{1,255})"),
    re.compile(r"User ([^\s,]{1,255}), Addr "),
    re.compile(r"Uname: ([^\s,]{1,255})"),
    re.compile(r"Username:\s?(\S{1,255})"),
    re.compile(r"^User (\S{1,255}) (?:locked|unlocked)"),
    re.compile(r"for user (\S{1,255})"),
    re.compile(r"user (\S{1,255}) (?:Stored|Retrieved|disconnected)"),
    re.compile(r"mapping \S{1,64} - (\S{1,255})"),
    re.compile(r"\bCN=([^,]{1,255}),"),
)
_FACTS = (
    ("connection", re.compile(r"connection (\d{1,12}) ")),
    ("bytes", re.compile(r"\bbytes (\d{1,20})")),
    ("rule", re.compile(r"(?:access-group \"|access-list )([^\s\"]{1,255})")),
    ("command", re.compile(r"executed (?:the |cmd: )?'?(.{1,1024}?)'?(?: command\.?)?$")),
    ("service", re.compile(r"(?:running '|Session Type: |to \S{1,80}/)([A-Za-z][\w-]{0,63})")),
    ("assigned", re.compile(r"(?:IPv4 )?Address <([^<>]{2,45})>")),
    ("reason", re.compile(r"[Rr]eason(?: =|:|=) ?([^:,]{1,200})")),
    ("url", re.compile(rf"URL (?:{_ADDRESS}:)?(\S{{1,2048}})")),
    ("protocol", re.compile(r"\b(TCP|UDP|ICMP|IPv6-ICMP|GRE|SCTP|tcp|udp|icmp|icmp6|gre|esp|sctp|igmp)\b")),
    ("direction", re.compile(r"\b(inbound|outbound)\b")),
)
_DURATION = re.compile(r"[Dd]uration:? (?:(\d{1,5})d )?(\d{1,5})h?:(\d\d)m?:(\d\d)")
_DENIED = re.compile(
    r"\b[Dd]en(?:y|ied)|discarded|[Ff]ailed|[Rr]ejected|locked out|[Bb]lock|Drop|No matching|unsuccessful"
)
_ALLOWED = re.compile(
    r"Built|permitted|[Ss]ucce(?:ss|eded)|established|completed|started|Allow|Accessed|resumed|assigned"
)

_SHAPES = (
    (re.compile(r"3020(?:13|15|17|20|35)|302303|302022|302024|302026|430002|609001"), "open"),
    (re.compile(r"3020(?:14|16|18|21|36)|302304|302023|302025|302027|430003|609002"), "close"),
    (re.compile(r"430001|430005|733\d{3}|400\d{3}|338\d{3}"), "alert"),
    (re.compile(r"430004|303002"), "file"),
    (re.compile(r"304001|304002"), "web"),
    (re.compile(r"50210[1-3]|11300[67]"), "account"),
    (re.compile(r"1110(?:0[1-9]|10)"), "command"),
    (re.compile(r"611103|315011|605001|606002|109007"), "logoff"),
    (re.compile(r"113019|602304|716002|722023|722037|722028|722012"), "tunnel_close"),
    (re.compile(r"113039|602303|716001|722022|722033|722034|722051|734001"), "tunnel_open"),
    (re.compile(r"113\d{3}|60500[45]|61110[12]|7160(?:38|39)|109\d{3}|606001|308001"), "logon"),
    (re.compile(r"74601[23]"), "mapped"),
    (re.compile(r"716\d{3}|722\d{3}|734\d{3}|737\d{3}|75[01]\d{3}|713\d{3}"), "tunnel"),
    (re.compile(r"106\d{3}|313\d{3}|7100\d{2}|419\d{3}|410\d{3}|500\d{3}|40200?\d{0,3}|324\d{3}|415\d{3}"), "refused"),
)
_FIELD = re.compile(r"(?:^|, )([A-Z][A-Za-z0-9_]{1,48}): ")
_OF_FIELDS = {
    "src": ("SrcIP",),
    "sport": ("SrcPort",),
    "dst": ("DstIP",),
    "dport": ("DstPort",),
    "src_if": ("IngressInterface",),
    "dst_if": ("EgressInterface",),
    "protocol": ("Protocol",),
    "user": ("User",),
    "rule": ("AccessControlRuleName",),
    "reason": ("AccessControlRuleReason",),
    "connection": ("ConnectionID",),
    "title": ("Message", "ThreatName"),
    "seconds": ("ConnectionDuration",),
}
_VERDICTS = ("AccessControlRuleAction", "InlineResult", "FileAction")


def decode(record: Record) -> Record:
    """The record with the facts of its text."""
    text = str(record.get("text") or record.get("message") or "")[:_MAX_TEXT].strip()
    code = str(record.get("code") or "")
    made: Record = {name: value for name, value in record.items() if name != "message"} | {"text": text}
    made |= _of_event(text) if code.startswith("43000") else _of_text(text)
    made["shape"] = _shape(code, made)
    if made["shape"] == "open" and made.get("direction") == "outbound" and "faddr" not in text:
        # The first is the one outside; it is the other that began.
        for one, other in (("src", "dst"), ("sport", "dport"), ("src_if", "dst_if")):
            made[one], made[other] = made.get(other), made.get(one)
    made["title"] = made.get("title") or text.partition(". ")[0][:255]
    return {name: value for name, value in made.items() if value is not None}


def _shape(code: str, made: Record) -> str:
    shape = next((shape for codes, shape in _SHAPES if codes.fullmatch(code)), None)
    if shape == "refused" and made.get("verdict") == "allowed":
        return "traffic"
    if shape is None and "group" in made:
        return "tunnel"
    return shape or ("traffic" if "src" in made else "other")


def _of_event(text: str) -> Record:
    """Of the events of FTD, which are names and values."""
    parts = _FIELD.split(text)
    fields = {name: value.strip() for name, value in zip(parts[1::2], parts[2::2], strict=False) if value.strip()}
    made: Record = {"fields": fields}
    for name, theirs in _OF_FIELDS.items():
        made[name] = next((fields[one] for one in theirs if one in fields), None)
    verdict = next((fields[name] for name in _VERDICTS if name in fields), "")
    made["verdict"] = "denied" if _DENIED.search(verdict) else "allowed" if verdict in {"Allow", "Trust"} else None
    return made


def _of_text(text: str) -> Record:
    made: Record = {name: found[1].strip() for name, pattern in _FACTS if (found := pattern.search(text))}
    made |= _ends(text)
    made["user"] = made.get("user") or made.pop("other_user", None)
    if session := next((found for pattern in _SESSIONS if (found := pattern.search(text))), None):
        made["group"], made["user"] = session[1], session[2]
        made.setdefault("src", session[3])
        if session[3]:
            made["src"] = session[3]
    for pattern in _USERS:
        if not made.get("user") and (found := pattern.search(text)):
            made["user"] = found[1].rstrip(".,;:")
    if found := _DURATION.search(text):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        made["seconds"] = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    denied = _DENIED.search(text)
    made["verdict"] = "denied" if denied else "allowed" if _ALLOWED.search(text) else None
    return made


def _ends(text: str) -> Record:
    """Both ends, or the one that there is."""
    if found := _OF_LIST.search(text):
        names = ("src_if", "src", "sport", "user", "dst_if", "dst", "dport")
    elif found := _ICMP.search(text):
        names = ("src", "sport", "user", "dst", "dport")
    elif found := _PEERS.search(text):
        names = ("dst", "dport", "src", "sport")
    elif found := _WEB.search(text):
        names = ("user", "src", "dst")
    elif found := next((found for pattern in _ENDS if (found := pattern.search(text))), None):
        names = ("src_if", "src", "sport", "user", "dst_if", "dst", "dport", "other_user")
    elif found := next((found for pattern in _ONE[:2] if (found := pattern.search(text))), None):
        names = ("src",) if found.re.groups == 1 else ("src_if", "src", "sport")
    elif found := _ONE[2].search(text):
        names = ("dst_if", "dst", "dport")
    else:
        return {}
    return {name: value for name, value in zip(names, found.groups(), strict=False) if value is not None}
