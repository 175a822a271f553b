"""Looks for indicators in what is in the lake already: only where the needle indexes say that they may be."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from watchfloor.enrich.indicators import Indicators, indicator_tables
from watchfloor.errors import StoreError
from watchfloor.event import EVENT_SCHEMA
from watchfloor.finding import Finding
from watchfloor.indicator import Indicator, Value, host_of
from watchfloor.operator import Reference
from watchfloor.run.sightings import sighted, sightings
from watchfloor.store.lake import Lake, Snapshot
from watchfloor.store.lakefile import LakeFile
from watchfloor.store.needlefile import open_needles
from watchfloor.store.needles import network_name, number
from watchfloor.store.rowgroup import read_group

_COLUMNS = tuple(name for name in EVENT_SCHEMA.names if name != "raw")


class Looked(msgspec.Struct):
    """What came of looking back: a finding of each sighting, and how many row groups were read of how many."""

    found: list[Finding] = msgspec.field(default_factory=list)
    read: int = 0
    total: int = 0


def look_back(lake: Lake, tenant: str, known: Sequence[Indicator], *, back: timedelta) -> Looked:
    """The sightings of indicators in a tenant's events, in event-time order, an event that came twice once.

    ``back`` is how long before it became valid an indicator counts.

    Raises:
        StoreError: The lake cannot be read.
    """
    indicators = Indicators(Reference(1, indicator_tables(known)), back=back)
    numbers = needles_of_all(known)
    looked, rows = Looked(), dict[str, pa.RecordBatch]()
    low = min((one.since for one in known), default=0) - back // timedelta(milliseconds=1)
    high = None if any(one.until is None for one in known) else max((one.until or 0 for one in known), default=0)
    with lake.snapshot(tenant) as snapshot:
        for file in snapshot.files:
            may_have = _groups(snapshot, file, numbers) if known and file.overlaps(low, high) else set[int]()
            for group in _read(snapshot, file, may_have, looked):
                for batch in group.combine_chunks().to_batches():
                    _add(rows, sighted(indicators.process(batch)))
    if rows:
        events = pa.Table.from_batches(rows.values()).sort_by([("time", "ascending"), ("metadata.uid", "ascending")])
        for batch in events.combine_chunks().to_batches():
            looked.found += sightings(batch, indicators)
    return looked


def needles_of_all(known: Sequence[Indicator]) -> frozenset[int] | None:
    """An event with a sighting of one of some indicators has one of these needles; ``None``: it may have any."""
    found = [_needle(value) for one in known for value in one.values]
    return None if None in found else frozenset(one for one in found if one is not None)


def _needle(value: Value) -> int | None:
    kind, text = value
    if kind == "network":
        name = network_name(ip_network(text))
        return None if name is None else number(name)
    return number(host_of(text) if kind == "url" else text)


def _groups(snapshot: Snapshot, file: LakeFile, numbers: frozenset[int] | None) -> set[int] | None:
    """The row groups of a file that may have one of some needles; ``None``: all."""
    index = open_needles(snapshot.folder / file.path, size=file.size) if numbers is not None else None
    if index is None or numbers is None:
        return None
    with index:
        return index.groups(numbers)


def _read(snapshot: Snapshot, file: LakeFile, groups: set[int] | None, looked: Looked) -> Iterator[pa.Table]:
    path = snapshot.folder / file.path
    try:
        with pq.ParquetFile(path) as opened:
            looked.total += opened.num_row_groups
            for group in range(opened.num_row_groups) if groups is None else sorted(groups):
                looked.read += 1
                yield read_group(opened, group, _COLUMNS)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error


def _add(rows: dict[str, pa.RecordBatch], events: pa.RecordBatch) -> None:
    """Keep of each event the delivery that came first."""
    for at, row in enumerate(events.select(list(_FIRST)).to_pylist()):
        uid = row["metadata.uid"]
        if uid not in rows or _delivery(row) < _delivery(rows[uid].select(list(_FIRST)).to_pylist()[0]):
            rows[uid] = events.slice(at, 1)


_FIRST = ("metadata.uid", "ingested_at", "origin.path", "origin.line", "origin.index")


def _delivery(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["ingested_at"], row["origin.path"], row["origin.line"], row["origin.index"] or 0
