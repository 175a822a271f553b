"""Whatever the framing and however the bytes are cut, the same records come out, byte for byte."""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise

import orjson
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.ingest.conftest import Record, framed

from watchfloor.ingest.frame import Unreadable
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.lines import Lines
from watchfloor.ingest.text import Text
from watchfloor.ingest.wrappers import may_be_wrapper

LIMITS = Limits()


def items(chunks: Sequence[bytes], limits: Limits = LIMITS) -> list[Record | Unreadable]:
    return framed(chunks, Text, limits)


def cut(data: bytes, at: Sequence[int]) -> list[bytes]:
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    return [data[start:end] for start, end in pairwise(places)]


text = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ['"', "\\", '\\"', "}{", "},{", "[{", "\n", '{"Records":[', "\u202e", "<script>", "\x00", "é😀"]
)
value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
objects = st.lists(st.dictionaries(text, value, max_size=5), min_size=1, max_size=8)
cuts = st.lists(st.integers(0, 10_000), max_size=12)


def compact(one: object) -> bytes:
    return json.dumps(one, separators=(",", ":")).encode()


def spaced(one: object) -> bytes:
    return json.dumps(one, ensure_ascii=False).encode()


def pretty(one: object) -> bytes:
    return json.dumps(one, indent=2).encode()


def indented(one: object) -> bytes:
    return pretty(one).replace(b"\n", b"\n  ")


FRAMINGS: dict[str, tuple[Callable[[object], bytes], bytes, bytes, bytes, bool]] = {
    "one a line": (spaced, b"", b"\n", b"\n", False),
    "one a line, no last line break": (compact, b"", b"\n", b"", False),
    "one a line, CRLF": (compact, b"", b"\r\n", b"\r\n", False),
    "blank lines": (compact, b"\n \n", b"\n\n", b"\n\n", False),
    "pretty, one after the other": (pretty, b"", b"\n", b"\n", False),
    "concatenated": (compact, b"", b"", b"", False),
    "concatenated with blanks": (compact, b" ", b"  ", b" ", False),
    "array on one line": (compact, b"[", b",", b"]", True),
    "array, one a line": (spaced, b"[\n", b",\n", b"\n]\n", True),
    "array, comma first": (spaced, b"[ ", b"\n, ", b"\n]\n", True),
    "array, pretty": (indented, b"[\n  ", b",\n  ", b"\n]", True),
    "CloudTrail file": (compact, b'{"Records":[', b",", b"]}", True),
    "CloudTrail file, pretty": (indented, b'{\n  "Records": [\n  ', b",\n  ", b"\n  ]\n}\n", True),
    "Graph answer": (spaced, b'{"@odata.context": "https://example.com/", "value": [', b", ", b'], "count": 3}', True),
    "Elasticsearch answer": (spaced, b'{"took": 3, "hits": {"total": {"value": 2}, "hits": [', b", ", b"]}}\n", True),
}


@pytest.mark.parametrize("framing", FRAMINGS)
@settings(max_examples=12, deadline=None)
@given(records=objects, at=cuts)
@example(records=[{"a": 1}] * 3, at=list(range(400)))
def test_the_same_bytes_come_back(framing: str, records: list[dict[str, object]], at: list[int]) -> None:
    write, head, between, tail, indexed = FRAMINGS[framing]
    raw = [write(record) for record in records]
    assume(not any(may_be_wrapper(one) for one in raw))
    data = head + between.join(raw) + tail
    found = items(cut(data, at))
    assert [item.raw for item in found] == raw
    assert all(isinstance(item, Record) for item in found)
    assert [item.index for item in found] == (list(range(len(raw))) if indexed else [None] * len(raw))
    start = len(head)
    for item, one in zip(found, raw, strict=True):
        assert item.line == 1 + data.count(b"\n", 0, start)
        start += len(one) + len(between)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=200), at=cuts)
def test_any_bytes_however_cut(data: bytes, at: list[int]) -> None:
    assert items(cut(data, at)) == items([data])


