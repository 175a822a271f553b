"""The laws of a log source, run on each folder of ``content/sources`` and on yours.

A folder's ``samples/NAME.raw`` is a file as the vendor writes it: JSON objects or lines of text, a table with its
header, a mail; ingest cuts it into records. ``samples/NAME.ocsf.json`` holds what they become, one OCSF event a line,
without the parts that differ from run to run.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from watchfloor.errors import RecordError
from watchfloor.event import RAW_SCHEMA, to_ocsf
from watchfloor.ingest.frame import Unreadable, frame
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.text import Text
from watchfloor.native import DecodePlan
from watchfloor.normalize import Decoded, Normalized, Normalizer, Source
from watchfloor.normalize.recognition import Recognition
from watchfloor.testing.ocsf import ocsf_errors

INGESTED_AT = 1_767_225_600_000
"""When samples were ingested, 2026-01-01: a time without a year is of 2025, or of that day."""


def raw_batch(records: Sequence[bytes], *, path: str = "sample.raw") -> pa.RecordBatch:
    """A raw batch of records, as ingest would deliver them from one file."""
    seen: dict[bytes, int] = {}
    rows = []
    for line, raw in enumerate(records, start=1):
        ordinal = seen.get(raw, 0)
        seen[raw] = ordinal + 1
        rows.append(
            {
                "tenant": "default",
                "raw": raw,
                "path": path,
                "line": line,
                "index": None,
                "ordinal": ordinal,
                "ingested_at": INGESTED_AT,
                "source": None,
            }
        )
    return pa.RecordBatch.from_pylist(rows, schema=RAW_SCHEMA)


def samples(source: Source) -> list[Path]:
    """The raw samples of a source."""
    return sorted((source.folder / "samples").glob("*.raw"))


def sample_records(path: Path) -> list[bytes]:
    """The records of one sample file, as ingest finds them.

    Raises:
        RecordError: Something in it is no record.
    """
    records: list[bytes] = []
    for item in frame([path.read_bytes()], Text, Limits()):
        if isinstance(item, Unreadable):
            raise RecordError(f"{path}:{item.line}: {item.reason}{item.detail}")
        records += item.raw
    return records


def normalize(source: Source, records: Sequence[bytes], plan: DecodePlan | None = None) -> Normalized:
    """Records through one source's mapping."""
    return Normalizer([source], plan).process(raw_batch(records))


def golden(event: dict[str, Any]) -> dict[str, Any]:
    """The part of an event that a golden file holds: not the raw bytes, the tenant, the origin or the clock."""
    kept = {name: value for name, value in event.items() if name not in {"raw_data", "raw_data_size"}}
    hidden = {"tenant_uid", "processed_time", "version", "profiles"}
    kept["metadata"] = {name: value for name, value in event["metadata"].items() if name not in hidden}
    enrichments = [one for one in event.get("enrichments", ()) if one.get("type") != "watchfloor"]
    kept.pop("enrichments", None)
    return kept | ({"enrichments": enrichments} if enrichments else {})


def write_golden(source: Source) -> None:
    """Write what the mapping gives beside each sample. Read the difference before you commit it."""
    for path in samples(source):
        lines = [
            orjson.dumps(golden(event), option=orjson.OPT_SORT_KEYS)
            for event in to_ocsf(normalize(source, sample_records(path)).events)
        ]
        path.with_suffix(".ocsf.json").write_bytes(b"\n".join(lines) + b"\n")


def check_source(source: Source, others: Sequence[Source] = ()) -> None:
    """All laws of one source.

    Raises:
        AssertionError: A law is broken; the message names the sample and the record.
    """
    assert samples(source), f"{source.name} has no sample"
    for path in samples(source):
        records = sample_records(path)
        result = normalize(source, records)
        events = list(to_ocsf(result.events))
        letters = [f"{letter.origin.line}: {letter.reason}" for letter in result.dead_letters]
        assert not letters, f"{source.name}/{path.name}: {letters}"
        _valid(events, path)
        _as_expected(events, path)
        _uids_are_stable(source, records, path)
        _batch_invariant(source, records, events)
        _only_ours(records, path, others)
        _keeps_texts(source, records, path)
        same_fields(source, records)


def _valid(events: list[dict[str, Any]], path: Path) -> None:
    for line, event in enumerate(events, start=1):
        assert not (errors := ocsf_errors(event)), f"{path}:{line}: {errors[:3]}"


