"""Raw records to OCSF events: decode once, recognise, map, keep what was not mapped; the rest becomes dead letters."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import orjson
import pyarrow as pa

from watchfloor.deadletter import DeadLetter, dead_letter
from watchfloor.errors import InputError, RecordError
from watchfloor.event import EVENT_SCHEMA, HOT, IDENTITY, Origin
from watchfloor.native import DecodePlan, MayHold, Seek
from watchfloor.normalize.source import Kind, Source
from watchfloor.normalize.vendor_fields import VendorFields

_Row = dict[str, Any]
"""A row of a batch, by column; a name that is not there is null."""


class Normalized(msgspec.Struct):
    """A batch of events with the ``native.*`` columns of the plan, and the records that did not become one."""

    events: pa.RecordBatch
    dead_letters: list[DeadLetter]


class Read(msgspec.Struct, frozen=True, gc=False):
    """A record that its source decoded: what kind it is and when it happened.

    ``row`` is that in the raw batch, if all texts of the record stand there as they are.
    """

    source: Source
    record: dict[str, Any]
    kind: Kind
    time: int
    row: int | None


class Decoded(msgspec.Struct, frozen=True):
    """The records of a raw batch that were decoded and not mapped.

    ``rows`` are those of the raw batch; ``natives`` has for each of them the ``native.*`` columns of the plan.
    ``refused`` are the dead letters of the others. The decoded records themselves are gone: to keep thousands of them
    costs more than to decode a few again.
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
    ) -> None:
        self._sources = list(sources)
        self._fields = VendorFields(plan or DecodePlan())
        self._seek = seek or _everywhere
        self._forced = self._named(source) if source else None

    def _named(self, name: str) -> Source:
        for source in self._sources:
            if source.name == name:
                return source
        raise InputError(f"no source {name!r}; there are {', '.join(sorted(one.name for one in self._sources))}")

    def process(self, batch: pa.RecordBatch) -> Normalized:
        """Normalize a batch of :data:`watchfloor.event.RAW_SCHEMA`."""
        fields = self._fields.gather(self._seek(batch.column("raw")))

        def event(read: Read, raw: _Row) -> _Row:
            row = _event(read, raw)
            fields.add(read.record, read.kind, read.row)
            return row

        _, rows, refused = self._written(batch, range(batch.num_rows), event)
        return Normalized(_events(rows, fields.batch()), refused)

    def decode(self, batch: pa.RecordBatch) -> Decoded:
        """Decode the records of a batch of :data:`watchfloor.event.RAW_SCHEMA`."""
        raws = batch.column("raw")
        fields = self._fields.gather(self._seek(raws))
        rows: list[int] = []
        refused: list[DeadLetter] = []
        for row, (raw, bound) in enumerate(zip(raws.to_pylist(), batch.column("source").to_pylist(), strict=True)):
            try:
                read = self._read(raw, row, bound)
                fields.add(read.record, read.kind, read.row)
            except RecordError as error:
                refused.append(_letter(batch, row, str(error)))
            except RecursionError:
                refused.append(_letter(batch, row, "nested too deeply"))
            else:
                rows.append(row)
        return Decoded(batch, rows, fields.batch(), refused)

    def map(self, decoded: Decoded, chosen: Sequence[int]) -> tuple[list[int], Normalized]:
        """Normalize some of the records that were decoded: which of them became events, and what became of them."""
        kept, rows, refused = self._written(decoded.raw, [decoded.rows[place] for place in chosen], _event)
        places = [chosen[at] for at in kept]
        natives = decoded.natives.take(pa.array(places, pa.int64()))
        return places, Normalized(_events(rows, natives), refused)

    def identify(self, decoded: Decoded, chosen: Sequence[int]) -> tuple[list[int], Normalized]:
        """As :meth:`map`, with the columns :data:`watchfloor.event.IDENTITY` alone: for them nothing need be mapped.

        A record that could not be mapped has an identity all the same.
        """
        kept, rows, refused = self._written(decoded.raw, [decoded.rows[place] for place in chosen], _identity)
        return [chosen[at] for at in kept], Normalized(pa.RecordBatch.from_pylist(rows, IDENTITY), refused)

    def _written(
        self, batch: pa.RecordBatch, chosen: Sequence[int], write: Callable[[Read, _Row], _Row]
    ) -> tuple[list[int], list[_Row], list[DeadLetter]]:
        """What ``write`` makes of some rows of a raw batch: of which, by place in ``chosen``, and of which not."""
        kept: list[int] = []
        rows: list[_Row] = []
        refused: list[DeadLetter] = []
        raws = batch.take(pa.array(chosen, pa.int64())).to_pylist()
        for place, (row, raw) in enumerate(zip(chosen, raws, strict=True)):
            try:
                rows.append(write(self._read(raw["raw"], row, raw["source"]), raw))
            except RecordError as error:
                refused.append(_letter(batch, row, str(error)))
            except RecursionError:
                refused.append(_letter(batch, row, "nested too deeply"))
            else:
                kept.append(place)
        return kept, rows, refused

    def _read(self, raw: bytes, row: int, bound: str | None) -> Read:
        record = decode_json(raw)
        # It cannot nest deeper than it has brackets.
        if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _nests_deeper(record, MAX_DEPTH):
            raise RecordError(f"nests deeper than {MAX_DEPTH}")
        source = self._forced or (self._bound(bound) if bound else self._recognise(record))
        try:
            keeps_texts = source.keeps_texts(record)
            record = source.decode(record)
            return Read(source, record, source.kind(record), source.time(record), row if keeps_texts else None)
        except _ANY_SHAPE as error:
            raise _its_fault(source, error) from error

    def _bound(self, name: str) -> Source:
        """The source that a record arrived as."""
        for source in self._sources:
            if source.name == name:
                return source
        raise RecordError(f"no source {name!r}")

    def _recognise(self, record: dict[str, Any]) -> Source:
        for position, source in enumerate(self._sources):
            if source.recognises(record):
                if position:
                    # Records of one source come together; the last one recognised is tried first.
                    self._sources.insert(0, self._sources.pop(position))
                return source
        raise RecordError("no source recognises this record")


