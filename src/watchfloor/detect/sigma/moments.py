"""Times as logs write them, for the modifiers that compare a part of one: minute, hour, day, week, month, year."""

import re
from datetime import UTC, datetime

from watchfloor.detect.sigma.condition import TimePart

_EPOCH = re.compile(r"[0-9]{1,20}(\.[0-9]{1,9})?")
_DIGITS_PER_SECOND = ((11, 1), (14, 1_000), (17, 1_000_000), (20, 1_000_000_000))


def moment(text: str) -> datetime | None:
    """The time a text names, in UTC, or ``None``.

    Takes ISO 8601 (a time without an offset is UTC) and numbers since the epoch: seconds, or milli-, micro- or
    nanoseconds by their number of digits.

    >>> moment("2025-03-01T23:30:00+02:00").hour
    21
    >>> moment("1700000000123").year
    2023
    >>> moment("yesterday") is None
    True
    """
    text = text.strip()
    try:
        if _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(_seconds(text), UTC)
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(text: str) -> float:
    digits = len(text.partition(".")[0])
    return float(text) / next(scale for most, scale in _DIGITS_PER_SECOND if digits <= most)


def part_of(time: datetime, part: TimePart) -> int:
    """A part of a time as a number; the week is the ISO week.

    >>> part_of(datetime(2025, 1, 1, tzinfo=UTC), "week")
    1
    """
    return time.isocalendar().week if part == "week" else int(getattr(time, part))
