"""Whatever a record holds, it becomes one valid event or one dead letter; the batch goes on."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from functools import lru_cache
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.event import IDENTITY, to_ocsf
from watchfloor.native import DecodePlan
from watchfloor.normalize import Normalizer, Source, load_sources
from watchfloor.normalize.json_record import decode_json
from watchfloor.testing.ocsf import ocsf_errors
from watchfloor.testing.sources import raw_batch, sample_records, samples

SOURCES = load_sources()[0]
Step = str | int

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    1e308,
    "",
    " ",
    "\0",
    "-",
    "{}",
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "a" * 10_000,
    "\\" * 300,
    "0x",
    "0xffffffffffffffffff",
    "S-1-5-21-",
    "2026-13-45T99:99:99Z",
    "::ffff:999.1.1.1",
    [],
    {},
    [[]],
    [None, {}, "x", 1],
    {"#text": {"#text": None}},
    {"#attributes": [], "Name": {}},
    {"a": {"b": {"c": [{"d": "e"}]}}},
)


hostile = st.sampled_from(HOSTILE).map(deepcopy)


@lru_cache
def raws(source: Source) -> tuple[bytes, ...]:
    return tuple(raw for path in samples(source) for raw in sample_records(path))


@lru_cache
def records(source: Source) -> tuple[dict[str, Any], ...]:
    return tuple(decode_json(raw) for raw in raws(source) if raw.startswith(b"{"))


def places(value: Any, at: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Every place in a record: containers and leaves."""
    children: list[tuple[Step, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    for step, child in children:
        yield (*at, step)
        yield from places(child, (*at, step))


@st.composite
def spoilt(draw: st.DrawFn, source: Source) -> dict[str, Any]:
    record: dict[str, Any] = orjson.loads(orjson.dumps(draw(st.sampled_from(records(source)))))
    for _ in range(draw(st.integers(1, 4))):
        *way, last = draw(st.sampled_from(sorted(places(record), key=str)))
        node: Any = record
        for step in way:
            node = node[step]
        if draw(st.booleans()) and isinstance(node, dict):
            del node[last]
            node[draw(st.sampled_from(["", "x.y", str(last).upper(), "#text"]))] = draw(hostile)
        else:
            node[last] = draw(hostile)
        if not record:
            break
    return record


AT_ONCE = {"aws_cloudtrail", "linux_auth", "mail", "okta_system_log", "windows_event_log"}


def each(sources: Iterable[Source]) -> list[Any]:
    """Sources; all but a few of them take long together."""
    slow = pytest.mark.slow
    return [pytest.param(one, id=one.name, marks=() if one.name in AT_ONCE else slow) for one in sources]


@pytest.mark.parametrize("source", each(filter(records, SOURCES)))
@settings(max_examples=120, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_spoilt_record_is_a_valid_event_or_a_dead_letter(source: Source, data: st.DataObject) -> None:
    record = data.draw(spoilt(source))
    raw = orjson.dumps(record, option=orjson.OPT_NON_STR_KEYS)
    plan = DecodePlan(frozenset({"EventID", "Data", "Image", "eventName", "actor.id", "*"}))
    normalizer = Normalizer([source], plan, source=source.name)
    batch = raw_batch([raw, *(sample_records(samples(source)[0])[:1])])
    result = normalizer.process(batch)
    assert result.events.num_rows + len(result.dead_letters) == 2
    decoded = normalizer.decode(batch)
    kept, named = normalizer.identify(decoded, range(len(decoded.rows)))
    assert len(kept) == len(decoded.rows)
    assert named.events.equals(result.events.select(IDENTITY.names))
    for event in to_ocsf(result.events):
        assert not ocsf_errors(event)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"a":' * 2000, b"{}", b'{"Event":[]}']
)
def test_what_is_no_record_is_a_dead_letter_or_an_event(source: Source, raw: bytes) -> None:
    result = Normalizer([source], source=source.name).process(raw_batch([raw]))
    assert result.events.num_rows + len(result.dead_letters) == 1


PIECES = (
    *(b"", b" ", b'"', b"\\", b"=", b"|", b",", b"[", b"]", b"<", b">", b":"),
    *(b"\t", b"\n", b"\0", b"\xff", b"-", b"%", b"\xe2\x80\xae"),
)


@st.composite
def spoilt_text(draw: st.DrawFn, source: Source) -> bytes:
    raw = draw(st.sampled_from([one for one in raws(source) if not one.startswith(b"{")]))
    for _ in range(draw(st.integers(1, 4))):
        at, end = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
        piece = draw(st.sampled_from([*PIECES, b"x" * 5000, raw[at:end] * 2]))
        raw = raw[:at] + piece + raw[draw(st.sampled_from([at, end])) :]
    return raw


@pytest.mark.parametrize("source", each(one for one in SOURCES if len(records(one)) < len(raws(one))))
@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_spoilt_text_is_a_valid_event_or_a_dead_letter(source: Source, data: st.DataObject) -> None:
    raw = data.draw(spoilt_text(source))
    plan = DecodePlan(frozenset({"EventID", "message", "user", "*"}))
    for normalizer in (Normalizer([source], plan, source=source.name), Normalizer(SOURCES, plan)):
        batch = raw_batch([raw])
        result = normalizer.process(batch)
        assert result.events.num_rows + len(result.dead_letters) == 1
        assert len(normalizer.decode(batch).refused) >= len(result.dead_letters) - 1
        for event in to_ocsf(result.events):
            assert not ocsf_errors(event)
