"""A mail (RFC 5322, MIME) as a record under ``mail``: who, when, which way, how authenticated, links and attachments.

Structure is read with the standard library's parser, headers with its functions for addresses and encoded words: they
take time in proportion to their input, which the header parser of its newer policies does not. Everything is bounded.

==========================================  ==========================================================================
``from to cc bcc reply_to sender``          lists of ``{address, name}``
``return_path subject message_id date``     texts; ``date`` is the sender's claim, ISO 8601
``received``                                the way, last hop first: ``{from, ip, by, with, time}``
``received_at``, ``sender_ip``              when the last hop took it; the first address on the way that is not internal
``authentication``                          ``{spf, dkim, dmarc}``, the words that the receiving server wrote
``urls``                                    links of all bodies, each once: ``{url, host}``
``attachments``                             ``{name, type, size, sha256}``
``size``                                    bytes of the whole
``body``, ``headers``                       text, and ``{name, value}`` of each header, both cut at a length
==========================================  ==========================================================================
"""

import codecs
import hashlib
import html
import ipaddress
import re
from collections.abc import Iterable, Iterator
from datetime import UTC
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from itertools import islice
from typing import Any

from watchfloor.errors import RecordError

_FIRST = re.compile(rb"(?:From [^\r\n]{3,998}\r?\n)?(?:[!-9;-~]{1,76}:[^\n]*+\n(?:[ \t][^\n]*+\n)*+){2,}+")
_FROM = re.compile(rb"^From:", re.IGNORECASE | re.MULTILINE)
_HEAD_BYTES = 64 << 10
_MAX_HEADER_BYTES = 512 << 10
_MAX_LINES = 400_000
_MAX_MARKS = 20_000
_MAX_INSIDE = 64
_MAX_PARTS = 500
_INSIDE = re.compile(rb"boundary\*?\d*\*?\s*=|content-type:\s*message/", re.IGNORECASE)
_MARK = re.compile(rb"^--", re.MULTILINE)
_BLANK = re.compile(rb"\n\r?\n")

_MAX_HEADERS = 200
_MAX_VALUE = 4096
_MAX_ADDRESSES = 200
_MAX_ADDRESS_TEXT = 32 << 10
_MAX_BODY = 16 << 10
_MAX_SEARCHED = 512 << 10
_MAX_URLS = 200
_MAX_ATTACHMENTS = 100
_URL = re.compile(r"\b(?:https?|ftp)://[^\s\"'<>\\^`{|}\x00-\x1f]{1,2000}", re.IGNORECASE)
_AUTHORITY = re.compile(r"[/?#]")
_TAG = re.compile(r"<(?:style|script)\b[^<>]*+>[^<]*+|<[^<>]*+>", re.IGNORECASE)
_HOP = re.compile(r"(?:^|\s)from\s+(\S{1,255})", re.IGNORECASE)
_BY = re.compile(r"(?:^|\s)by\s+(\S{1,255})", re.IGNORECASE)
_WITH = re.compile(r"(?:^|\s)with\s+(\S{1,64})", re.IGNORECASE)
_ADDRESS = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{3,45})\]", re.IGNORECASE)
_RESULT = re.compile(r"(?:^|[;\s])(spf|dkim|dmarc)\s*=\s*([a-z]{1,20})", re.IGNORECASE)
_SPF = re.compile(r"\s*([a-z]{1,20})", re.IGNORECASE)
_INTERNAL = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"))
) + tuple(map(ipaddress.ip_network, ("100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10")))
_PEOPLE = ("From", "To", "Cc", "Bcc", "Reply-To", "Sender")
_BROKEN = (
    RecursionError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    OverflowError,
    MessageError,
)
"""What the standard library raises on headers that nobody thought of."""

_CODECS = frozenset({"ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-7", "big5", "gbk", "gb2312", "gb18030"})
_CODEC_FAMILIES = ("iso8859-", "iso2022_", "cp", "koi8-", "shift_jis", "euc_", "mac-")

Headers = list[tuple[str, str]]


