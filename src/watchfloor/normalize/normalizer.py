"""Raw records to OCSF events: decode once, recognise, map, keep what was not mapped; the rest becomes dead letters."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from watchfloor.deadletter import DeadLetter
from watchfloor.errors import RecordError
from watchfloor.event import EVENT_SCHEMA, IDENTITY, Origin
from watchfloor.native import DecodePlan, MayHold, Seek
from watchfloor.normalize.columns import Part, columns_of
from watchfloor.normalize.groups import ANY_SHAPE, Groups, Make, reason
from watchfloor.normalize.made import Made, Values
from watchfloor.normalize.recognition import Recognition
from watchfloor.normalize.source import Kind, Ready, Source
from watchfloor.normalize.usual import Usual
from watchfloor.normalize.vendor_fields import VendorFields


class Normalized(msgspec.Struct):
    """A batch of events with the ``native.*`` columns of the plan, and the records that did not become one."""

    events: pa.RecordBatch
    dead_letters: list[DeadLetter]


class Read(msgspec.Struct, frozen=True, gc=False):
    """A record that its source decoded: what kind it is and when it happened.

    ``row`` is that in the raw batch, if all texts of the record stand there as they are. ``line`` is that of a record
    that is a line of text.
    """

    source: Source
    record: dict[str, Any]
    kind: Kind
    time: int
    row: int | None
    line: str | None


class Decoded(msgspec.Struct, frozen=True):
    """The records of a raw batch that were decoded and not mapped.

    ``rows`` are those of the raw batch, those of like records together; ``natives`` has for each of them the
    ``native.*`` columns of the plan. ``refused`` are the dead letters of the others. The decoded records themselves are
    gone: to keep thousands of them costs more than to decode a few again.
    """

    raw: pa.RecordBatch
    rows: list[int]
    natives: pa.RecordBatch
    refused: list[DeadLetter]


_Reader = Callable[[bytes, int, int, str | None], Read]
"""Reads a record by its bytes, its row, when it was ingested and what it arrived as."""


class _Written(NamedTuple):
    """What became of some rows of a raw batch, by their places among ``chosen``.

    ``refused`` could not be read, of ``lost`` nothing could be made.
    """

    raw: pa.RecordBatch
    chosen: Sequence[int]
    made: list[Made]
    refused: dict[int, str]
    lost: dict[int, str]

    @property
    def kept(self) -> list[int]:
        """The places of those that became something."""
        gone = self.refused.keys() | self.lost.keys()
        return [place for place in range(len(self.chosen)) if place not in gone]

    @property
    def kept_of_read(self) -> list[int]:
        """The same, counted among those that could be read."""
        read = (place for place in range(len(self.chosen)) if place not in self.refused)
        return [at for at, place in enumerate(read) if place not in self.lost]

    def letters(self) -> list[DeadLetter]:
        """The others."""
        gone = sorted((self.refused | self.lost).items())
        return [_letter(self.raw, self.chosen[place], reason) for place, reason in gone]

    def batch(self, schema: pa.Schema, natives: pa.RecordBatch | None = None) -> pa.RecordBatch:
        """The columns of a schema, with ``native.*`` columns beside them."""
        kept = self.kept
        parts: list[Part] = [(one.places, one.columns) for one in self.made]
        if len(kept) < len(self.chosen):
            at = {place: row for row, place in enumerate(kept)}
            parts = [([at[place] for place in places], columns) for places, columns in parts]
        columns = columns_of(parts, len(kept), schema, _delivered(self.raw, [self.chosen[place] for place in kept]))
        if natives is not None:
            columns += natives.columns
            schema = pa.schema([*schema, *natives.schema])
        return pa.RecordBatch.from_arrays(columns, schema=schema)


class Normalizer:
    """Pure: the same raw batch gives the same events.

    Args:
        sources: The loaded sources, tried in order.
        plan: The vendor fields that loaded rules name.
        source: The name of the one source that every record is of; else recognised by content.
        seek: Finds the records whose values must be gathered for keywords; else they are for all that the plan wants.
        layouts: Whether records that have a usual layout of their source are read by it: quicker, with the same result.

    Raises:
        InputError: There is no source of that name.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        plan: DecodePlan | None = None,
        *,
        source: str | None = None,
        seek: Seek | None = None,
        layouts: bool = True,
    ) -> None:
        self._recognition = Recognition(sources, only=source)
        self._fields = VendorFields(plan or DecodePlan())
        self._usual = Usual(self._recognition.sources if layouts else (), self._fields, self._decoded)
        self._seek = seek or _everywhere

    def process(self, batch: pa.RecordBatch) -> Normalized:
        """Normalize a batch of :data:`watchfloor.event.RAW_SCHEMA`."""
        fields = self._fields.gather(self._seek(batch.column("raw")))

        def noted(raw: bytes, row: int, ingested_at: int, arrived_as: str | None) -> Read:
            read = self._read(raw, row, ingested_at, arrived_as)
            fields.add(read.record, read.kind, read.row, read.line)
            return read

        written = self._written(batch, range(batch.num_rows), _events, noted)
        natives = fields.batch()
        if written.lost:
            natives = natives.take(pa.array(written.kept_of_read, pa.int64()))
        return Normalized(written.batch(EVENT_SCHEMA, natives), written.letters())

    def decode(self, batch: pa.RecordBatch) -> Decoded:
        """Decode the records of a batch of :data:`watchfloor.event.RAW_SCHEMA`."""
        may_hold = self._seek(batch.column("raw"))
        fields = self._fields.gather(may_hold)
        rows: list[int] = []
        refused: list[DeadLetter] = []
        raws, ingested_at, arrived_as = (batch.column(name).to_pylist() for name in ("raw", "ingested_at", "source"))
        usual, others = self._usual.split(raws, arrived_as, may_hold)
        for alike in usual:
            fields.add_alike(alike)
            rows += alike.rows
        for row in others:
            try:
                read = self._read(raws[row], row, ingested_at[row], arrived_as[row])
                fields.add(read.record, read.kind, read.row, read.line)
            except RecordError as error:
                refused.append(_letter(batch, row, str(error)))
            except RecursionError:
                refused.append(_letter(batch, row, "nested too deeply"))
            else:
                rows.append(row)
        order, natives = fields.grouped()
        return Decoded(batch, [rows[at] for at in order], natives, refused)

    def map(self, decoded: Decoded, chosen: Sequence[int]) -> tuple[list[int], Normalized]:
        """Normalize some of the records that were decoded: which of them became events, and what became of them."""
        written = self._written(decoded.raw, [decoded.rows[place] for place in chosen], _events, self._read)
        places = [chosen[at] for at in written.kept]
        natives = decoded.natives.take(pa.array(places, pa.int64()))
        return places, Normalized(written.batch(EVENT_SCHEMA, natives), written.letters())

    def identify(self, decoded: Decoded, chosen: Sequence[int]) -> tuple[list[int], Normalized]:
        """As :meth:`map`, with the columns :data:`watchfloor.event.IDENTITY` alone: for them nothing need be mapped.

        A record that could not be mapped has an identity all the same.
        """
        written = self._written(decoded.raw, [decoded.rows[place] for place in chosen], _identities, self._known)
        places = [chosen[at] for at in written.kept]
        return places, Normalized(written.batch(IDENTITY), written.letters())

    def _written(self, batch: pa.RecordBatch, chosen: Sequence[int], make: Make, read: _Reader) -> "_Written":
        """What is made of some rows of a raw batch."""
        refused: dict[int, str] = {}
        lost: dict[int, str] = {}
        groups = Groups(make, lost.__setitem__)
        taken = _taken(batch, chosen)
        columns = (taken.column(name).to_pylist() for name in ("raw", "ordinal", "ingested_at", "source"))
        for place, (row, raw, ordinal, ingested_at, arrived_as) in enumerate(zip(chosen, *columns, strict=True)):
            try:
                one = read(raw, row, ingested_at, arrived_as)
            except RecordError as error:
                refused[place] = str(error)
            except RecursionError:
                refused[place] = "nested too deeply"
            else:
                groups.add(one.source, one.kind, Ready(place, one.record, one.time, raw, ordinal))
        return _Written(batch, chosen, groups.made(), refused, lost)

    def _known(self, raw: bytes, row: int, ingested_at: int, arrived_as: str | None) -> Read:
        """A record that was decoded before, by its layout if it has a usual one."""
        usual = self._usual.record(raw)
        if usual is None or arrived_as not in {None, usual[0].name}:
            return self._read(raw, row, ingested_at, arrived_as)
        source, record, kind = usual
        return Read(source, record, kind, source.time(record), None, None)

    def _decoded(self, raw: bytes) -> tuple[Source, dict[str, Any], Kind, bool]:
        read = self._read(raw, 0, 0, None)
        return read.source, read.record, read.kind, read.row is not None

    def _read(self, raw: bytes, row: int, ingested_at: int, arrived_as: str | None) -> Read:
        source, record, line = self._recognition.read(raw, ingested_at, arrived_as)
        # It cannot nest deeper than it has brackets.
        if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _nests_deeper(record, MAX_DEPTH):
            raise RecordError(f"nests deeper than {MAX_DEPTH}")
        try:
            if raw.startswith(b"{"):
                keeps_texts = source.keeps_texts(record)
            else:
                keeps_texts = line is not None and _stands_there(source, raw)
            record = source.decode(record)
            return Read(source, record, source.kind(record), source.time(record), row if keeps_texts else None, line)
        except ANY_SHAPE as error:
            raise RecordError(reason(source, error)) from error


