"""Times as people write them: ``24h`` ago, ``now-7d``, ``2026-03-17``, ``2026-03-17T08:30``, milliseconds."""

import re
from datetime import UTC, datetime, timedelta

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_LENGTH = re.compile(r"(\d{1,12})(ms|[smhdw])")
_RELATIVE = re.compile(r"(?:now)?-?(\d{1,12})(ms|[smhdw])")
_MILLISECONDS = re.compile(r"-?\d{11,18}")
_ABSOLUTE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?(Z|z|[+-]\d\d:?\d\d)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FORMS = "write 24h, now-7d, 2026-03-17, 2026-03-17T08:30Z or milliseconds since the epoch"

Span = tuple[int, int]
"""The first and the last millisecond since the epoch (UTC) of what was written: a day, a minute, one moment."""


def length(text: str) -> int:
    """A length of time in ms.

    >>> length("90m")
    5400000

    Raises:
        ValueError: It is none.
    """
    found = _LENGTH.fullmatch(text)
    if found is None or not int(found[1]):
        raise ValueError(f"{text!r} is not a length of time: write 30s, 5m, 1h or 7d")
    return int(found[1]) * UNITS[found[2]]


def moment(text: str, now: int) -> Span:
    """The span that a text names; without a zone it is UTC.

    >>> moment("2026-03-17T08:30", 0)
    (1773736200000, 1773736259999)
    >>> moment("-1h", 7_200_000)
    (3600000, 3600000)

    Raises:
        ValueError: It names none.
    """
    if text.lower() == "now":
        return now, now
    if found := _RELATIVE.fullmatch(text):
        then = now - int(found[1]) * UNITS[found[2]]
        return then, then
    if _MILLISECONDS.fullmatch(text):
        return int(text), int(text)
    if found := _ABSOLUTE.fullmatch(text):
        return _absolute(text, found)
    raise ValueError(f"{text!r} is not a time: {FORMS}")


def clock_time(ms: int) -> str:
    """A time for people, UTC; one that no calendar has as its number of milliseconds.

    >>> clock_time(1_773_736_200_123), clock_time(1 << 62)
    ('2026-03-17 08:30:00.123', '4611686018427387904')
    """
    try:
        return (_EPOCH + timedelta(milliseconds=ms)).isoformat(" ", timespec="milliseconds").removesuffix("+00:00")
    except OverflowError:
        return str(ms)


def _absolute(text: str, found: re.Match[str]) -> Span:
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        start = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time: {error}") from error
    micro = int((fraction or "").ljust(6, "0"))
    ms = (start - _EPOCH - _offset(zone)) // timedelta(milliseconds=1) + micro // 1000
    sizes = ((fraction, 1), (second, 1000), (minute, 60_000), (hour, 3_600_000), (day, 86_400_000))
    size = next(size for part, size in sizes if part is not None)
    return ms, ms + size - 1


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in "Zz":
        return timedelta(0)
    sign = -1 if zone[0] == "-" else 1
    return sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
