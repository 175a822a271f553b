"""Makes few large files of many small ones, hour by hour, while others read and write.

A file is merged with others about as large, so that what arrives late does not have the whole hour written again,
and an event is written anew as often as the sizes double some times, not as often as somebody compacts. In the same
order a row that is delivered twice lies beside itself, and only the first delivery stays. What crashes leaves the
old files; the new ones count from the moment that they take their place.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.errors import storing
from watchfloor.event import EVENT_SCHEMA
from watchfloor.store.hours import is_over
from watchfloor.store.lake import Lake
from watchfloor.store.lake_writer import Writing
from watchfloor.store.lakefile import LakeFile, grouped, remove_file, tenant_folder, write_groups
from watchfloor.store.manifest import Manifest
from watchfloor.store.needlefile import NeedleWriter, open_needles
from watchfloor.store.needles import READ
from watchfloor.store.ordered import SortedFile, merged
from watchfloor.store.rowgroup import row_groups
from watchfloor.store.sweeping import sweep

LARGE = 1_000_000
"""A file of so many rows is not made larger."""

SIMILAR = 8
"""Files are merged with a larger one only if together they have at least an eighth of its rows."""

SMALL_FILES = 8
"""In an hour that goes on, so many files of a size are waited for."""

_FIRST = ("ingested_at", "origin.path", "origin.line", "origin.index")


class Compacted(msgspec.Struct, frozen=True):
    """How many files became how many, and the rows in them before; ``doubles`` are rows that were there twice.

    ``indexed`` is how many files were left as they are and got a needle index.
    """

    before: int = 0
    after: int = 0
    rows: int = 0
    doubles: int = 0
    indexed: int = 0

    def plus(self, other: "Compacted") -> "Compacted":
        """Both together."""
        sums = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Compacted(*(one + more for one, more in sums))


def compact(lake: Lake, *, now: int) -> Compacted:
    """Merge what is worth merging at ``now`` (ms), once for each hour, then remove files that nobody reads any more.

    Files of an hour that is over and that are left as they are get a needle index if they lack one.

    Others may read, write and compact meanwhile; a lot that somebody else has taken is left out.

    Raises:
        StoreError: The lake cannot be read or written.
    """
    done = Compacted()
    if not lake.files():
        return done
    with Writing(lake.folder), lake.snapshot() as snapshot:
        hours: defaultdict[tuple[str, str], list[LakeFile]] = defaultdict(list)
        for one in snapshot.files:
            hours[one.tenant, one.hour].append(one)
        for (_, hour), files in sorted(hours.items()):
            lot = chosen(files, is_over=is_over(hour, now))
            if lot:
                done = done.plus(_merge(lake, lot))
            elif is_over(hour, now) or not hour.isdigit():
                done = done.plus(_index(lake.folder, files))
    sweep(lake.folder)
    return done


def compact_all(lake: Lake, *, now: int) -> Compacted:
    """Compact until nothing is worth it."""
    done = Compacted()
    while True:
        more = compact(lake, now=now)
        done = done.plus(more)
        if not more.before:
            return done


def chosen(files: Iterable[LakeFile], *, is_over: bool) -> list[LakeFile]:
    """Which files of an hour to merge: the smallest, and each next one that is not much larger than all before it.

    >>> def of(*rows: int) -> list[LakeFile]:
    ...     return [LakeFile(str(n), "t", "h", count, 1, 0, 0) for n, count in enumerate(rows)]
    >>> [one.rows for one in chosen(of(900, 40, 100), is_over=True)]
    [40, 100, 900]
    >>> [one.rows for one in chosen(of(900, 10, 10), is_over=True)]
    [10, 10]
    >>> chosen(of(900, 10), is_over=True), chosen(of(10, 10), is_over=False)
    ([], [])
    """
    lot: list[LakeFile] = []
    rows = 0
    for one in sorted(files, key=lambda one: (one.rows, one.path)):
        if one.rows >= LARGE or (lot and (one.rows > SIMILAR * rows or rows + one.rows > LARGE)):
            break
        lot.append(one)
        rows += one.rows
    return lot if len(lot) >= (2 if is_over else SMALL_FILES) else []


def _merge(lake: Lake, lot: Sequence[LakeFile]) -> Compacted:
    first = lot[0]
    # The same files give the same name, so that what a crash left is replaced.
    digest = hashlib.blake2b("\0".join(one.path for one in lot).encode(), digest_size=16).hexdigest()
    path = f"{tenant_folder(first.tenant)}/hour={first.hour}/merged-{digest}.parquet"
    sources = [SortedFile(lake.folder / one.path, _all) for one in lot]
    rows = merged(sources, EVENT_SCHEMA.names, folder=lake.folder / ".spill")
    groups = grouped(_once(batch.select(EVENT_SCHEMA.names) for batch in rows))
    made = write_groups(lake.folder, path, groups, tenant=first.tenant, hour=first.hour, needles=NeedleWriter())
    if not Manifest(lake.folder).replace(lot, [made]):
        # Somebody else may have made the same file of the same lot, and it counts.
        if not Manifest(lake.folder).knows(path):
            remove_file(lake.folder, path)
        return Compacted()
    before = sum(one.rows for one in lot)
    return Compacted(len(lot), 1, before, before - made.rows)


def _index(folder: Path, files: Iterable[LakeFile]) -> Compacted:
    """Make the needle indexes of files that have none that is of use."""
    made = 0
    for one in files:
        place = folder / one.path
        if (found := open_needles(place, size=one.size)) is not None:
            found.close()
            continue
        needles = NeedleWriter()
        for rows in row_groups(place, ("time", *READ)):
            needles.add(rows)
        with storing(place):
            needles.write(place, size=one.size)
        made += 1
    return Compacted(indexed=made)


def _once(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows in order, of those with one time and one uid the first delivery."""
    last: pa.RecordBatch | None = None
    for more in batches:
        batch = more if last is None else pa.concat_batches([last, more])
        # The last ones may go on in the next batch.
        ends = _last_run(batch)
        last = batch.slice(ends)
        if ends:
            yield _distinct(batch.slice(0, ends))
    if last is not None:
        yield _distinct(last)


def _last_run(batch: pa.RecordBatch) -> int:
    """Where the rows begin that have the key of the last row."""
    at = int(batch.num_rows) - 1
    key = _key(batch, at)
    while at and _key(batch, at - 1) == key:
        at -= 1
    return at


def _distinct(batch: pa.RecordBatch) -> pa.RecordBatch:
    if batch.num_rows < 2:
        return batch
    new = [
        pc.not_equal(column.slice(1), column.slice(0, len(column) - 1))
        for column in map(batch.column, ("time", "metadata.uid"))
    ]
    is_new = pc.fill_null(pc.or_(*new), True)  # noqa: FBT003 - pyarrow's signature
    if pc.all(is_new).as_py():
        return batch
    kept: list[int] = []
    for at, fresh in enumerate([True, *is_new.to_pylist()]):
        if fresh:
            kept.append(at)
        elif _delivery(batch, at) < _delivery(batch, kept[-1]):
            kept[-1] = at
    return batch.take(pa.array(kept, pa.int64()))


def _key(batch: pa.RecordBatch, at: int) -> tuple[object, object]:
    return batch.column("time")[at].as_py(), batch.column("metadata.uid")[at].as_py()


def _delivery(batch: pa.RecordBatch, at: int) -> tuple[object, ...]:
    ingested, path, line, index = (batch.column(name)[at].as_py() for name in _FIRST)
    return ingested, path, line, (index is None, index or 0)


def _all(table: pa.Table, _first: int) -> pa.Table:
    return table
