"""Records of a usual layout are read without decoding each, and what is read of them is the same."""

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.event import RAW_SCHEMA
from watchfloor.native import DecodePlan
from watchfloor.normalize import Normalizer, Source, load_sources
from watchfloor.normalize.usual import MAX_GROUPS, PATIENCE
from watchfloor.testing.sources import raw_batch, same_fields

WINDOWS = next(source for source in load_sources()[0] if source.name == "windows_event_log")
SYSMON = "Microsoft-Windows-Sysmon/Operational"

texts = st.one_of(
    st.sampled_from(
        ["", "-", "cmd.exe", "2026-03-17 08:30:00.000", "2026-02-31T08:30:00Z", "soon", "1773736200", "ſİé\x7f"]
    ),
    st.text(max_size=6),
)
numbers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([1 << 63, -(1 << 63), (1 << 64) - 1]),
    st.floats(allow_nan=False, allow_infinity=False),
)
plain = st.one_of(texts, numbers, st.booleans(), st.none())
lists = st.lists(plain, max_size=3)
elements = st.fixed_dictionaries({"#text": st.one_of(plain, lists)}, optional={"#attributes": st.just({"Name": "x"})})
values = st.one_of(plain, plain, plain, lists, elements, st.dictionaries(texts, plain, max_size=1))
names = st.sampled_from(
    ["Image", "UtcTime", "EventType", "Direction", "Data", "param1", "Channel", "a.b", "Computer", "Q"]
)
data = st.one_of(st.none(), st.dictionaries(names, st.one_of(plain, values), max_size=6))


def attributes(*keys: str) -> st.SearchStrategy[Any]:
    some = st.fixed_dictionaries({}, optional=dict.fromkeys(keys, plain))
    return st.one_of(st.none(), st.fixed_dictionaries({}, optional={"#attributes": st.one_of(some, some, st.none())}))


systems = st.fixed_dictionaries(
    {
        "Provider": st.sampled_from(
            [{"#attributes": {"Name": "Microsoft-Windows-Sysmon"}}, {"#attributes": {"Name": "x"}}, None]
        ),
        "EventID": st.one_of(
            st.sampled_from([1, 12, 4624, 4657, 1000, "1", "04657", "x", True, 1.0]),
            st.fixed_dictionaries(
                {"#text": st.sampled_from([1000, "7045", 4657])}, optional={"#attributes": st.just({"Qualifiers": 0})}
            ),
        ),
        "Channel": st.sampled_from([SYSMON, "Security", "Application", None]),
        "TimeCreated": st.one_of(
            st.just({"#attributes": {"SystemTime": "2026-03-17T08:30:00.0000000Z"}}), attributes("SystemTime")
        ),
    },
    optional={
        "Computer": plain,
        "Level": plain,
        "Security": attributes("UserID"),
        "Execution": attributes("ProcessID", "ThreadID"),
        "Correlation": attributes("ActivityID"),
        "Other": plain,
    },
)
user_data = st.dictionaries(
    st.sampled_from(["Event", "Log", "#attributes"]), st.dictionaries(names, values, max_size=3), max_size=2
)
events = st.fixed_dictionaries(
    {"System": systems}, optional={"EventData": data, "UserData": user_data, "#attributes": st.just({"xmlns": "urn:x"})}
)
records = st.lists(
    st.one_of(
        st.fixed_dictionaries({"Event": events}).map(orjson.dumps),
        st.fixed_dictionaries({"Event": events}).map(orjson.dumps).map(lambda raw: raw[:-1]),
        st.just(b'{"other": 1}'),
    ),
    min_size=1,
    max_size=8,
)


def event(data: dict[str, Any], **system: Any) -> bytes:
    named = {
        "Provider": {"#attributes": {"Name": "x"}},
        "EventID": 1,
        "Channel": SYSMON,
        "Computer": "ws-1.example.com",
    }
    time = {"TimeCreated": {"#attributes": {"SystemTime": "2026-03-17T08:30:00Z"}}}
    return orjson.dumps({"Event": {"System": named | time | system, "EventData": data}})


def usual(raws: list[bytes], *fields: str, source: Source = WINDOWS) -> tuple[int, int]:
    """How many records are read by a layout, and how many not."""
    normalizer = Normalizer([source], DecodePlan(frozenset(fields)))
    read, others = normalizer._usual.split(raws, [None] * len(raws), lambda _served: frozenset())
    return sum(len(one.rows) for one in read), len(list(others))