def _stands_there(source: Source, raw: bytes) -> bool:
    """Whether what is read of a line stands in it as it is: nothing is decoded, and nothing was escaped."""
    return not source.decodes and raw.isascii() and b"\\" not in raw


def _everywhere(raws: pa.BinaryArray) -> MayHold:
    every = frozenset(range(len(raws)))
    return lambda _served: every


_DELIVERED = {
    "tenant": "tenant",
    "origin.path": "path",
    "origin.line": "line",
    "origin.index": "index",
    "origin.ordinal": "ordinal",
    "ingested_at": "ingested_at",
    "raw": "raw",
}
"""Columns of events that are columns of the raw batch."""


def _events(source: Source, kind: Kind, group: list[Ready]) -> Iterator[Made]:
    """The columns of :data:`watchfloor.event.EVENT_SCHEMA` that records become, without those that were delivered."""
    for made in source.map(group, kind):
        made.columns["source"] = [source.name] * len(made.places)
        yield made


def _identities(source: Source, _kind: Kind, group: list[Ready]) -> Iterator[Made]:
    columns: Values = {"metadata.uid": source.uids(group), "time": [one.time for one in group]}
    columns["source"] = [source.name] * len(group)
    yield Made(list(range(len(group))), columns, fits=True)


def _letter(batch: pa.RecordBatch, row: int, reason: str) -> DeadLetter:
    (raw,) = batch.slice(row, 1).to_pylist()
    origin = Origin(raw["path"], raw["line"], raw["index"])
    return DeadLetter(
        raw["tenant"], origin, "normalize", reason, raw["raw"], len(raw["raw"]), raw["ordinal"], raw["source"]
    )


def _delivered(raw: pa.RecordBatch, kept: list[int]) -> dict[str, pa.Array]:
    """The columns of events that some rows of a raw batch have as they are."""
    taken = _taken(raw, kept)
    return {name: taken.column(theirs) for name, theirs in _DELIVERED.items()}


def _taken(batch: pa.RecordBatch, rows: Sequence[int]) -> pa.RecordBatch:
    """Some rows of a batch, in this order."""
    return batch if list(rows) == list(range(batch.num_rows)) else batch.take(pa.array(rows, pa.int64()))


MAX_DEPTH = 100
"""How deep a record may nest; vendors nest less than ten deep, and what serializes events has limits of its own."""


def _nests_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            item
            for one in level
            for item in (one.values() if isinstance(one, dict) else one)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True
