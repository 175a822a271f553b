"""Numbers and times as people read them. All times are ms since the epoch and shown in UTC."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = 86_400_000
_UNITS = ((_DAY, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))


def moment(time: int) -> datetime | None:
    """The moment of an epoch time, or ``None`` where a hostile record names one beyond the calendar."""
    try:
        return EPOCH + timedelta(milliseconds=time)
    except OverflowError:
        return None


def day(time: int) -> str:
    """The date.

    >>> day(1_741_770_000_000)
    '12 Mar 2025'
    """
    at = moment(time)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}" if at else f"beyond the calendar ({time} ms)"


def clock(time: int, *, seconds: bool = True) -> str:
    """The time of day.

    >>> clock(1_741_770_000_000)
    '09:00:00'
    """
    at = moment(time)
    return at.strftime("%H:%M:%S" if seconds else "%H:%M") if at else "--:--"


def when(time: int) -> str:
    """The date and the time of day.

    >>> when(1_741_770_000_000)
    '12 Mar 2025 09:00:00'
    """
    return f"{day(time)} {clock(time)}" if moment(time) else day(time)


def span(start: int, end: int) -> str:
    """From when to when, the date said once where it is one day.

    >>> span(1_741_770_000_000, 1_741_777_200_000)
    '12 Mar 2025, 09:00 to 11:00'
    """
    if day(start) != day(end):
        return f"{day(start)} {clock(start, seconds=False)} to {day(end)} {clock(end, seconds=False)}"
    if clock(start, seconds=False) == clock(end, seconds=False):
        return f"{day(start)}, {clock(start)}"
    return f"{day(start)}, {clock(start, seconds=False)} to {clock(end, seconds=False)}"


def duration(milliseconds: int) -> str:
    """How long, in its two largest units.

    >>> duration(5_400_000), duration(0), duration(90_061_000)
    ('1 h 30 min', 'under 1 s', '1 d 1 h')
    """
    parts: list[str] = []
    rest = max(0, milliseconds)
    for size, unit in _UNITS:
        amount, rest = divmod(rest, size)
        if amount or parts:
            parts.append(f"{amount:,} {unit}" if amount else "")
    return " ".join(part for part in parts[:2] if part) or "under 1 s"


def percent(probability: float) -> str:
    """A probability in per cent; neither certainty nor impossibility is ever claimed by rounding.

    >>> percent(0.934), percent(0.9999), percent(0.0001), percent(1.0)
    ('93%', '>99%', '<1%', '100%')
    """
    rounded = round(100 * probability)
    if rounded >= 100 and probability < 1:
        return ">99%"
    if rounded <= 0 < probability:
        return "<1%"
    return f"{rounded}%"


def count(number: int, noun: str | None = None, plural: str | None = None) -> str:
    """A number, with its noun in the right number.

    >>> count(15145), count(1, "case"), count(2, "entity", "entities")
    ('15,145', '1 case', '2 entities')
    """
    if noun is None:
        return f"{number:,}"
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def tactic_name(tactic: str) -> str:
    """A tactic's name for people.

    >>> tactic_name("credential-access")
    'Credential access'
    """
    return tactic.replace("-", " ").replace("_", " ").capitalize()


def listed(items: list[str]) -> str:
    """Items as a phrase.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join((", ".join(items[:-1]), items[-1])) if len(items) > 1 else "".join(items)
