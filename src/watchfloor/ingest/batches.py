"""Gathers records, of one file or many, into batches of :data:`~watchfloor.event.RAW_SCHEMA`."""

import pyarrow as pa

from watchfloor.clock import Clock
from watchfloor.event import RAW_SCHEMA
from watchfloor.ingest.frame import Record


class Ordinals:
    """Counts the identical records of one delivery from 0.

    Records are told apart by Python's keyed 64-bit hash: about 100 bytes of memory for each different record.
    """

    def __init__(self) -> None:
        self._next: dict[int, int] = {}

    def of(self, raw: bytes) -> int:
        """How many records like this one there were before."""
        key = hash(raw)
        ordinal = self._next.get(key, 0)
        self._next[key] = ordinal + 1
        return ordinal

    def __bool__(self) -> bool:
        """Whether there was any record."""
        return bool(self._next)


class Batches:
    """Fills one batch after the other."""

    def __init__(self, tenant: str, clock: Clock, *, rows: int, size: int) -> None:
        self._tenant = tenant
        self._clock = clock
        self._most_rows = rows
        self._most_bytes = size
        self._bytes = 0
        self._rows: list[tuple[bytes, str, int, int | None, int]] = []

    def add(self, path: str, record: Record, ordinal: int) -> bool:
        """Append a record; whether the batch is full now."""
        self._rows.append((record.raw, path, record.line, record.index, ordinal))
        self._bytes += len(record.raw)
        return len(self._rows) >= self._most_rows or self._bytes >= self._most_bytes

    def __len__(self) -> int:
        return len(self._rows)

    def take(self) -> pa.RecordBatch:
        """The batch that was filled, stamped with the time; the next one is empty."""
        rows, self._rows, self._bytes = self._rows, [], 0
        raw, path, line, index, ordinal = zip(*rows, strict=True)
        now = int(self._clock().timestamp() * 1000)
        columns = ([self._tenant] * len(rows), raw, path, line, index, ordinal, [now] * len(rows))
        arrays = [pa.array(column, field.type) for column, field in zip(columns, RAW_SCHEMA, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=RAW_SCHEMA)
