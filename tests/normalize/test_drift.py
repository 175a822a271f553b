"""What a source did not show before is told once; everything else is learned, and everything is bounded."""

from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.errors import InputError
from watchfloor.event import EVENT_SCHEMA
from watchfloor.normalize import drift as module
from watchfloor.normalize import load_sources
from watchfloor.normalize.drift import EVERY, LEARNING, MAX_KINDS, MAX_NAMES, MAX_TOLD, Drift, SchemaDrift
from watchfloor.normalize.sample_events import learn_samples, sample_events
from watchfloor.normalize.shape import Shapes, paths

USUAL = {"user": {"name": "alice"}, "groups": [{"id": 1}], "ok": True, "note": None}


def batch(records: list[Any], *, source: str = "acme", code: str = "signin") -> pa.RecordBatch:
    rows = [
        {
            **dict.fromkeys(("tenant", "origin.path"), ""),
            "source": source,
            "metadata.event_code": code,
            "metadata.log_name": "acme.log",
            "time": 1_773_736_200_000,
            "metadata.uid": f"{code}-{row}",
            "origin.line": row,
            "ingested_at": 0,
            "raw": one if isinstance(one, bytes) else orjson.dumps(one),
        }
        for row, one in enumerate(records)
    ]
    return pa.RecordBatch.from_pylist(rows, EVENT_SCHEMA)


def learned(record: Any = USUAL) -> SchemaDrift:
    drift = SchemaDrift()
    assert drift.observe(batch([record] * LEARNING)) == []
    return drift


def told(found: list[Drift]) -> list[tuple[str, str, str, str]]:
    return [(one.change, one.path, one.before, one.now) for one in found]


def many(record: Any, count: int = EVERY) -> pa.RecordBatch:
    """So many that one is looked at for sure."""
    return batch([record] * count)


def test_what_was_always_so_is_not_told() -> None:
    drift = learned()
    assert drift.observe(many(USUAL, 1000)) == []
    assert drift.counts == {}


def test_a_new_path_is_told_once_with_its_event() -> None:
    drift = learned()
    (one,) = drift.observe(many(USUAL | {"risk": "high"}))
    assert told([one]) == [("new path", "risk", "", "text")]
    assert (one.source, one.kind, one.uid, one.time) == ("acme", "acme.log signin", "signin-0", 1_773_736_200_000)
    assert one.sentence() == "acme: acme.log signin: new path: risk (text); first in signin-0"
    assert drift.observe(many(USUAL | {"risk": "high"})) == []
    assert drift.counts == {"acme": 1}


def test_of_a_new_object_its_own_path_is_told_and_not_what_is_below() -> None:
    found = learned().observe(many(USUAL | {"device": {"os": {"name": "x"}, "tags": [{"a": 1}]}}))
    assert told(found) == [("new path", "device", "", "object")]


def test_a_path_inside_a_list_is_told() -> None:
    found = learned().observe(many(USUAL | {"groups": [{"id": 1, "name": "admins"}]}))
    assert told(found) == [("new path", "groups[].name", "", "text")]


@pytest.mark.parametrize(
    ("changed", "path", "before", "now"),
    [
        ({"ok": "true"}, "ok", "boolean", "text"),
        ({"user": "alice"}, "user", "object", "text"),
        ({"groups": {"id": 1}}, "groups", "list", "object"),
        ({"groups": [{"id": "1"}]}, "groups[].id", "number", "text"),
    ],
)
def test_a_changed_type_is_told_once(changed: dict[str, Any], path: str, before: str, now: str) -> None:
    drift = learned()
    assert ("changed type", path, before, now) in told(drift.observe(many(USUAL | changed)))
    assert drift.observe(many(USUAL | changed)) == []


def test_a_whole_number_and_a_fraction_are_one_type() -> None:
    drift = learned({"n": 1})
    assert drift.observe(many({"n": 1.5})) == []


def test_a_path_that_nearly_all_had_is_gone() -> None:
    drift = learned()
    without = {name: value for name, value in USUAL.items() if name != "user"}
    found = [one for _ in range(LEARNING + 1) for one in drift.observe(many(without))]
    assert told(found) == [("path is gone", "user", "object", "")]


def test_a_path_that_few_had_may_be_missing() -> None:
    drift = SchemaDrift()
    few = [USUAL | ({"mfa": True} if row % 10 == 0 else {}) for row in range(LEARNING * 4)]
    drift.observe(batch(few))
    assert [one for _ in range(LEARNING + 1) for one in drift.observe(many(USUAL))] == []


