"""Time as a parameter: nothing below the edges reads the machine's clock by itself."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time, in UTC."""


def system_clock() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def now_ms(clock: Clock = system_clock) -> int:
    """The current time in milliseconds since the epoch, UTC."""
    return int(clock().timestamp() * 1000)


def iso(milliseconds: int) -> str:
    """RFC 3339 text of an epoch time in milliseconds, UTC.

    >>> iso(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