def is_message(raw: bytes) -> bool:
    """Whether a record of several lines begins with the headers of a mail."""
    head = raw[:_HEAD_BYTES]
    found = _FIRST.match(head)
    return found is not None and _FROM.search(found[0]) is not None


def read_message(raw: bytes) -> dict[str, Any]:
    r"""The record of a mail.

    >>> mail = read_message(b"From: Al <al@example.com>\nSubject: Hi\n\nSee https://example.com/x.\n")["mail"]
    >>> mail["from"], mail["subject"], mail["urls"]
    ([{'address': 'al@example.com', 'name': 'Al'}], 'Hi', [{'url': 'https://example.com/x', 'host': 'example.com'}])

    Raises:
        RecordError: It has more headers, parts or lines than any mail.
    """
    _bound(raw)
    try:
        message = message_from_bytes(raw, policy=policy.compat32)
        parts = list(_parts(message))
    except _BROKEN as error:
        raise RecordError(f"a mail that cannot be parsed: {type(error).__name__}") from error
    headers = [(name, _decoded(value)) for name, value in message.raw_items()]
    mail: dict[str, Any] = {name.lower().replace("-", "_"): _people(_all(headers, name)) for name in _PEOPLE}
    mail |= {
        "return_path": _first(headers, "Return-Path").strip("<> "),
        "subject": _first(headers, "Subject"),
        "message_id": _first(headers, "Message-ID").strip("<> "),
        "date": _time(_first(headers, "Date")),
        "user_agent": _first(headers, "User-Agent") or _first(headers, "X-Mailer"),
        "authentication": _authentication(headers),
        "size": len(raw),
        "headers": [{"name": name, "value": value} for name, value in headers[:_MAX_HEADERS]],
    }
    mail |= _way(headers) | _content(parts)
    return {"mail": {name: value for name, value in mail.items() if value}}


def _bound(raw: bytes) -> None:
    end = _BLANK.search(raw)
    if (end.start() if end else len(raw)) > _MAX_HEADER_BYTES:
        raise RecordError(f"a mail with headers longer than {_MAX_HEADER_BYTES >> 10} KiB")
    if raw.count(b"\n") > _MAX_LINES:
        raise RecordError(f"a mail with more than {_MAX_LINES:,} lines")
    if sum(1 for _ in _INSIDE.finditer(raw)) > _MAX_INSIDE:
        raise RecordError(f"a mail with more than {_MAX_INSIDE} messages or multiparts in it")
    if sum(1 for _ in _MARK.finditer(raw)) > _MAX_MARKS:
        raise RecordError(f"a mail with more than {_MAX_MARKS:,} lines that may begin a part")


def _parts(message: Message) -> Iterator[Message]:
    for count, part in enumerate(message.walk()):
        if count >= _MAX_PARTS:
            raise RecordError(f"a mail with more than {_MAX_PARTS} parts")
        yield part


def _decoded(value: Any) -> str:
    """A header's text, unfolded, with encoded words decoded."""
    text = " ".join(str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())[:_MAX_VALUE]
    if "=?" not in text:
        return text
    try:
        pieces = decode_header(text)
        return "".join(
            piece if isinstance(piece, str) else piece.decode(_codec(charset), "replace") for piece, charset in pieces
        )
    except _BROKEN:
        return text


def _all(headers: Headers, name: str) -> list[str]:
    return [value for key, value in headers if key.lower() == name.lower()]


def _first(headers: Headers, name: str) -> str:
    return next(iter(_all(headers, name)), "")


def _people(values: Iterable[str]) -> list[dict[str, str]]:
    try:
        pairs = getaddresses([value[:_MAX_ADDRESS_TEXT] for value in values])[:_MAX_ADDRESSES]
    except _BROKEN:
        return []
    return [{"address": address} | ({"name": name} if name else {}) for name, address in pairs if "@" in address]


def _time(text: str) -> str | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except _BROKEN:
        return None