@settings(max_examples=150)
@given(records)
def test_what_is_read_by_a_layout_is_what_is_decoded(raws: list[bytes]) -> None:
    same_fields(WINDOWS, raws)


def test_most_records_are_read_by_a_layout() -> None:
    raws = [
        event({"Image": "cmd.exe", "UtcTime": "2026-03-17 08:30:00.000"}),
        event({"Data": {"#text": ["a", "b"]}}, EventID={"#attributes": {"Qualifiers": 0}, "#text": 1000}),
        event({"Data": ["a", "b"]}, Channel="Application"),
        event({}, EventID="4624", Security=None),
        orjson.dumps(
            orjson.loads(event({}))["Event"]
            and {
                "Event": {
                    "System": orjson.loads(event({}))["Event"]["System"],
                    "UserData": {"Log": {"#attributes": {"xmlns": "urn:x"}, "User": "alice"}},
                }
            }
        ),
    ]
    assert usual(raws, "Image", "Data", "User", "Computer") == (5, 0)


@pytest.mark.parametrize(
    "raw",
    [
        event({"Image": "cmd.exe"})[:-1],
        event({"Image": "cmd.exe"}).replace(b'"cmd.exe"', b'"\\ud800"'),
        event({"Image": "cmd.exe"}).replace(b'"cmd.exe"', b'"\xff"'),
        event({"Image": {"Path": "cmd.exe"}}),
        event({"Computer": "another"}),
        event({"ObjectValueName": "x"}, EventID=4657, Channel="Security"),
        event({}, TimeCreated={"#attributes": {"SystemTime": "2026-02-31T08:30:00Z"}}),
        event({}, TimeCreated=None),
        b"[]",
        b"[" * 100_000,
    ],
)
def test_what_no_layout_is_sure_of_is_decoded_as_ever(raw: bytes) -> None:
    assert usual([event({"Image": "x"}), raw], "Image", "Computer") == (1, 1)


def test_integers_beyond_64_bits_are_what_a_decoded_record_has() -> None:
    raws = [
        event({"Number": 0, "Image": "x"}).replace(b'"Number":0', b'"Number":18446744073709551617'),
        event({"Number": "a", "Image": "x"}),
    ]
    assert usual(raws, "Number") == (2, 0)
    same_fields(WINDOWS, raws)


def test_names_are_not_taken_for_what_tells_a_kind() -> None:
    raws = [
        event({"EventType": "a", "Direction": "b", "Image": "x"}, EventID=12),
        event({"a": 1, "b": 1, "EventType": None, "Direction": None, "Image": "x"}, EventID=12),
        event({"EventType": 1, "Image": "x"}, EventID=12),
        event({"EventType": True, "Image": "x"}, EventID=12),
    ]
    same_fields(WINDOWS, raws)


def test_a_batch_of_other_records_is_given_up_soon() -> None:
    raws = [b'{"other": 1}'] * 500 + [event({})] * 100
    assert usual(raws) == (0, 600)
    assert usual([event({})] * 500 + [b'{"other": 1}'] * PATIENCE + [event({})]) == (501, PATIENCE)


def test_names_without_end_make_no_columns_without_end() -> None:
    raws = [event({f"name{number}": "x"}) for number in range(MAX_GROUPS + 50)]
    assert usual(raws, "Image") == (MAX_GROUPS, 50)


def test_a_record_that_arrived_as_another_source_is_not_read_by_this_ones_layout() -> None:
    raw = raw_batch([event({"Image": "x"})] * 2).set_column(
        7, RAW_SCHEMA.field(7), pa.array([WINDOWS.name, "okta_system_log"])
    )
    decoded = Normalizer(load_sources()[0], DecodePlan(frozenset({"Image"}))).decode(raw)
    assert decoded.natives.column("native.Image").to_pylist() == ["x"]
    assert (decoded.rows, [letter.source for letter in decoded.refused]) == ([0], ["okta_system_log"])


def test_a_broken_record_says_nothing_of_those_like_it() -> None:
    broken = event({"Image": "x"}, TimeCreated=None)
    assert usual([broken, *[event({"Image": "x"})] * 3], "Image") == (3, 1)


def test_the_samples_are_mostly_read_by_a_layout() -> None:
    folder = Path(WINDOWS.folder) / "samples"
    raws = [
        line for path in folder.glob("*.raw") for line in path.read_bytes().splitlines() if line.startswith(b'{"Event"')
    ]
    read, others = usual(raws, "Image", "CommandLine")
    assert read > others