def test_another_kind_is_learned_by_itself() -> None:
    drift = learned()
    assert drift.observe(batch([{"object": "x"}] * EVERY, code="download")) == []
    assert drift.observe(batch([{"object": "x"}] * EVERY, source="other")) == []


def test_how_batches_are_cut_does_not_matter_once_learned() -> None:
    rows = [USUAL] * 40 + [USUAL | {"risk": 1}] * 40
    whole, pieces = learned(), learned()
    one = told(whole.observe(batch(rows)))
    assert one == told([found for row in rows for found in pieces.observe(batch([row]))]) != []


def test_names_without_end_make_a_table_of_which_nothing_is_told() -> None:
    drift = SchemaDrift()
    for number in range(LEARNING):
        drift.observe(batch([{"labels": {f"app-{number}": {"x": "y"}}}]))
    assert drift.observe(many({"labels": {"unseen": {"z": 1}}})) == []
    assert drift.observe(many({"labels": {"unseen": {"z": 1}}, "new": 1})) != []
    assert len(drift.dump()) < 5_000


def test_the_profile_survives_a_restart() -> None:
    drift = SchemaDrift.load(learned().dump())
    assert drift.observe(many(USUAL)) == []
    assert told(drift.observe(many(USUAL | {"risk": 1}))) == [("new path", "risk", "", "number")]
    assert SchemaDrift.load(drift.dump()).counts == {"acme": 1}
    assert SchemaDrift.load(drift.dump()).dump() == drift.dump()


@pytest.mark.parametrize(
    "broken", [b"", b"[]", b'{"kinds": 1}', b'{"kinds": {"a": {"b": {"paths": {"c": 1}}}}}', b"\xff"]
)
def test_what_is_no_profile_is_refused(broken: bytes) -> None:
    with pytest.raises(InputError, match="not a profile"):
        SchemaDrift.load(broken)


def test_records_that_are_not_json_objects_are_left_out() -> None:
    drift = learned()
    assert drift.observe(batch([b"<Event/>", b"[1]", b"\xff", b"{", b"null"] * EVERY)) == []


def test_hostile_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KINDS", 50)
    monkeypatch.setattr(module, "MAX_PATHS", 10_000)
    drift = SchemaDrift()
    for number in range(120):
        drift.observe(batch([{f"{number}-{n}": {"x" * n: 1} for n in range(50)}] * 2, code=f"k{number % 60}"))
        drift.observe(batch([{f"top-{number}-{n}": 1 for n in range(MAX_NAMES * 4)}] * 60, code="one"))
    assert len(drift.dump()) < 2_000_000
    assert MAX_KINDS > 50
    found = drift.observe(batch([USUAL | {f"n{n}": 1 for n in range(MAX_TOLD * 4)}] * EVERY, code="one"))
    assert len(found) <= MAX_TOLD


def test_what_is_told_of_one_batch_is_bounded_and_the_rest_is_counted() -> None:
    drift = learned()
    found = drift.observe(many(USUAL | {f"n{n}": 1 for n in range(MAX_TOLD + 50)}))
    assert len(found) == MAX_TOLD
    assert drift.counts == {"acme": MAX_TOLD + 50}


def test_the_samples_of_each_source_are_known_from_the_start() -> None:
    sources, _ = load_sources()
    drift = SchemaDrift()
    learn_samples(drift, sources)
    assert {one.name for one in sources if sample_events(one).num_rows} == drift.sources
    dumped = drift.dump()
    learn_samples(drift, sources)
    assert drift.dump() == dumped


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)
RECORDS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


@settings(max_examples=300)
@given(RECORDS, RECORDS)
def test_records_of_one_shape_have_the_same_paths(one: dict[str, Any], other: dict[str, Any]) -> None:
    shapes = Shapes()
    if shapes.of(one) == shapes.of(other):
        assert {path: leaf.types for path, leaf in paths(one).items()} == {
            path: leaf.types for path, leaf in paths(other).items()
        }


@settings(max_examples=100)
@given(RECORDS)
def test_a_record_has_one_shape(record: dict[str, Any]) -> None:
    shapes = Shapes()
    assert shapes.of(record) == shapes.of(orjson.loads(orjson.dumps(record)))


def test_deep_and_long_records_are_looked_at_in_bounded_time() -> None:
    deep: Any = 1
    for _ in range(90):
        deep = {"a": deep}
    wide = {"list": [[{"a": number}] for number in range(20_000)], "x" * 10_000: 1}
    drift = learned()
    assert len(drift.observe(batch([deep, wide] * EVERY))) <= MAX_TOLD
    assert len(paths({f"n{n}": 1 for n in range(50_000)})) <= 2_000
