"""The event model: rows in, whole OCSF events out."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.event import EVENT_SCHEMA, HOT, entity_of, event_uid, nest, ocsf_of, to_ocsf
from watchfloor.testing.events import batch_of

NAMES = st.sampled_from(["a", "a.b", "a.b.c", "b", "b.a", "b.a.x", "c"])
VALUES = (
    st.integers(0, 9)
    | st.text(max_size=3)
    | st.dictionaries(st.sampled_from(["x", "b"]), st.integers(0, 9), max_size=2)
)


def test_a_key_that_is_leaf_and_branch_keeps_the_branch_in_either_order() -> None:
    assert nest({"a": 1, "a.b": 2}) == nest({"a.b": 2, "a": 1}) == {"a": {"b": 2}}
    assert nest({"a.b": 2, "a": {"b": 3, "c": 4}}) == {"a": {"b": 2, "c": 4}}


@settings(max_examples=50)
@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_nesting_leaves_its_input_alone_and_loses_no_deepest_leaf(flat: dict[str, object]) -> None:
    before = orjson.dumps(flat)
    nested = nest(flat)
    assert orjson.dumps(flat) == before
    for name, value in flat.items():
        if isinstance(value, dict) or any(other.startswith(f"{name}.") for other in flat):
            continue
        node: object = nested
        for part in name.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        assert node == value


def test_an_event_comes_back_whole() -> None:
    row = {
        "tenant": "red",
        "source": "okta",
        "time": 5,
        "actor.user.name": "“\u202e<script>",
        "entity.actor": "user:a",
        "rest": orjson.dumps({"actor.user.groups": ["x"], "enrichments": [{"name": "geo"}]}).decode(),
        "unmapped": '{"Vendor":{"Field":1}}',
        "raw": b'{"a":"\xff"}',
        "origin.path": "a.zip!b.json",
        "origin.line": 3,
        "origin.index": 2,
    }
    (event,) = to_ocsf(batch_of(row))
    assert event["actor"]["user"] == {"name": "“\u202e<script>", "groups": ["x"]}
    assert event["metadata"]["tenant_uid"] == "red"
    assert event["unmapped"] == {"Vendor": {"Field": 1}}
    assert (event["raw_data"], event["raw_data_size"]) == ('{"a":"\ufffd"}', 9)
    assert [one["name"] for one in event["enrichments"]] == ["geo", "origin", "entity.actor"]
    assert event["enrichments"][1]["value"] == "a.zip!b.json:3[2]"


def test_an_event_without_anything_optional_is_an_event() -> None:
    (row,) = batch_of({}).to_pylist()
    bare = {**row, **dict.fromkeys(set(HOT) - {"metadata.uid"})}
    event = ocsf_of(bare)
    assert set(event) == {"metadata", "raw_data", "raw_data_size", "enrichments"}


def test_equal_records_stay_apart_by_ordinal_and_source() -> None:
    uids = {event_uid(source, raw, ordinal) for source in "ab" for raw in (b"", b"{}") for ordinal in (0, 1)}
    assert len(uids) == 8


def test_an_entity_keeps_colons_in_its_name() -> None:
    assert entity_of("user:arn:aws:iam::1:root").name == "arn:aws:iam::1:root"


def test_columns_are_named_once() -> None:
    assert len(set(EVENT_SCHEMA.names)) == len(EVENT_SCHEMA.names)