FRAGMENTS = st.sampled_from(
    [
        *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"\n", b"\r\n", b"\\", b" ", b"\t", b"\0", b"1", b"x", b";"),
        *(b'{"a":1}', b'{"a":{}}', b'"k":', b'{"Records":[', b'"events":[', b'"hits":{"hits":[', b"null", b'"v"'),
        *(
            b"A,B\n",
            b'"q""q"',
            b"#TYPE x\n",
            b"Record 1\n",
            b"\n  {",
            b"\n{",
            b"\n    ",
            b"\xef\xbb\xbf",
            b"\xff",
            b"[{",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(data=st.lists(FRAGMENTS, max_size=40).map(b"".join), at=cuts, limit=st.sampled_from([8, 24, 1 << 20]))
def test_any_structure_however_cut(data: bytes, at: list[int], limit: int) -> None:
    limits = Limits(record_bytes=limit)
    found = items(cut(data, at), limits)
    assert found == items([data], limits)
    assert all(len(item.raw) <= limit for item in found if isinstance(item, Record) and data.find(item.raw) >= 0)


@settings(max_examples=30, deadline=None)
@given(records=objects, at=cuts, noise=st.binary(min_size=1, max_size=2), where=st.integers(0, 10_000))
@pytest.mark.parametrize("framing", ["one a line", "array, pretty", "CloudTrail file", "pretty, one after the other"])
def test_damage_however_cut(
    framing: str, records: list[dict[str, object]], at: list[int], noise: bytes, where: int
) -> None:
    write, head, between, tail, _ = FRAMINGS[framing]
    data = bytearray(head + between.join(map(write, records)) + tail)
    where %= len(data)
    data[where : where + len(noise)] = noise
    assert items(cut(bytes(data), at)) == items([bytes(data)])


def test_large_arrays_are_read_in_bulk_and_element_by_element_alike() -> None:
    records = [{"id": number, "who": [{"n": "x" * (number % 50)}], "s": '},{"id":'} for number in range(3000)]
    raw = [compact(record) for record in records]
    data = b'{"Records":[' + b",".join(raw) + b"]}"
    whole = items([data])
    assert [item.raw for item in whole] == raw
    assert items([data[start : start + 50_000] for start in range(0, len(data), 50_000)]) == whole
    assert items([data[start : start + 700] for start in range(0, len(data), 700)]) == whole


def test_a_broken_element_behind_many_that_were_read_in_bulk() -> None:
    pair = b'  {"id": 1, "x": [{}]}, {"id": 2, "y": [{}]},\n'
    broken = b'    {"id": 1, "x": [{}]}, {"id": 2, "y": [{]},\n'
    data = b"[\n" + pair * 300 + broken + (b"  " + pair) * 3 + b'    {"id": 3}\n]'
    found = items([data])
    assert [item.line for item in found if not isinstance(item, Record)] == [302]
    assert sum(isinstance(item, Record) for item in found) == 600 + 1 + 6 + 1
    assert items([data[start : start + 99] for start in range(0, len(data), 99)]) == found
    inside = data.index(broken) + len(broken) - 10
    assert items([data[:inside], data[inside:]]) == found


PLAIN_LINES = [
    b'{"a":1}',
    b'{"a":1}\r',
    b' { "a":{}}',
    b'{"nextly":1}',
    b'{"time":"2026-03-01T12:00:00.000Z","s":"} {"}',
]
ODD_LINES = [
    *(b"", b" ", b"\0", b"noise", b"{}", b"[1]", b'{"a"', b'a":1}', b"Record 1", b'\xef\xbb\xbf{"a":1}', b'\0{"a":1}'),
    *(b'{"a":1}{"b":2}', b'{"a":"}{"}', b'[{"a":1},{"b":2}]', b'{  "a":1}', b'{"a":"' + b"x" * 90 + b'"}'),
    *(b'{"Records":[{"a":1},{"b":2}]}', b'{ "next" : 1, "value": [{"a":1}]}', b'{"response_metadata":1,"items":[{}]}'),
    b"{" + b" " * 10 + b'"response_metadata":1,"items":[{}]}',
]
plain_lines = st.lists(st.sampled_from(PLAIN_LINES), max_size=6)


@settings(max_examples=200, deadline=None)
@given(
    lines=st.lists(st.tuples(plain_lines, st.sampled_from(ODD_LINES)), max_size=6),
    rest=plain_lines,
    at=cuts,
    limit=st.sampled_from([24, 80, 1 << 20]),
    block=st.sampled_from([1, 40, 1 << 20]),
)
def test_lines_are_read_in_blocks_and_one_by_one_alike(
    lines: list[tuple[list[bytes], bytes]], rest: list[bytes], at: list[int], limit: int, block: int
) -> None:
    data = b"".join(line + b"\n" for plain, odd in lines for line in (*plain, odd)) + b"\n".join(rest)
    limits = Limits(record_bytes=limit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("watchfloor.ingest.lines._BLOCK_BYTES", block)
        found = framed(cut(data, at), Lines, limits)
    assert found == framed([data[place : place + 1] for place in range(len(data))], Lines, limits)


@pytest.mark.parametrize("line", PLAIN_LINES)
def test_plain_lines_are_records_of_their_own(line: bytes) -> None:
    data = b"\n" + line + b"\n\n" + (line + b"\n") * 3
    assert framed([data], Lines, LIMITS) == [Record(line.strip(), number) for number in (2, 4, 5, 6)]


def test_several_records_on_a_line_among_lines() -> None:
    data = b'{"a":1}\n{"b":2}{"c":3} {"d":4}\n{"e":"}{"}\n'
    assert [(item.raw[2:3], item.line) for item in items([data])] == [
        (b"a", 1),
        (b"b", 2),
        (b"c", 2),
        (b"d", 2),
        (b"e", 3),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b'{"aaaaaaaaaaaaaa":1}\n{"b"\n{"c":1}\n',
        b'[{"aaaaaaaaaaaaaa":1},\n{"c":1}]',
        b'{"a":{\n"aaaaaaaaaaaaa":1}}{"c":1}',
        b'{"c":1}\n' + b"x" * 30,
        b'{"c":1}\n{"Records":[{"aaaaaaaaaaaaaaaaaaaaa":1}]}',
    ],
)
def test_a_record_over_the_limit_however_cut(data: bytes) -> None:
    limits = Limits(record_bytes=16)
    whole = items([data], limits)
    assert [item.raw for item in whole if isinstance(item, Record)] == [b'{"c":1}']
    assert sum(not isinstance(item, Record) and item.reason == "longer than 16 bytes" for item in whole) == 1
    for at in range(1, len(data)):
        assert items([data[:at], data[at:]], limits) == whole


def test_a_line_as_long_as_the_limit_is_a_record() -> None:
    data = b'{"a":1}\n{"a":10}\n'
    first, second = framed([data], Lines, Limits(record_bytes=7))
    assert first == Record(b'{"a":1}', 1)
    assert second == Unreadable("longer than 7 bytes", 2, b'{"a":10}', 8)


def test_large_pretty_arrays_keep_their_line_numbers() -> None:
    raw = [indented({"id": number, "list": [{"id": number}]}) for number in range(500)]
    data = b"[\n  " + b",\n  ".join(raw) + b"\n]"
    found = items([data])
    assert [item.raw for item in found] == raw
    assert [item.line for item in found] == [2 + 8 * number for number in range(500)]


@pytest.mark.parametrize("name", ["Records", "records", "value", "Events", "events", "logs", "items", "results"])
def test_wrappers(name: str) -> None:
    data = orjson.dumps({name: [{"a": 1}, {"b": 2}]})
    assert [(item.raw, item.index) for item in items([data])] == [(b'{"a":1}', 0), (b'{"b":2}', 1)]
    assert len(items([data + b"\n" + data + b"\n"])) == 4


def test_a_record_with_an_array_of_events_stays_one() -> None:
    records = [
        b'{"actor": "alice", "events": [{"a": 1}]}',
        b'{"value": [1, 2]}',
        b'{"a": {"Records": [{}]}}',
        b'{"items": {"a": [{}]}}',
    ]
    assert [item.raw for item in items([b"\n".join(records)])] == records
    assert [item.raw for item in items([b"".join(records)])] == records


def test_what_a_wrapper_says_beside_its_records_is_not_lost() -> None:
    first, second = items([b'{"Records":[{"a":1}],"account":"111122223333"}'])
    assert first == Record(b'{"a":1}', 1, 0)
    assert not isinstance(second, Record)
    assert second.reason.startswith("left aside")
    assert second.detail == " (account)"
    assert b"111122223333" in second.raw


def test_two_arrays_of_records_in_one_wrapper() -> None:
    found = items([b'{"Records":[{"a":1}],\n"events":[{"b":2},{"c":3}]}'])
    assert found == [Record(b'{"a":1}', 1, 0), Record(b'{"b":2}', 2, 0), Record(b'{"c":3}', 2, 1)]


def test_output_of_evtx_dump() -> None:
    data = b'Record 1\n{\n  "Event": {}\n}\nRecord 2\n{\n  "Event": {}\n}\n'
    assert [item.line for item in items([data])] == [2, 6]