def _as_expected(events: list[dict[str, Any]], path: Path) -> None:
    expected = path.with_suffix(".ocsf.json")
    assert expected.exists(), f"{expected} is missing"
    wanted = [orjson.loads(line) for line in expected.read_bytes().splitlines()]
    assert len(wanted) == len(events), f"{path}: {len(events)} events, {len(wanted)} expected"
    for line, (event, want) in enumerate(zip(events, wanted, strict=True), start=1):
        assert golden(event) == want, f"{path}:{line}: {_difference(golden(event), want)}"


def _difference(got: Any, want: Any, at: str = "") -> str:
    if isinstance(got, dict) and isinstance(want, dict):
        for key in sorted(got.keys() | want.keys()):
            if got.get(key) != want.get(key):
                return _difference(got.get(key), want.get(key), f"{at}.{key}")
    return f"{at.lstrip('.')}: got {got!r}, expected {want!r}"


def _uids_are_stable(source: Source, records: list[bytes], path: Path) -> None:
    doubled = normalize(source, [*records, *records]).events.column("metadata.uid").to_pylist()
    again = normalize(source, records).events.column("metadata.uid").to_pylist()
    assert doubled[: len(records)] == again, f"{path}: a redelivery changes uids"


def _batch_invariant(source: Source, records: list[bytes], events: list[dict[str, Any]]) -> None:
    batch = raw_batch(records)
    pieces = (batch.slice(row, 1) for row in range(batch.num_rows))
    apart = [event for piece in pieces for event in to_ocsf(Normalizer([source]).process(piece).events)]
    assert apart == events, f"{source.name}: the split of the input changes the output"


def _keeps_texts(source: Source, records: list[bytes], path: Path) -> None:
    recognition = Recognition([source], only=source.name)
    for line, raw in enumerate(records, start=1):
        record, again = (recognition.read(raw, INGESTED_AT).record for _ in range(2))
        if source.keeps_texts(record):
            delivered = set(_texts(record))
            made = [text for text in _texts(source.decode(again)) if text not in delivered]
            assert not made, f"{path}:{line}: keeps_texts() holds, but decode() makes {made[:3]}"


def same_fields(source: Source, records: Sequence[bytes]) -> None:
    """The law of usual layouts: what is read by them of records is what is decoded without them.

    Raises:
        AssertionError: It is not; the message names the record and the field.
    """
    plan = DecodePlan(frozenset(name for raw in records for name in _names(source, raw)))
    batch = raw_batch([*records, *records])
    usual, general = Normalizer([source], plan), Normalizer([source], plan, layouts=False)
    read, else_read = usual.decode(batch), general.decode(batch)
    reasons = [
        [(letter.ordinal, letter.origin.line, letter.reason) for letter in one.refused] for one in (read, else_read)
    ]
    assert reasons[0] == reasons[1]
    there, wanted = map(_fields, (read, else_read))
    told = (
        normalizer.identify(one, range(len(one.rows)))[1] for normalizer, one in ((usual, read), (general, else_read))
    )
    events, wanted_events = (sorted(one.events.to_pylist(), key=str) for one in told)
    assert events == wanted_events, f"{source.name}: identities differ"
    assert there.keys() == wanted.keys()
    for row, fields in wanted.items():
        assert there[row] == fields, f"{batch['raw'][row]}: {_difference(there[row], fields)}"


def _names(source: Source, raw: bytes) -> Iterable[str]:
    try:
        return source.decode(Recognition([source], only=source.name).read(raw, INGESTED_AT).record)
    except (RecordError, ValueError, TypeError, LookupError, AttributeError):
        return ()


def _fields(decoded: Decoded) -> dict[int, dict[str, Any]]:
    """The fields that are not null, by row; one text or a list of one is the same."""
    told = (
        {name: [text] if isinstance(text, str) else text for name, text in row.items() if text is not None}
        for row in decoded.natives.to_pylist()
    )
    return dict(zip(decoded.rows, told, strict=True))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _only_ours(records: list[bytes], path: Path, others: Sequence[Source]) -> None:
    """In whichever order sources are asked, a record is of this one: no other one of its kind knows it."""
    own = [one for one in others if one.folder == path.parent.parent]
    for other in others:
        if other not in own and (not other.generic or all(one.generic for one in own)):
            recognition = Recognition([other])
            for line, raw in enumerate(records, start=1):
                assert not _knows(recognition, raw), f"{path}:{line} is also recognised by {other.name}"


def _knows(recognition: Recognition, raw: bytes) -> bool:
    try:
        recognition.read(raw, INGESTED_AT)
    except RecordError:
        return False
    return True
