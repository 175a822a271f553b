"""What is worked on once more: dead letters after a source was mended, a span of time after rules were.

Both are idempotent: an event keeps its uid, the lake takes none that it has, and findings are kept once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Self

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.deadletter import DeadLetter
from watchfloor.event import RAW_SCHEMA
from watchfloor.run.alerts import alerts
from watchfloor.run.chain import Chained
from watchfloor.run.workers import Workers
from watchfloor.store.findings import FindingStore
from watchfloor.store.lake import Lake
from watchfloor.store.rowgroup import row_groups

STREAM = "replay"
"""What was worked on once more, among the streams that a lake is made of."""

_ROWS = 4096
_BYTES = 8 << 20
_COLUMNS = {
    "tenant": "tenant",
    "raw": "raw",
    "path": "origin.path",
    "line": "origin.line",
    "index": "origin.index",
    "ordinal": "origin.ordinal",
    "ingested_at": "ingested_at",
    "source": "source",
}
"""The columns of a raw record by those of the event that it became."""


class Replayed(msgspec.Struct):
    """What came of it: records read, events that the lake did not have, findings that nobody had.

    ``still`` counts letters that are dead letters still.
    """

    records: int = 0
    events: int = 0
    findings: int = 0
    still: int = 0

    def __iadd__(self, other: "Replayed") -> Self:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


class Span(msgspec.Struct, frozen=True):
    """Which events: of a tenant, from one time to another (ms, UTC, both included), of a source or of all."""

    tenant: str
    low: int
    high: int
    source: str | None = None


def replay_letters(
    letters: Iterable[DeadLetter],
    workers: Workers,
    lake: Lake,
    findings: FindingStore,
    *,
    now: int,
    on_still: Callable[[DeadLetter], None],
) -> Replayed:
    """Read dead letters again: what is an event now goes into the lake.

    ``on_still`` is told of those that are dead letters still, with the reason of now; of what is no whole record, too.

    Raises:
        StoreError: The data folder cannot be written; what was not committed may be replayed again.
    """
    replayed = Replayed()
    seen: set[tuple[str, str]] = set()

    def still(letter: DeadLetter) -> None:
        replayed.still += 1
        on_still(letter)

    with lake.writer(STREAM) as writer:
        for batch in _letters(letters, now, still):
            done = _work(batch, workers, findings, replayed, now)
            new = _unknown(done.events, lake, seen)
            replayed.events += new.num_rows
            for letter in done.dead_letters:
                still(letter)
            writer.append(new)
    return replayed


def replay_events(
    span: Span,
    workers: Workers,
    lake: Lake,
    findings: FindingStore,
    *,
    now: int,
    on_records: Callable[[int], None] = lambda _count: None,
) -> Replayed:
    """Match events of the lake again, as they arrived: what rules of now find in them is kept. The events stay.

    Raises:
        StoreError: The lake cannot be read, or the findings not be written.
    """
    replayed = Replayed()
    for batch in _records(span, lake):
        _work(batch, workers, findings, replayed, now)
        on_records(replayed.records)
    return replayed


def _work(batch: pa.RecordBatch, workers: Workers, findings: FindingStore, replayed: Replayed, now: int) -> Chained:
    done = workers.result(workers.submit(batch))
    replayed.records += batch.num_rows
    replayed.findings += findings.add([*done.findings, *alerts(done.events)], now=now)
    return done


def _letters(letters: Iterable[DeadLetter], now: int, still: Callable[[DeadLetter], None]) -> Iterator[pa.RecordBatch]:
    """Letters that are whole records, as raw records."""
    rows: list[dict[str, object]] = []
    size = 0
    for letter in letters:
        if not letter.is_whole:
            still(letter)
            continue
        rows.append(
            {
                "tenant": letter.tenant,
                "raw": letter.raw,
                "path": letter.origin.path,
                "line": letter.origin.line,
                "index": letter.origin.index,
                "ordinal": letter.ordinal,
                "ingested_at": now,
                "source": letter.source,
            }
        )
        size += len(letter.raw)
        if len(rows) == _ROWS or size >= _BYTES:
            yield pa.RecordBatch.from_pylist(rows, RAW_SCHEMA)
            rows, size = [], 0
    if rows:
        yield pa.RecordBatch.from_pylist(rows, RAW_SCHEMA)


def _records(span: Span, lake: Lake) -> Iterator[pa.RecordBatch]:
    """The raw records of a span's events."""
    with lake.snapshot(span.tenant) as snapshot:
        for file in snapshot.files:
            if file.overlaps(span.low, span.high) and _may_hold(file.sources, span.source):
                yield from _of_file(str(lake.folder / file.path), span)


def _may_hold(sources: Sequence[str], wanted: str | None) -> bool:
    return wanted is None or not sources or wanted in sources


def _of_file(path: str, span: Span) -> Iterator[pa.RecordBatch]:
    for rows in row_groups(path, [*_COLUMNS.values(), "time"]):
        time = rows.column("time")
        wanted = pc.and_(pc.greater_equal(time, span.low), pc.less_equal(time, span.high))
        if span.source is not None:
            wanted = pc.and_(wanted, pc.equal(rows.column("source"), span.source))
        for chosen in rows.filter(wanted).combine_chunks().to_batches(_ROWS):
            columns = [chosen.column(name) for name in _COLUMNS.values()]
            yield pa.RecordBatch.from_arrays(columns, names=list(_COLUMNS)).select(RAW_SCHEMA.names)


def _unknown(events: pa.RecordBatch, lake: Lake, seen: set[tuple[str, str]]) -> pa.RecordBatch:
    """The events that the lake does not have and that are not ``seen``, each once; from now on they are."""
    uids = events.column("metadata.uid").to_pylist()
    tenants = events.column("tenant").to_pylist()
    for tenant in set(tenants):
        mine = [uid for uid, owner in zip(uids, tenants, strict=True) if owner == tenant]
        seen.update((tenant, row["metadata.uid"]) for row in lake.by_uid(tenant, mine))
    kept = []
    for row, key in enumerate(zip(tenants, uids, strict=True)):
        if key not in seen:
            seen.add(key)
            kept.append(row)
    return events.take(pa.array(kept, pa.int64()))
