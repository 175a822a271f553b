"""One file of the lake: its name, what it holds, and how it is written.

The rows of a file are of one tenant and in the order of :data:`watchfloor.store.ordered.ORDER`. A file is on disk, name
included, before anybody counts on it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from watchfloor.errors import StoreError
from watchfloor.event import EVENT_SCHEMA
from watchfloor.store.hashes import hashes_of, packed
from watchfloor.store.needlefile import NeedleWriter, index_of

GROUP_ROWS = 8192
GROUP_BYTES = 4 << 20
"""Raw bytes of a row group, which is read as a whole; one event can be larger."""

MOST_NAMED = 64
"""How many sources or classes a file's entry names; one with more names none, and may hold any."""

_OTHERS = {"raw", "rest", "unmapped", "metadata.uid", "time", "ingested_at", "origin.line", "origin.ordinal"}
_WORDS = [name for name in EVENT_SCHEMA.names if name not in _OTHERS]
"""The columns whose values may be few: of others, a dictionary would only be made to be given up, or be read whole."""

_ZSTD = "zstd"
_PAGE_BYTES = 64 << 10
"""What is taken apart to read one value."""


class LakeFile(msgspec.Struct, frozen=True):
    """What the manifest says of a file.

    ``path`` is below the lake's folder; ``low`` and ``high`` are the first and last event time (ms, UTC);
    ``sources`` and ``classes`` are the log sources and OCSF classes of its events, empty if too many; ``hashes`` is
    what :func:`watchfloor.store.hashes.hashes_of` gives for its rows (the manifest keeps it apart);
    ``ingested_from`` is when (ms) the first of its events was ingested.
    """

    path: str
    tenant: str
    hour: str
    rows: int
    size: int
    low: int
    high: int
    sources: tuple[str, ...] = ()
    classes: tuple[int, ...] = ()
    hashes: bytes = b""
    ingested_from: int | None = None

    def overlaps(self, low: int | None, high: int | None) -> bool:
        """Whether an event of it may lie between two times, both included; ``None``: without end."""
        return (high is None or self.low <= high) and (low is None or self.high >= low)


def remove_file(folder: Path, path: str) -> None:
    """Remove a file from disk, and what lies beside it; one that is not there is no matter."""
    place = folder / path
    for one in (place, index_of(place)):
        one.unlink(missing_ok=True)


def tenant_folder(tenant: str) -> str:
    """A tenant's name as one safe path part; the column in the file stays authoritative.

    >>> tenant_folder("../acme")
    'tenant=%2e%2e%2facme'
    """
    return f"tenant={safe(tenant)}"


def safe(name: str) -> str:
    """Any text as a part of a file name."""
    return "".join(char if char.isalnum() or char in "-_" else f"%{ord(char):02x}" for char in name)


def write_sorted(folder: Path, path: str, rows: pa.Table, *, tenant: str, hour: str) -> LakeFile:
    """Write the rows of one tenant, which are sorted; a file of that name is replaced.

    Raises:
        StoreError: The folder cannot be written.
    """
    return write_groups(folder, path, _row_groups(rows), tenant=tenant, hour=hour)


def write_groups(
    folder: Path, path: str, groups: Iterable[pa.Table], *, tenant: str, hour: str, needles: NeedleWriter | None = None
) -> LakeFile:
    """Write sorted row groups as one file, which is on disk when this returns, with a needle index if one is given.

    Raises:
        StoreError: The folder cannot be written.
    """
    place = folder / path
    part = place.with_name(f".{place.name}")
    summary = _Summary()
    try:
        _make(place.parent, folder)
        with part.open("wb") as out:
            # Statistics of texts would hold whole texts, and only those of times are read.
            with pq.ParquetWriter(
                out,
                EVENT_SCHEMA,
                compression=_ZSTD,
                use_dictionary=_WORDS,
                write_statistics=["time"],
                data_page_size=_PAGE_BYTES,
            ) as writer:
                for group in groups:
                    writer.write_table(group, row_group_size=max(group.num_rows, 1))
                    summary.add(group)
                    if needles is not None:
                        needles.add(group)
            out.flush()
            os.fsync(out.fileno())
            size = out.tell()
        if needles is not None:
            needles.write(place, size=size)
        part.rename(place)
        sync_folder(place.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise StoreError(f"{place.parent}: {error.strerror or error}") from error
    return LakeFile(path, tenant, hour, size=size, **summary.said())


def grouped(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches in order as row groups of full size."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        waiting.append(batch)
        rows, size = rows + batch.num_rows, size + batch.column("raw").nbytes
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            table = pa.Table.from_batches(waiting)
            *full, last = _row_groups(table)
            yield from full
            left = last.combine_chunks()
            waiting, rows, size = left.to_batches(), left.num_rows, left.column("raw").nbytes
    if waiting:
        yield pa.Table.from_batches(waiting)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make(folder: Path, top: Path) -> None:
    """Make a folder below ``top``; each name on the way is on disk."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        sync_folder(one.parent)
        if one == top:
            break


def _row_groups(table: pa.Table) -> Iterator[pa.Table]:
    """The rows in their order, as many at once as a row group may hold."""
    lengths = pc.fill_null(pc.binary_length(table.column("raw")), 0)
    start = size = 0
    for end, length in enumerate(lengths.to_pylist()):
        if end > start and (size + length > GROUP_BYTES or end - start == GROUP_ROWS):
            yield table.slice(start, end - start)
            start, size = end, 0
        size += length
    yield table.slice(start)


class _Summary:
    """What row groups hold, added up."""

    def __init__(self) -> None:
        self._rows = 0
        self._low: int | None = None
        self._high: int | None = None
        self._sources: set[str] = set()
        self._classes: set[int] = set()
        self._hashes: set[int] = set()
        self._ingested: int | None = None

    def add(self, group: pa.Table) -> None:
        if not group.num_rows:
            return
        self._rows += group.num_rows
        span: Mapping[str, Any] = pc.min_max(group.column("time")).as_py()
        if span["min"] is not None:
            self._low = span["min"] if self._low is None else min(self._low, span["min"])
            self._high = span["max"] if self._high is None else max(self._high, span["max"])
        self._sources.update(pc.unique(group.column("source")).to_pylist())
        self._classes.update(one or 0 for one in pc.unique(group.column("class_uid")).to_pylist())
        self._hashes |= hashes_of(group.column("rest"))
        ingested = pc.min(group.column("ingested_at")).as_py()
        self._ingested = ingested if self._ingested is None else min(self._ingested, ingested)

    def said(self) -> dict[str, Any]:

        return {
            "rows": self._rows,
            "low": self._low or 0,
            "high": self._high or 0,
            "sources": tuple(sorted(self._sources)) if len(self._sources) <= MOST_NAMED else (),
            "classes": tuple(sorted(self._classes)) if len(self._classes) <= MOST_NAMED else (),
            "hashes": packed(self._hashes),
            "ingested_from": self._ingested,
        }
