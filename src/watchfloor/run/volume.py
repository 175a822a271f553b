"""How much a source sends, when, and how late: against what it itself has shown before."""

from collections.abc import Sequence
from math import log2
from statistics import median_low
from typing import Literal

import msgspec

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
DAYS = 14
"""How far back a source's own past reaches."""

ENOUGH_HOURS = 24
"""With a shorter past there is no baseline."""

TIMES = 4
"""How many times as much or as little as usual is much more or much less."""
LEAST = 50
"""Below so many events an hour, by baseline and count, nothing is said of volume."""

SILENT_TIMES = 2
SILENT_LEAST = 10 * MINUTE
SILENT_YOUNG = 6 * HOUR
"""What a source that is not a week old may be silent for at least: it has not shown its nights and weekends."""
WEEK = 7 * DAY

_OCTAVES = 48
_AN_OCTAVE = 4
_Change = Literal["", "much more than usual", "much less than usual"]


class Latencies(msgspec.Struct):
    """Latencies in buckets that grow by a factor of 2^(1/4): a percentile is known to 19 %.

    >>> seen = Latencies()
    >>> seen.add([1000] * 99 + [60_000])
    >>> round(seen.percentile(50) / 1000, 1), seen.percentile(100) >= 60_000
    (1.0, True)
    """

    counts: dict[int, int] = msgspec.field(default_factory=dict)

    def add(self, latencies: Sequence[int]) -> None:
        """Note latencies (ms); one below zero counts as none."""
        for one in latencies:
            bucket = _bucket(one)
            self.counts[bucket] = self.counts.get(bucket, 0) + 1

    def percentile(self, part: int) -> int:
        """The latency (ms) that so many of a hundred do not exceed, its bucket's upper end; 0 without any."""
        total = sum(self.counts.values())
        passed = 0
        for bucket in sorted(self.counts):
            passed += self.counts[bucket]
            if passed * 100 >= total * part:
                return int(2 ** ((bucket + 1) / _AN_OCTAVE))
        return 0


def _bucket(latency: int) -> int:
    return 0 if latency < 1 else min(int(_AN_OCTAVE * log2(latency)), _AN_OCTAVE * _OCTAVES)


class Volume(msgspec.Struct):
    """One source's arrivals: events by hour, when it was first and last seen, its largest gap of each day."""

    hours: dict[int, int] = msgspec.field(default_factory=dict)
    first: int = 0
    last: int = 0
    gaps: dict[int, int] = msgspec.field(default_factory=dict)

    def add(self, events: int, now: int) -> None:
        """Note events that arrived now (ms, UTC)."""
        if self.last:
            day, gap = now // DAY, now - self.last
            self.gaps[day] = max(self.gaps.get(day, 0), gap)
        self.first = self.first or now
        self.last = max(self.last, now)
        hour = now // HOUR
        if hour not in self.hours:
            _forget(self.hours, hour - DAYS * 24)
            _forget(self.gaps, now // DAY - DAYS)
        self.hours[hour] = self.hours.get(hour, 0) + events

    def baseline(self, hour: int) -> int | None:
        """What is usual in an hour: the median of the same hour of the days before; none without a past.

        With fewer than three such days, it is the median of all hours before.
        """
        begun = self.first // HOUR
        past = range(max(begun + 1, hour - DAYS * 24), hour)
        if len(past) < ENOUGH_HOURS:
            return None
        same = [at for at in past if (hour - at) % 24 == 0]
        return median_low([self.hours.get(at, 0) for at in (same if len(same) >= 3 else past)])

    def change(self, now: int) -> _Change:
        """What the last full hour says against its baseline."""
        hour = now // HOUR - 1
        usual, was = self.baseline(hour), self.hours.get(hour, 0)
        if usual is None or max(usual, was) < LEAST:
            return ""
        if was > usual * TIMES:
            return "much more than usual"
        return "much less than usual" if was * TIMES < usual else ""

    def patience(self, now: int) -> int:
        """How long (ms) this source may be silent: twice its largest gap of two weeks.

        Of exchangeable gaps, the next one exceeds the largest of n before with a probability of 1/(n+1) (order
        statistics, as in conformal prediction); nights and weekends are gaps like others, once they were seen.
        """
        largest = max((gap for day, gap in self.gaps.items() if day > now // DAY - DAYS), default=0)
        young = SILENT_YOUNG if now - self.first < WEEK else 0
        return max(SILENT_TIMES * largest, SILENT_LEAST, young)

    def is_silent(self, now: int) -> bool:
        """Whether it has been silent for longer than it may."""
        return now - self.last > self.patience(now)


def _forget(by_time: dict[int, int], before: int) -> None:
    for key in [key for key in by_time if key < before]:
        del by_time[key]
