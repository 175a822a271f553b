"""Gathers records, of one file or many, into batches of :data:`~watchfloor.event.RAW_SCHEMA`."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

import pyarrow as pa

from watchfloor.clock import Clock, now_ms
from watchfloor.event import RAW_SCHEMA
from watchfloor.ingest.frame import Records


class Ordinals:
    """Counts the identical records of one delivery from 0.

    Records are told apart by Python's keyed 64-bit hash: about 100 bytes of memory for each different record.
    """

    def __init__(self) -> None:
        self._next: dict[int, int] = {}

    def of(self, raw: list[bytes]) -> list[int]:
        """How many records like each of these there were before it."""
        following = self._next
        ordinals = []
        for key in map(hash, raw):
            ordinal = following.get(key, 0)
            following[key] = ordinal + 1
            ordinals.append(ordinal)
        return ordinals

    def __bool__(self) -> bool:
        """Whether there was any record."""
        return bool(self._next)


class Batches:
    """Fills one batch after the other."""

    def __init__(self, tenant: str, clock: Clock, *, rows: int, size: int) -> None:
        self._tenant = tenant
        self._clock = clock
        self._most_rows = max(rows, 1)
        self._most_bytes = size
        self._bytes = 0
        self._raw: list[bytes] = []
        self._path: list[str] = []
        self._line: list[int] = []
        self._index: list[int | None] = []
        self._ordinal: list[int] = []

    def add(self, path: str, records: Records, ordinals: list[int]) -> Iterator[pa.RecordBatch]:
        """Append records; gives the batches that they fill."""
        sizes = list(accumulate(map(len, records.raw), initial=0))
        at = 0
        while at < len(records.raw):
            end = self._end(sizes, at)
            self._raw += records.raw[at:end]
            self._path += [path] * (end - at)
            self._line += records.line[at:end]
            self._index += records.index[at:end]
            self._ordinal += ordinals[at:end]
            self._bytes += sizes[end] - sizes[at]
            at = end
            if len(self) >= self._most_rows or self._bytes >= self._most_bytes:
                yield self.take()

    def _end(self, sizes: list[int], at: int) -> int:
        """Where records, the first so many of which are that large, fill the batch that takes them from ``at`` on."""
        full = bisect_left(sizes, sizes[at] + self._most_bytes - self._bytes, at + 1)
        return min(full, at + self._most_rows - len(self), len(sizes) - 1)

    def __len__(self) -> int:
        return len(self._raw)

    def take(self) -> pa.RecordBatch:
        """The batch that was filled, stamped with the time; the next one is empty."""
        count = len(self)
        now = now_ms(self._clock)
        arrays = [
            pa.repeat(pa.scalar(self._tenant, pa.string()), count),
            pa.array(self._raw, pa.binary()),
            pa.array(self._path, pa.string()),
            pa.array(self._line, pa.int64()),
            pa.array(self._index, pa.int32()),
            pa.array(self._ordinal, pa.int64()),
            pa.repeat(pa.scalar(now, pa.int64()), count),
            pa.nulls(count, pa.string()),
        ]
        self._bytes = 0
        self._raw, self._path, self._line, self._index, self._ordinal = [], [], [], [], []
        return pa.RecordBatch.from_arrays(arrays, schema=RAW_SCHEMA)
