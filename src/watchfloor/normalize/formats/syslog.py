"""The syslog envelope of a line: RFC 5424, RFC 3164, and what devices write instead.

``<PRI>`` may be missing (files have none), the host too; a counter may stand before the time; times may be ISO 8601 or
have a year, fractions or a zone. A time without a year gets the latest that puts it no later than a day after
the record was ingested; a time without a zone is UTC.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

_PRI = re.compile(r"<(\d{1,3})>")
_MOST_PRI = 191
_NEW = re.compile(
    r"1 (-|\d{4}-\d\d-\d\dT\S{8,30}) (\S{1,255}) (\S{1,255}) (\S{1,255}) (\S{1,255}) "
    r"(-|(?:\[[^\s=\]\"]{1,255}(?: [^\s=\]\"]{1,255}=\"(?:[^\"\\]|\\.)*+\")*+ ?\])++)(?: |\Z)",
    re.DOTALL,
)
_PARAMETERS = re.compile(r" ([^\s=\]\"]{1,255})=\"((?:[^\"\\]|\\.)*+)\"", re.DOTALL)
_ELEMENT = re.compile(r"\[([^\s=\]\"]{1,255})((?: [^\s=\]\"]{1,255}=\"(?:[^\"\\]|\\.)*+\")*+) ?\]", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\\]])')

_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}
_OLD = re.compile(
    r"(?:\d{1,10}: )?[*.]?(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(?P<day>\d{1,2}) "
    r"(?:(?P<year>\d{4}),? )?(?P<clock>\d\d:\d\d:\d\d)(?P<fraction>\.\d{1,9})?"
    r"(?: (?P<year_after>20\d\d)(?= ))?(?: (?:UTC|GMT|Z)(?=[: ]))?:? "
)
_ISO = re.compile(r"(?:1 )?(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)([.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)? ")
_HOST = re.compile(r"([^\s:\[\]<>=,|{}\"']{1,255}|[0-9A-Fa-f:.]{3,45}) (?=\S)")
_TAG = re.compile(r"([^\s:\[\]=,|{}\"'<>%]{1,64})(?:\[([^\]\s]{1,32})\]: ?|:(?: |\Z))")
_NO_TAGS = frozenset({"CEF", "LEEF"})


_FIELDS = ("timestamp", "hostname", "app_name", "proc_id", "msg_id")


class Envelope(NamedTuple):
    """What a syslog line says of itself, under the names of RFC 5424, and the rest of it."""

    syslog: dict[str, Any]
    message: str


def syslog_envelope(line: str, ingested_at: int) -> Envelope | None:
    """The envelope of a line; None if it has none.

    ``ingested_at`` (milliseconds since the epoch, UTC) dates a time without a year.

    >>> syslog_envelope("<38>Mar  3 09:14:05 web-1 sshd[311]: Connection closed", 1772530000000)
    ... # doctest: +NORMALIZE_WHITESPACE
    Envelope(syslog={'facility': 4, 'severity': 6, 'timestamp': '2026-03-03T09:14:05Z', 'hostname': 'web-1',
                     'app_name': 'sshd', 'proc_id': '311'}, message='Connection closed')
    """
    found: dict[str, Any] = {}
    at = 0
    if line.startswith("<"):
        pri = _PRI.match(line)
        if pri and (number := int(pri[1])) <= _MOST_PRI:
            found["facility"], found["severity"] = number >> 3, number & 7
            at = pri.end()
    if line.startswith("1 ", at) and (new := _NEW.match(line, at)):
        return _new(found, new, line)
    return _old(found, line, at, ingested_at)


def _new(found: dict[str, Any], new: re.Match[str], line: str) -> Envelope:
    found |= {name: value for name, value in zip(_FIELDS, new.groups(), strict=False) if value != "-"}
    if new[6] != "-":
        found["structured_data"] = {
            element[1]: {name: _unescape(value) for name, value in _PARAMETERS.findall(element[2])}
            for element in _ELEMENT.finditer(new[6])
        }
    return Envelope(found, line[new.end() :].removeprefix("\ufeff"))


def _unescape(value: str) -> str:
    return _ESCAPED.sub(r"\1", value) if "\\" in value else value


def _old(found: dict[str, Any], line: str, at: int, ingested_at: int) -> Envelope | None:
    has_pri = at > 0
    if old := _OLD.match(line, at):
        time = _bsd_time(*old.group("month", "day", "clock"), old["year"] or old["year_after"], ingested_at // _HOUR_MS)
        if time is None:
            return Envelope(found, line[at:]) if has_pri else None
        found["timestamp"] = f"{time}{old['fraction'] or ''}Z"
        at = old.end()
    elif (iso := _ISO.match(line, at)) and (has_pri or iso[2] == "T"):
        found["timestamp"] = f"{iso[1]}T{iso[3]}{(iso[4] or '').replace(',', '.')}{iso[5] or 'Z'}"
        at = iso.end()
        if not has_pri:
            return _file_line(found, line, at)
    elif not has_pri:
        return None
    else:
        return _sender(found, line, at, hosted=False)
    return _sender(found, line, at, hosted=True)


def _file_line(found: dict[str, Any], line: str, at: int) -> Envelope | None:
    """An ISO time alone is what many logs begin with: it is syslog only if a host and a tag follow."""
    host = _HOST.match(line, at)
    if host is None or (tag := _TAG.match(line, host.end())) is None:
        return None
    found["hostname"] = host[1]
    return _tagged(found, tag, line)


def _sender(found: dict[str, Any], line: str, at: int, *, hosted: bool) -> Envelope:
    """Host and tag, as far as they are there."""
    if (tag := _TAG.match(line, at)) and tag[1] not in _NO_TAGS:
        return _tagged(found, tag, line)
    if hosted and (host := _HOST.match(line, at)):
        found["hostname"] = host[1]
        at = host.end()
        if line.startswith(": ", at):
            at += 2
        elif (tag := _TAG.match(line, at)) and tag[1] not in _NO_TAGS:
            return _tagged(found, tag, line)
    return Envelope(found, line[at:])


def _tagged(found: dict[str, Any], tag: re.Match[str], line: str) -> Envelope:
    found["app_name"] = tag[1]
    if tag[2]:
        found["proc_id"] = tag[2]
    return Envelope(found, line[tag.end() :])


_HOUR_MS = 3_600_000


@lru_cache(maxsize=4096)
def _bsd_time(month: str, day: str, clock: str, year: str | None, hour: int) -> str | None:
    """ISO text of a time; one without a year is the last before a day after ``hour``, counted from the epoch."""
    text = f"{_MONTHS[month]:02}-{int(day):02}T{clock}"
    if year:
        return _valid(f"{year}-{text}")
    limit = datetime.fromtimestamp((hour + 24) * 3600, UTC)
    for one in range(limit.year, limit.year - _LEAP_YEARS, -1):
        time = _valid(f"{one}-{text}")
        if time and time <= limit.isoformat():
            return time
    return None


_LEAP_YEARS = 9
"""So many years back there was a 29th of February, even around 2100."""


def _valid(text: str) -> str | None:
    try:
        datetime.fromisoformat(text.replace(":60", ":59"))
    except ValueError:
        return None
    return text
