r"""How an event of ours is held against what another product made of the same record.

An ECS pair is compared on five facts, each only where the pair has it:

=======  ==============================================================================================================
who      Each of the pair's ``user.name``, ``user.id``, ``user.email`` is a name of one of our accounts, without regard
         to case: ``uid``, ``uid_alt``, ``name`` (of a machine, with or without its ``$``), ``email_addr``,
         ``full_name``, ``account.uid``, the part of a mail address before the ``@``, or ``domain\name``, of ``user``,
         ``actor.user``, a user of an evidence or of the actor's process, or the role that issued the actor's session.
         Of a ``uid`` that says within what it counts, the part behind the last colon is enough.
where    ``source.ip`` is our ``src_endpoint.ip``, ``device.ip``, or ``src_endpoint.ip`` of an evidence.
what     Our class fits one of the pair's ``event.category`` (:data:`CLASSES`), our activity is not the opposite of its
         ``event.type`` (:data:`OPPOSITES`), and ``event.action`` (of several, one), if its text stands in the raw
         record, stands in what we say was done: ``command``, ``api.operation``, ``metadata.event_code``, ``message``,
         ``status_detail``, ``activity_name``, ``finding_info.title``. An action that does not stand in the record is
         the other mapping's own word, and no category means that only the action is compared. Texts are compared
         without case, blanks and punctuation.
outcome  ``event.outcome`` success or failure is our ``status_id`` 1 or 2.
when     ``@timestamp`` is our ``time``, within a second.
=======  ==============================================================================================================

An OCSF pair is compared attribute by attribute, objects opened, lists as wholes.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from watchfloor.normalize.coerce import address, text_of, timestamp

Flat = dict[str, Any]
"""An event by dotted path."""

FACTS = ("who", "where", "what", "outcome", "when")

_FINDINGS = frozenset(range(2001, 2008))

CLASSES: Mapping[str, frozenset[int]] = {
    # Sessions begin and end with a sign-in; accounts are locked, factors enrolled; access is granted to a session.
    "authentication": frozenset({3001, 3002, 3003}),
    # A session is a persistent connection to a host or service, too.
    "session": frozenset({3001, 3002, 3003, 4001, 4005}),
    # Who asks for users and groups learns of them; so does who lists them.
    "iam": frozenset({3001, 3002, 3003, 3004, 3005, 3006, 5003, 5009, 5018}),
    # What is configured is an object of its own kind: an account, a group, a device, a value of the registry.
    "configuration": frozenset({1001, 3001, 3003, 3004, 3005, 3006, 5002, 5019, 6001, 6002, 201001, 201002, 201004}),
    # Data security findings are about data in files and mails; items of mailboxes and sites are web resources.
    "file": frozenset({1001, 1005, 2006, 4006, 4010, 4012, 6001, 6006}),
    "email": frozenset({2004, 2006, 4009, 4011, 4012, 6001}),
    # An application that starts is a process or lives in one.
    "process": frozenset({1002, 1003, 1004, 1005, 1006, 1007, 1009, 6002, 201003, 201004, 201006}),
    "registry": frozenset({201001, 201002}),
    "driver": frozenset({1002}),
    "library": frozenset({1005}),
    "package": frozenset({1007, 5002, 5019, 6002}),
    "host": frozenset({*range(1001, 1011), 5001, 5002, 5019, 6002, 201003, 201004}),
    "network": frozenset(range(4001, 4015)),
    "web": frozenset({4001, 4002, 6001, 6004}),
    "database": frozenset({6005}),
    "api": frozenset({6003}),
    "intrusion_detection": _FINDINGS,
    "threat": _FINDINGS,
    "malware": _FINDINGS,
    "vulnerability": _FINDINGS,
}
"""The OCSF classes that say what an ECS category says.

API Activity, the class of a call whatever it is made on, fits each; an event of another class that says ``is_alert``
fits the categories of findings, and a finding each that an event of the kind ``alert`` has: what it is an alert about.
"""

OPPOSITES: Mapping[str, re.Pattern[str]] = {
    "creation": re.compile(r"Delete|Remove|Terminate|Revoke|Disable|Logoff"),
    "deletion": re.compile(r"Create|Add|Launch|Assign|Enable|Logon"),
    "start": re.compile(r"Terminate|Logoff|Close|Stop"),
    "end": re.compile(r"Launch|Logon|Open|Start"),
}
"""The activities that contradict an ECS type, if the pair does not have the other type too."""

_SHIPPED = re.compile(r'"task": "[^"]*"|"event": \{[^{}]*\}')
"""What winlogbeat calls an event of Windows, in its own envelope."""

_PROGRAM = re.compile(r" \([^()]*\)$")
"""The program that Exchange writes behind an account's name."""

_PAIRS = {"creation": "deletion", "deletion": "creation", "start": "end", "end": "start"}
_NAMES = ("uid", "uid_alt", "name", "email_addr", "full_name")
_SAYS = (
    "command",
    "api.operation",
    "metadata.event_code",
    "message",
    "status_detail",
    "activity_name",
    "finding_info.title",
)
_EVIDENCE = "evidences"
_ALERTS = {"intrusion_detection", "threat", "malware"}
_API_ACTIVITY = 6003


