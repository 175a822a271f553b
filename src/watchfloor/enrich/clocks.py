r"""How far the clocks of sources are off, by what of their lateness cannot be the road.

An event's lateness is when it was ingested minus when it says that it happened: the delay of its road, which is never
negative, minus how far its clock is ahead. The lowest lateness of each minute is the least disturbed by the road (the
lower envelope of Paxson, "On Calibrating Measurements of Packet Transit Times", SIGMETRICS 1998; the clock filter of
NTP, RFC 5905, section 10, takes the sample with the least delay). The median of these minima is the estimate, so that a
few odd minutes do not move it; its interval are the order statistics that hold the median with 95 % (Conover,
"Practical Nonparametric Statistics", section 3.2).

A lateness below zero can only be a clock that is ahead. One above zero may be the road as well: it is told, and
corrects nothing. Clocks are told apart by tenant, source and host, so that who owns one host moves the clock of that
host alone.

>>> clocks = Clocks()
>>> for minute in range(10):
...     clocks.note("default", "syslog", "host:a", ingested=minute * 60_000, lateness=-3_600_000 + minute)
>>> clocks.publish()
{'default\x1fsyslog\x1fhost:a': '[-3599996,-3599999,-3599992]'}
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from math import comb
from statistics import median_low

import msgspec
import orjson
import pyarrow as pa
import pyarrow.compute as pc

CLOCKS = "clocks"
"""Name of the reference table: tenant, source and host, ``\\x1f`` between them -> ``[estimate, low, high]`` (ms)."""

MINUTE = 60_000
BLOCKS = 32
"""From how many minutes of a clock its lateness is estimated: the last ones in which it was seen."""

ENOUGH = 6
"""With fewer minutes no interval holds the median with 95 %."""

MAX_CLOCKS = 100_000
"""How many clocks are remembered; the ones that were not seen for longest are forgotten."""

SECOND = 1_000
"""A clock that is ahead by less is right: many logs give times in whole seconds."""

ALPHA = 0.05
Key = tuple[str, str, str]


class Skew(msgspec.Struct, frozen=True):
    """The lateness of a clock that the road does not explain, and its interval (ms); below zero it is ahead."""

    estimate: int
    low: int
    high: int

    @property
    def ahead(self) -> int:
        """How far (ms) the clock is ahead; 0 if the interval says that it need not be, or by less than a second."""
        return -self.estimate if self.high <= -SECOND else 0


class Clocks:
    """The lower envelopes of clocks; bounded, and one for all events that arrive."""

    def __init__(self) -> None:
        self._minima: OrderedDict[Key, deque[tuple[int, int]]] = OrderedDict()

    def learn(self, batch: pa.RecordBatch) -> None:
        """Note the lateness of the events of a batch."""
        ingested = batch.column("ingested_at")
        events = pa.table(
            {
                **{name: batch.column(name) for name in ("tenant", "source", "entity.host")},
                "minute": pc.divide(ingested, MINUTE),
                "lateness": pc.subtract(ingested, batch.column("time")),
            }
        )
        lowest = events.group_by(["tenant", "source", "entity.host", "minute"]).aggregate([("lateness", "min")])
        for row in sorted(lowest.to_pylist(), key=lambda row: row["minute"]):
            self.note(
                row["tenant"],
                row["source"],
                row["entity.host"] or "",
                ingested=row["minute"] * MINUTE,
                lateness=row["lateness_min"],
            )

    def note(self, tenant: str, source: str, host: str, *, ingested: int, lateness: int) -> None:
        """Note the lateness of one event (ms)."""
        key, minute = (tenant, source, host), ingested // MINUTE
        minima = self._minima.get(key)
        if minima is None:
            minima = self._minima[key] = deque(maxlen=BLOCKS)
            if len(self._minima) > MAX_CLOCKS:
                self._minima.popitem(last=False)
        else:
            self._minima.move_to_end(key)
        if minima and minima[-1][0] == minute:
            minima[-1] = (minute, min(minima[-1][1], lateness))
        else:
            minima.append((minute, lateness))

    def minima(self, key: Key) -> list[tuple[int, int]]:
        """The minutes in which a clock was seen last (since the epoch), each with its lowest lateness (ms)."""
        return list(self._minima.get(key, ()))

    def restore(self, key: Key, minima: Sequence[tuple[int, int]]) -> None:
        """Go on from what :meth:`minima` gave."""
        self._minima[key] = deque(minima, maxlen=BLOCKS)

    def skews(self) -> Iterator[tuple[Key, Skew]]:
        """The clocks that were seen in enough minutes, each with its estimate."""
        for key, minima in self._minima.items():
            if len(minima) >= ENOUGH:
                yield key, skew_of([late for _, late in minima])

    def publish(self) -> dict[str, str]:
        """The reference table :data:`CLOCKS`."""
        return clock_table(self.skews())


def clock_table(skews: Iterable[tuple[Key, Skew]]) -> dict[str, str]:
    """The reference table :data:`CLOCKS` of some clocks."""
    return {"\x1f".join(key): orjson.dumps([skew.estimate, skew.low, skew.high]).decode() for key, skew in skews}


def skew_of(minima: Sequence[int]) -> Skew:
    """The median of the lowest latenesses of some minutes, with the order statistics that hold it with 95 %.

    >>> skew_of([5, 1, 2, 3, 4, 1000])
    Skew(estimate=3, low=1, high=1000)
    """
    ordered = sorted(minima)
    rank = _rank(len(ordered))
    return Skew(median_low(ordered), ordered[rank], ordered[-1 - rank])


def _rank(count: int) -> int:
    """The largest rank such that the order statistics from it and from its mirror hold the median with 95 %."""
    below, rank = 0.0, -1
    while True:
        below += comb(count, rank + 1) / 2**count
        if 2 * below > ALPHA:
            return max(rank, 0)
        rank += 1
