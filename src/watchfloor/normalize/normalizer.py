"""Raw records to OCSF events: decode once, recognise, map, keep what was not mapped; the rest becomes dead letters."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import orjson
import pyarrow as pa

from watchfloor.deadletter import DeadLetter
from watchfloor.errors import RecordError
from watchfloor.event import EVENT_SCHEMA, IDENTITY, Origin
from watchfloor.native import DecodePlan, MayHold, Seek
from watchfloor.normalize.columns import columns_of
from watchfloor.normalize.recognition import Recognition
from watchfloor.normalize.source import Kind, Source
from watchfloor.normalize.usual import Usual
from watchfloor.normalize.vendor_fields import VendorFields

_Row = dict[str, Any]
"""A row of a batch, by column; a name that is not there is null."""


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

        def event(read: Read, raw: bytes, ordinal: int) -> _Row:
            row = _event(read, raw, ordinal)
            fields.add(read.record, read.kind, read.row, read.line)
            return row

        kept, rows, refused = self._written(batch, range(batch.num_rows), event)
        return Normalized(_events(batch, kept, rows, fields.batch()), refused)

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
        kept, rows, refused = self._written(decoded.raw, [decoded.rows[place] for place in chosen], _event)
        places = [chosen[at] for at in kept]
        natives = decoded.natives.take(pa.array(places, pa.int64()))
        return places, Normalized(_events(decoded.raw, [decoded.rows[one] for one in places], rows, natives), refused)

    def identify(self, decoded: Decoded, chosen: Sequence[int]) -> tuple[list[int], Normalized]:
        """As :meth:`map`, with the columns :data:`watchfloor.event.IDENTITY` alone: for them nothing need be mapped.

        A record that could not be mapped has an identity all the same.
        """
        kept, rows, refused = self._written(
            decoded.raw, [decoded.rows[place] for place in chosen], _identity, self._known
        )
        places = [chosen[at] for at in kept]
        delivered = _delivered(decoded.raw, [decoded.rows[one] for one in places])
        return places, Normalized(
            pa.RecordBatch.from_arrays(columns_of(rows, IDENTITY, delivered), schema=IDENTITY), refused
        )

    def _written(
        self,
        batch: pa.RecordBatch,
        chosen: Sequence[int],
        write: Callable[[Read, bytes, int], _Row],
        read: Callable[[bytes, int, int, str | None], Read] | None = None,
    ) -> tuple[list[int], list[_Row], list[DeadLetter]]:
        """What ``write`` makes of some rows of a raw batch: of which, by place in ``chosen``, and of which not."""
        read = read or self._read
        kept: list[int] = []
        rows: list[_Row] = []
        refused: list[DeadLetter] = []
        taken = batch if len(chosen) == batch.num_rows else batch.take(pa.array(chosen, pa.int64()))
        columns = (taken.column(name).to_pylist() for name in ("raw", "ordinal", "ingested_at", "source"))
        for place, (row, raw, ordinal, ingested_at, arrived_as) in enumerate(zip(chosen, *columns, strict=True)):
            try:
                rows.append(write(read(raw, row, ingested_at, arrived_as), raw, ordinal))
            except RecordError as error:
                refused.append(_letter(batch, row, str(error)))
            except RecursionError:
                refused.append(_letter(batch, row, "nested too deeply"))
            else:
                kept.append(place)
        return kept, rows, refused

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
        except _ANY_SHAPE as error:
            raise _its_fault(source, error) from error


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

_ANY_SHAPE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""A record can have any shape: what its source cannot make of it is that record's fault, not the batch's."""


def _its_fault(source: Source, error: Exception) -> RecordError:
    return RecordError(f"{source.name}: {type(error).__name__}: {error}")


def _event(read: Read, raw: bytes, ordinal: int) -> _Row:
    """The row of :data:`watchfloor.event.EVENT_SCHEMA` that a record becomes, without what is null or was delivered."""
    try:
        mapped = read.source.map(read.record, read.kind, time=read.time, raw=raw, ordinal=ordinal)
    except _ANY_SHAPE as error:
        raise _its_fault(read.source, error) from error
    row = mapped.attributes
    for role, entity_id in mapped.entities.items():
        row[f"entity.{role}"] = entity_id
    row["rest"] = _json(mapped.rest)
    row["unmapped"] = _json(mapped.unmapped)
    row["source"] = read.source.name
    return row


def _identity(read: Read, raw: bytes, ordinal: int) -> _Row:
    uid = read.source.uid(read.record, raw=raw, ordinal=ordinal)
    return {"metadata.uid": uid, "time": read.time, "source": read.source.name}


def _letter(batch: pa.RecordBatch, row: int, reason: str) -> DeadLetter:
    (raw,) = batch.slice(row, 1).to_pylist()
    origin = Origin(raw["path"], raw["line"], raw["index"])
    return DeadLetter(
        raw["tenant"], origin, "normalize", reason, raw["raw"], len(raw["raw"]), raw["ordinal"], raw["source"]
    )


def _events(raw: pa.RecordBatch, kept: list[int], rows: list[_Row], natives: pa.RecordBatch) -> pa.RecordBatch:
    """The events of the rows ``kept`` of a raw batch."""
    columns = [*columns_of(rows, EVENT_SCHEMA, _delivered(raw, kept)), *natives.columns]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema([*EVENT_SCHEMA, *natives.schema]))


def _delivered(raw: pa.RecordBatch, kept: list[int]) -> dict[str, pa.Array]:
    """The columns of events that some rows of a raw batch have as they are."""
    if len(kept) < raw.num_rows:
        raw = raw.take(pa.array(kept, pa.int64()))
    return {name: raw.column(theirs) for name, theirs in _DELIVERED.items()}


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


def _json(value: dict[str, Any]) -> str | None:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode() if value else None
