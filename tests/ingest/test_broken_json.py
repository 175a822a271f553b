"""A broken record costs itself: what is before and behind it flows, and one dead letter says where it is and why."""

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from watchfloor.ingest import Limits

BIG = 50_000_000


def test_a_line_that_is_no_record(ingest: Any) -> None:
    result = ingest(b'{"a":1}\nnot JSON\n{"b":\n"x"\n{"c":3}\n')
    assert result.raw == [b'{"a":1}', b"not JSON", b'"x"', b'{"c":3}']
    assert result.lines == [1, 2, 4, 5]
    assert result.reasons == ["log:3: broken JSON: the line ends inside a record"]
    assert [letter.raw for letter in result.letters] == [b'{"b":']


def test_a_line_that_only_looks_like_a_record_is_left_to_normalization(ingest: Any) -> None:
    result = ingest(b'{"a":1}\n{"b": nonsense}\n{"c":3}\n')
    assert result.raw == [b'{"a":1}', b'{"b": nonsense}', b'{"c":3}']
    assert not result.letters


def test_the_first_line_is_broken(ingest: Any) -> None:
    result = ingest(b'{"a": "cut o\n{"b":2}\n{"c":3}\n')
    assert result.raw == [b'{"b":2}', b'{"c":3}']
    assert result.reasons == ["log:1: broken JSON: line break inside a string"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b'{\n    "a": "cut o\n  }', "line break inside a string"),
        (b'{\n    "a": [1}\n  }', "} closes nothing"),
        (b'{\n    "a": 1,', "a record begins inside another one"),
        (b'{\n    "a": "}{ \\" \x00 \xff" ]', "] closes nothing"),
    ],
)
def test_a_broken_element_of_a_pretty_array(ingest: Any, broken: bytes, reason: str) -> None:
    good = b'{\n    "good": [\n      {\n        "x": 1\n      }\n    ]\n  }'
    end = b"" if broken.endswith(b",") else b","
    result = ingest(b"[\n  " + good + b",\n  " + broken + end + b"\n  " + good + b",\n  " + good + b"\n]\n")
    assert result.raw == [good, good, good]
    assert [row["index"] for row in result.rows] == [0, 2, 3]
    assert result.reasons == [f"log:9: broken JSON: {reason}"]
    assert result.letters[0].origin.index == 1
    assert result.letters[0].raw.startswith(broken)


def test_a_cut_that_leaves_valid_structure_takes_what_follows_with_it(ingest: Any) -> None:
    result = ingest(b'[\n  {"a": 1},\n  {"b": [{"c": 1},\n  {"d": 1},\n  {"e": 1}\n]')
    assert result.raw == [b'{"a": 1}']
    assert result.reasons == ["log:3: JSON record without an end"]
    assert result.letters[0].raw.endswith(b'{"e": 1}\n]')


def test_a_broken_element_on_one_line_ends_the_reading_there(ingest: Any) -> None:
    result = ingest(b'{"Records":[{"a":1},{"b":[2},{"c":3}]}')
    assert result.raw == [b'{"a":1}']
    assert result.reasons == ["log:1: broken JSON: } closes nothing; reading stopped here"]
    assert result.letters[0].origin.index == 1
    assert result.letters[0].raw == b'{"b":[2},{"c":3}]}'


def test_the_next_line_is_read_after_a_broken_wrapper(ingest: Any) -> None:
    one = b'{"Records":[{"a":1},{"b":2}]}'
    result = ingest(one + b'\n{"Records":[{"a":1},{"b":[2}]}\n' + one + b"\n")
    assert result.places == [("log", 1, 0), ("log", 1, 1), ("log", 2, 0), ("log", 3, 0), ("log", 3, 1)]
    assert len(result.letters) == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'[{"a":1},{"b":', "JSON record without an end"),
        (b'[{"a":1},', "array of records without an end"),
        (b'{"Records":[{"a":1}', "array of records without an end"),
        (b'{"Records":[{"a":1}]', "JSON record without an end"),
        (b'{\n"a":1}\n{\n"b":', "JSON record without an end"),
    ],
)
def test_a_file_that_ends_too_early(ingest: Any, data: bytes, reason: str) -> None:
    result = ingest(data)
    assert [bytes(raw).replace(b"\n", b"") for raw in result.raw] == [b'{"a":1}']
    assert [letter.reason for letter in result.letters] == [reason]