def flatten(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of an object by dotted path; a list is a leaf.

    >>> dict(flatten({"a": {"b": 1}, "c": [2]}))
    {'a.b': 1, 'c': [2]}
    """
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from flatten(item, f"{prefix}{key}.")
        else:
            yield prefix + key, item


def facts(theirs: Flat) -> Flat:
    """The facts that an ECS event has; ``theirs`` as :func:`flatten` gives it."""
    names = [text for name in ("name", "id", "email") for text in _texts(theirs.get(f"user.{name}"))]
    found: Flat = {
        "who": sorted({_PROGRAM.sub("", name).casefold() for name in names}),
        "where": sorted({one for text in _texts(theirs.get("source.ip")) if (one := address(text))}),
        "what": {
            name: value for name in ("action", "category", "type") if (value := _texts(theirs.get(f"event.{name}")))
        },
        "outcome": theirs.get("event.outcome") if theirs.get("event.outcome") in {"success", "failure"} else None,
        "when": timestamp(theirs.get("@timestamp")),
    }
    if set(found["what"]) == {"type"}:
        found["what"] = {}
    elif "category" in found["what"] and theirs.get("event.kind") == "alert":
        found["what"]["kind"] = ["alert"]
    return {name: value for name, value in found.items() if value not in (None, [], {})}


def agreed(fact: str, wanted: Any, ours: Mapping[str, Any], raw: str) -> tuple[bool, Any]:
    """Whether an event says the same of a fact, and what it says."""
    return _COMPARE[fact](wanted, ours, raw)


def _who(wanted: list[str], ours: Mapping[str, Any], _raw: str) -> tuple[bool, Any]:
    names = {name.casefold() for user in _users(ours) for name in _names(user)}
    return set(wanted) <= names, sorted(names)


def _users(ours: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    # Who acts in a role is the role as well as the session.
    if issuer := ((ours.get("actor") or {}).get("session") or {}).get("issuer"):
        yield {"name": issuer.rpartition("/")[2]}
    for holder in (ours, *(ours.get(_EVIDENCE) or ())):
        actor = holder.get("actor") or {}
        for owner in (holder, actor, actor.get("process") or {}, holder.get("process") or {}):
            if isinstance(user := owner.get("user"), Mapping):
                yield user


def _names(user: Mapping[str, Any]) -> Iterator[str]:
    for key in _NAMES:
        if text := user.get(key):
            yield text
            if key == "uid":
                yield text.rpartition(":")[2]
            yield text.removesuffix("$")
            if key in {"email_addr", "name"} and "@" in text:
                yield text.partition("@")[0]
    if number := (user.get("account") or {}).get("uid"):
        yield number
    if user.get("domain") and user.get("name"):
        yield f"{user['domain']}\\{user['name']}"


def _where(wanted: list[str], ours: Mapping[str, Any], _raw: str) -> tuple[bool, Any]:
    holders = (ours, *(ours.get(_EVIDENCE) or ()))
    found = {text for one in holders for key in ("src_endpoint", "device") if (text := (one.get(key) or {}).get("ip"))}
    return bool(found & set(wanted)), sorted(found)


def _what(wanted: Mapping[str, list[str]], ours: Mapping[str, Any], raw: str) -> tuple[bool, Any]:
    flat = dict(flatten({key: value for key, value in ours.items() if key not in {"raw_data", "unmapped"}}))
    said = [_squeezed(str(flat[path])) for path in _SAYS if flat.get(path)]
    code = flat.get("api.operation") or flat.get("metadata.event_code")
    says = f"{ours['class_uid']} {ours.get('activity_name')} {code}"
    record = (_SHIPPED.sub("", raw) if "winlog" in raw else raw).casefold()
    actions = [action for action in wanted.get("action", ()) if action.casefold() in record]
    if actions and not any(_squeezed(action) in text for action in actions for text in said):
        return False, says
    if categories := wanted.get("category"):
        known = [CLASSES[one] | {_API_ACTIVITY} for one in categories if one in CLASSES]
        says_so = any(ours["class_uid"] in classes for classes in known)
        if "kind" in wanted and ours["class_uid"] in _FINDINGS:
            return True, says
        if known and not says_so and not (ours.get("is_alert") and _ALERTS & set(categories)):
            return False, says
        return not _contradicts(wanted.get("type", ()), str(ours.get("activity_name"))), says
    return True, says


def _contradicts(types: Any, activity: str) -> bool:
    return any(
        one in OPPOSITES and _PAIRS[one] not in types and OPPOSITES[one].search(activity) is not None for one in types
    )


def _outcome(wanted: str, ours: Mapping[str, Any], _raw: str) -> tuple[bool, Any]:
    status = ours.get("status_id")
    return status == {"success": 1, "failure": 2}[wanted], status


def _when(wanted: int, ours: Mapping[str, Any], _raw: str) -> tuple[bool, Any]:
    return abs(ours["time"] - wanted) <= 1000, ours["time"]


_Compare = Callable[[Any, Mapping[str, Any], str], tuple[bool, Any]]
_COMPARE: Mapping[str, _Compare] = {"who": _who, "where": _where, "what": _what, "outcome": _outcome, "when": _when}


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in map(text_of, values) if text]


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