def _everywhere(_raws: pa.BinaryArray) -> MayHold:
    return lambda _row, _served: True


_ANY_SHAPE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""A record can have any shape: what its source cannot make of it is that record's fault, not the batch's."""


def _its_fault(source: Source, error: Exception) -> RecordError:
    return RecordError(f"{source.name}: {type(error).__name__}: {error}")


def _event(read: Read, raw: _Row) -> _Row:
    """The row of :data:`watchfloor.event.EVENT_SCHEMA` that a record becomes, without what is null."""
    try:
        mapped = read.source.map(
            read.record,
            read.kind,
            time=read.time,
            raw=raw["raw"],
            ordinal=raw["ordinal"],
        )
    except _ANY_SHAPE as error:
        raise _its_fault(read.source, error) from error
    row: _Row = {}
    rest: _Row = {}
    for path, value in mapped.attributes.items():
        (row if path in HOT else rest)[path] = value
    for role, entity_id in mapped.entities.items():
        row[f"entity.{role}"] = entity_id
    row["rest"] = _json(rest)
    row["unmapped"] = _json(mapped.unmapped)
    row["ingested_at"] = raw["ingested_at"]
    row["raw"] = raw["raw"]
    return row | _place(read, raw)


def _identity(read: Read, raw: _Row) -> _Row:
    uid = read.source.uid(read.record, raw=raw["raw"], ordinal=raw["ordinal"])
    return {"metadata.uid": uid, "time": read.time} | _place(read, raw)


def _place(read: Read, raw: _Row) -> _Row:
    return {
        "tenant": raw["tenant"],
        "source": read.source.name,
        "origin.path": raw["path"],
        "origin.line": raw["line"],
        "origin.index": raw["index"],
    }


def decode_json(raw: bytes) -> dict[str, Any]:
    """The JSON object of a record.

    Text that JSON allows but UTF-8 does not (lone surrogates) is kept with U+FFFD in its place.

    Raises:
        RecordError: It is not one JSON object in UTF-8.
    """
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        record = _decode_leniently(raw, error)
    if not isinstance(record, dict):
        raise RecordError(f"not a JSON object but {type(record).__name__}")
    return record


def _decode_leniently(raw: bytes, first: orjson.JSONDecodeError) -> Any:
    try:
        return _without_surrogates(json.loads(raw.decode("utf-8")))
    except UnicodeDecodeError as error:
        raise RecordError(f"invalid UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"invalid JSON: {first.msg} at column {first.colno}") from error


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):  # noqa: PLR0124 - NaN
        return None
    return str(value) if isinstance(value, int) and value.bit_length() > 64 else value


def _letter(batch: pa.RecordBatch, row: int, reason: str) -> DeadLetter:
    (raw,) = batch.slice(row, 1).to_pylist()
    origin = Origin(raw["path"], raw["line"], raw["index"])
    return dead_letter(raw["tenant"], origin, "normalize", reason, raw["raw"])


def _events(rows: list[_Row], natives: pa.RecordBatch) -> pa.RecordBatch:
    events = pa.RecordBatch.from_pylist(rows, EVENT_SCHEMA)
    columns = [*events.columns, *natives.columns]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema([*EVENT_SCHEMA, *natives.schema]))


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