def test_elements_that_are_no_objects(ingest: Any) -> None:
    result = ingest(b'[{"a":1}, null, "x, {}", [{}], -1.5, {"b":2}]')
    assert result.places == [("log", 1, 0), ("log", 1, 5)]
    assert [(letter.reason, letter.origin.index) for letter in result.letters] == [
        ("not a JSON object", index) for index in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1}\n{"b":"' + b"x" * BIG + b'"}\n{"c":3}\n',
        b'{"b":"' + b"x" * BIG + b'"}\n{"a":1}\n{"c":3}\n',
        b'{"a":1}\n' + b"x" * BIG + b'\n{"c":3}\n',
        b'[{"a":1},{"b":"' + b"x" * BIG + b'"},\n{"c":3}]',
        b'{"a":1}\n' + b"\0" * BIG + b'\n{"c":3}\n',
        b'{"a":1}\n' + b"[" * BIG + b'\n{"c":3}\n',
        b'[\n{"a":1},\n' + b"7" * BIG + b',\n{"c":3}]',
    ],
    ids=["in the middle", "first", "no JSON", "in an array", "NUL bytes", "brackets", "a number in an array"],
)
def test_a_line_of_50_mb(ingest: Any, data: bytes) -> None:
    Path("log").write_bytes(data)
    tracemalloc.start()
    result = ingest("log")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert set(result.raw) == {b'{"a":1}', b'{"c":3}'}
    assert len(result.letters) == 1
    assert "longer than 16 MiB" in result.letters[0].reason
    assert BIG <= result.letters[0].size < BIG + 100
    assert len(result.letters[0].raw) == 64 << 10
    assert peak < 80 << 20


def test_many_dead_letters_of_one_kind_are_counted(ingest: Any) -> None:
    result = ingest(b"text\n" + b'{"cut\n' * 42_234)
    assert len(result.letters) == 1001
    assert result.reasons[999] == "log:1001: broken JSON: the line ends inside a record"
    assert result.reasons[1000].startswith("log:1002: broken JSON: the line ends inside a record … and 41,234 more")


def test_each_reason_is_counted_by_itself(ingest: Any) -> None:
    result = ingest(b'\0\n{"cut\n' * 5, limits=Limits(same_reason=2))
    assert [reason.split(": ", 1)[0] for reason in result.reasons] == [
        "log:1",
        "log:2",
        "log:3",
        "log:4",
        "log:5",
        "log:6",
    ]
    assert sum("3 more like this" in reason for reason in result.reasons) == 2


def test_hostile_strings_are_bytes_like_others(ingest: Any) -> None:
    records = [
        b'{"a":"<script>alert(1)</script>"}',
        b'{"a":"\xe2\x80\xaeexe.txt"}',
        b'{"a":"\xff\xfe\x80"}',
        b'{"a":"\x00\x01"}',
        b'{"a":"' + b"x" * 10_000 + b'"}',
        b'{"a":' * 900 + b"1" + b"}" * 900,
    ]
    assert ingest(b"\n".join(records)).raw == records
    assert ingest(b"[" + b",\n".join(records) + b"]").raw == records


def test_nul_bytes_that_a_crash_left_behind(ingest: Any) -> None:
    result = ingest(b'{"a":1}\n' + bytes(4096) + b'{"b":2}\n{"c":3}\n' + bytes(4096))
    assert result.raw == [b'{"a":1}', b'{"b":2}', b'{"c":3}']
    assert result.reasons == ["log:4: neither JSON nor text"]


def test_deep_nesting_is_bounded(ingest: Any) -> None:
    result = ingest(b'[{"a":' + b"[" * 3_000_000 + b"\n{}")
    assert result.raw == [b"{}"]
    assert result.reasons == ["log:1: broken JSON: nested deeper than 1,048,576 (3,000,005 bytes)"]
