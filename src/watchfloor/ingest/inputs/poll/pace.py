"""When the next request may go out: what the vendor's headers say, and longer waits the longer it fails."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from watchfloor.clock import Clock
from watchfloor.ingest.inputs.poll.definition import RateLimits

MAX_WAIT = 3600.0
"""However long the vendor says: what an answer says may be written by an attacker."""
FIRST_RETRY = 1.0
LONGEST_RETRY = 300.0


def backoff(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row; ``chance`` (0 to 1) spreads those who failed together.

    >>> [backoff(failures, 1.0) for failures in (1, 2, 3, 20)]
    [1.0, 2.0, 4.0, 300.0]
    >>> backoff(3, 0.0)
    2.0
    """
    most = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(failures - 1, 30))
    return most / 2 + most / 2 * chance


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that ``Retry-After`` names, as a number or a date (RFC 9110, section 10.2.3).

    >>> retry_after({"retry-after": "7"}, datetime(2026, 1, 1, tzinfo=UTC))
    7.0
    >>> retry_after({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT"}, datetime(2026, 1, 1, tzinfo=UTC))
    30.0
    """
    text = headers.get("retry-after", "").strip()
    if text.isdecimal() and len(text) < 10:
        return min(float(text), MAX_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, min((moment - now).total_seconds(), MAX_WAIT))


class Pace:
    """Holds back the requests of one poller.

    Args:
        limits: The headers that the vendor has.
        share: Which part of the time, and of the requests that are allowed, may be used: 1 for live traffic.
    """

    def __init__(self, limits: RateLimits, clock: Clock, *, share: float = 1.0) -> None:
        self._limits = limits
        self._clock = clock
        self._share = share
        self._free_at: datetime | None = None

    def wait(self) -> float:
        """Seconds until the next request."""
        return max(0.0, (self._free_at - self._clock()).total_seconds()) if self._free_at else 0.0

    def seen(self, headers: Mapping[str, str], *, took: float) -> None:
        """An answer came, after so many seconds, with these headers."""
        now = self._clock()
        rest = took * (1 / self._share - 1)
        remaining, limit = _number(headers, self._limits.remaining), _number(headers, self._limits.limit)
        if remaining is not None and (reset := self._reset(headers, now)) is not None:
            kept = (limit or 0) * (1 - self._share)
            rest = max(rest, reset) if remaining <= kept else rest
        self._free_at = datetime.fromtimestamp(now.timestamp() + rest, UTC) if rest > 0 else None

    def busy(self, status: int, headers: Mapping[str, str], body: bytes) -> float | None:
        """The seconds to wait if an error means that there were too many requests; None if it means something else."""
        now = self._clock()
        named = retry_after(headers, now)
        limited = (
            status == 429
            or (status == 403 and (named is not None or _number(headers, self._limits.remaining) == 0))
            or any(text.encode() in body for text in self._limits.says)
        )
        if not limited:
            return None
        waits = [wait for wait in (named, self._reset(headers, now)) if wait is not None]
        # What says nothing is as if it said a minute.
        return max(waits[0] if waits else 60.0, 1.0 if not named else 0.0)

    def _reset(self, headers: Mapping[str, str], now: datetime) -> float | None:
        number = _number(headers, self._limits.reset)
        if number is None:
            return None
        wait = number - now.timestamp() if self._limits.reset_is == "epoch" else number
        return max(0.0, min(wait, MAX_WAIT))


def _number(headers: Mapping[str, str], name: str) -> float | None:
    text = headers.get(name.lower(), "").strip() if name else ""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < 1e12 else None
