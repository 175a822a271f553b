"""Takes batches of events with the numbers of their segments, and puts them into the lake all or nothing.

The live runtime reads segments of a landing zone, which are numbered. ``append(batch, segment=n)`` may be called any
number of times for a segment, in ascending order of segments; segments need not follow each other without a gap, and
one that gives no events is appended as an empty batch. Everything up to a segment becomes part of the lake in one
transaction with the number itself, so that after a crash at any moment :meth:`watchfloor.store.lake.Lake.upto` says
from where to go on, and segments that come again are left out. File names are made of segment numbers: what was
written and not committed when a writer died is replaced, or removed when the next one begins.
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from watchfloor.errors import StoreError, storing
from watchfloor.event import EVENT_SCHEMA
from watchfloor.store.hours import parted
from watchfloor.store.lakefile import LakeFile, safe, tenant_folder, write_sorted
from watchfloor.store.manifest import Manifest
from watchfloor.store.sweeping import remove_orphans, sweep

FLUSH_ROWS = 131_072
FLUSH_BYTES = 64 << 20
STREAM = "input"
"""The stream of a run that has only one and never comes back to it."""

_LOCK = ".writing"


class Writing:
    """Says that this process writes files into a lake, until it is closed; others may do so, too.

    Whoever is alone when it begins removes what a dead writer left behind. Hold it from before the first file is staged
    until it is committed, also when other processes stage.
    """

    def __init__(self, folder: Path) -> None:
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            if self._alone():
                remove_orphans(folder)
                sweep(folder)
            fcntl.flock(self._lock, fcntl.LOCK_SH)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Writing is over."""
        os.close(self._lock)

    def _alone(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def stage(
    folder: Path, batches: Sequence[pa.RecordBatch], *, stream: str, first: int, last: int
) -> tuple[LakeFile, ...]:
    """Write the events of segments ``first`` to ``last``, a file for each tenant and hour; nobody sees them yet.

    Any process may stage, under somebody's :class:`Writing`; what it returns can be sent to the one who commits. The
    same segments give the same names.

    Raises:
        StoreError: The lake cannot be written, or the segments are part of it already.
    """
    upto = Manifest(folder).upto(stream)
    if upto is not None and first <= upto:
        raise StoreError(f"{folder}: segment {first} of {stream!r} is contained already, as all up to {upto} are")
    name = f"{safe(stream)}-{first:012d}-{last:012d}.parquet"
    return tuple(
        write_sorted(folder, f"{tenant_folder(tenant)}/hour={hour}/{name}", part, tenant=tenant, hour=hour)
        for tenant, hour, part in parted(pa.Table.from_batches(batches, schema=EVENT_SCHEMA))
    )


class LakeWriter:
    """Appends batches to one stream; each flush is one commit. Use as a context manager: leaving it flushes.

    It flushes by itself, between two segments, as soon as ``flush_rows`` rows or ``flush_bytes`` bytes wait;
    ``rows`` is how many have been committed. A stream has one writer at a time.
    """

    def __init__(
        self,
        folder: Path,
        *,
        stream: str = STREAM,
        flush_rows: int = FLUSH_ROWS,
        flush_bytes: int = FLUSH_BYTES,
    ) -> None:
        self._folder = folder
        self._stream = stream
        self._flush_rows = flush_rows
        self._flush_bytes = flush_bytes
        self._manifest = Manifest(folder)
        self._writing: Writing | None = None
        self._upto = self._manifest.upto(stream)
        self._first: int | None = None
        self._last = -1 if self._upto is None else self._upto
        self._buffered: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            if self._writing is not None:
                self._writing.close()
                self._writing = None

    def append(self, batch: pa.RecordBatch, *, segment: int | None = None) -> bool:
        """Add a batch of events; columns that are not part of :data:`EVENT_SCHEMA` are left out.

        Args:
            batch: The events.
            segment: Which segment they are of; without it, the batch is a segment of its own, the next one.

        Returns:
            Whether it was taken: a segment that the lake contains is left out.

        Raises:
            StoreError: The lake cannot be written, or the segment comes after a later one.
        """
        whole = segment is None
        if segment is None:
            if not batch.num_rows:
                return True
            segment = self._last + 1
        elif self._upto is not None and segment <= self._upto:
            return False
        if segment < self._last:
            raise StoreError(f"{self._folder}: segment {segment} of {self._stream!r} comes after {self._last}")
        if segment > self._last and self._is_enough():
            self.flush()
        self._first = segment if self._first is None else self._first
        self._last = segment
        if batch.num_rows:
            batch = batch.select(EVENT_SCHEMA.names)
            self._buffered.append(batch)
            self._rows += batch.num_rows
            self._bytes += batch.nbytes
        if whole and self._is_enough():
            self.flush()
        return True

    def flush(self) -> None:
        """Commit what was appended: the last segment must be complete."""
        if self._first is None:
            return
        if self._writing is None:
            self._writing = Writing(self._folder)
        batches, rows = self._buffered, self._rows
        first, self._first = self._first, None
        self._buffered, self._rows, self._bytes = [], 0, 0
        files = stage(self._folder, batches, stream=self._stream, first=first, last=self._last)
        if not self._manifest.add(files, stream=self._stream, upto=self._last):
            raise StoreError(f"{self._folder}: another writer of {self._stream!r} has come as far as {self._last}")
        self._upto = self._last
        self.rows += rows
        # What a flush took is given back, or memory grows by what the next batches do not reuse.
        del batches
        pa.default_memory_pool().release_unused()

    def _is_enough(self) -> bool:
        return self._rows >= self._flush_rows or self._bytes >= self._flush_bytes