def _way(headers: Headers) -> dict[str, Any]:
    hops = [hop for text in _all(headers, "Received")[:_MAX_ADDRESSES] if (hop := _hop(text))]
    outside = next((hop["ip"] for hop in hops if "ip" in hop and not _is_internal(hop["ip"])), None)
    return {"received": hops, "sender_ip": outside, "received_at": hops[0].get("time") if hops else None}


def _hop(text: str) -> dict[str, Any]:
    way, _, time = text.rpartition(";")
    before = _BY.search(way)
    address = _ADDRESS.search(way, 0, before.start() if before else len(way))
    named = (("from", _HOP.search(way)), ("by", before), ("with", _WITH.search(way)), ("ip", address))
    hop: dict[str, Any] = {name: found[1] for name, found in named if found}
    return hop | ({"time": moment} if (moment := _time(time.strip())) else {})


def _is_internal(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return True
    return any(parsed in network for network in _INTERNAL if network.version == parsed.version)


def _authentication(headers: Headers) -> dict[str, str]:
    """The results of the topmost server: those below may be the sender's own."""
    found: dict[str, str] = {}
    for value in _all(headers, "Authentication-Results")[:1] or _all(headers, "ARC-Authentication-Results")[:1]:
        for method, result in _RESULT.findall(value):
            found.setdefault(method.lower(), result.lower())
    if "spf" not in found and (spf := _SPF.match(_first(headers, "Received-SPF"))):
        found["spf"] = spf[1].lower()
    return found


def _content(parts: Iterable[Message]) -> dict[str, Any]:
    bodies: dict[str, str] = {}
    urls: dict[str, None] = {}
    attachments: list[dict[str, Any]] = []
    for part in parts:
        if part.is_multipart():
            continue
        payload = _payload(part)
        kind = _kind(part)
        name = _name(part)
        if kind.startswith("text/") and not name and not _is_attached(part):
            text = payload.decode(_charset(part), "replace")
            bodies.setdefault(kind, text)
            urls |= dict.fromkeys(_urls(text[:_MAX_SEARCHED], kind))
        elif len(attachments) < _MAX_ATTACHMENTS:
            found = {"type": kind, "size": len(payload), "sha256": hashlib.sha256(payload).hexdigest()}
            attachments.append(({"name": name} if name else {}) | found)
    return {"body": _body(bodies), "urls": [_link(url) for url in islice(urls, _MAX_URLS)], "attachments": attachments}


def _payload(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except _BROKEN:
        return b""
    return payload if isinstance(payload, bytes) else b""


def _kind(part: Message) -> str:
    try:
        return part.get_content_type()[:255]
    except _BROKEN:
        return "application/octet-stream"


def _name(part: Message) -> str:
    try:
        return _decoded(part.get_filename() or "")[:255]
    except _BROKEN:
        return ""


def _is_attached(part: Message) -> bool:
    return str(part.get("Content-Disposition", "")).lower().startswith("attachment")


def _charset(part: Message) -> str:
    try:
        return _codec(str(part.get_content_charset("utf-8")))
    except _BROKEN:
        return "utf-8"


def _codec(name: str | None) -> str:
    """A name of characters' codes that is fit for text of any length, else UTF-8."""
    try:
        known = codecs.lookup(name or "utf-8")
    except (LookupError, ValueError):
        return "utf-8"
    return known.name if known.name in _CODECS or known.name.startswith(_CODEC_FAMILIES) else "utf-8"


def _urls(text: str, kind: str) -> Iterator[str]:
    for found in _URL.finditer(text):
        url = html.unescape(found[0]) if kind == "text/html" else found[0]
        yield url.rstrip(".,;:!?)]")


def _link(url: str) -> dict[str, str]:
    """A link and its host, without what some programs take for a user's name before it."""
    authority = _AUTHORITY.split(url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]
    host = authority.rpartition(":")[0] if authority.rpartition(":")[2].isdigit() else authority
    return {"url": url} | ({"host": host.lower()} if host else {})


def _body(bodies: dict[str, str]) -> str:
    text = bodies.get("text/plain") or html.unescape(_TAG.sub(" ", bodies.get("text/html", "")[:_MAX_SEARCHED]))
    return text.strip()[:_MAX_BODY]
