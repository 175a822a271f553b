"""What a mapping did not take stays, in the vendor's shape."""

from typing import Any

from watchfloor.normalize.leftover import Consumed
from watchfloor.normalize.rows import Column


def left(paths: list[str], *records: dict[str, Any], keep: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    return Consumed(paths).leftover(Column(list(records)), keep)


def test_what_an_escaped_path_takes_is_consumed() -> None:
    assert left([r"labels.a\.b"], {"labels": {"a.b": 1, "c": 2}, "d": 3}) == [{"labels": {"c": 2}, "d": 3}]


def test_what_says_nothing_goes_and_what_says_no_stays() -> None:
    record: dict[str, Any] = {
        "none": None,
        "object": {},
        "list": [],
        "no": False,
        "zero": 0,
        "blank": "",
        "deep": {"x": 1, "y": None},
    }
    assert left(["deep.x"], record) == [{"no": False, "zero": 0, "blank": ""}]
    assert left(["deep.x"], record, {**record, "none": 1}, keep=frozenset({"deep.x"})) == [
        {"no": False, "zero": 0, "blank": "", "deep": {"x": 1}},
        {"none": 1, "no": False, "zero": 0, "blank": "", "deep": {"x": 1}},
    ]


def test_each_record_keeps_its_own_names_in_its_own_order() -> None:
    records: list[dict[str, Any]] = [
        {"a": 1, "b": {"x": 1, "y": 2}},
        {"b": {"y": 2, "x": 1}, "a": 1},
        {"b": "text", "c": 1},
        {"b": None},
    ]
    made = left(["b.x"], *records)
    assert made == [{"a": 1, "b": {"y": 2}}, {"b": {"y": 2}, "a": 1}, {"b": "text", "c": 1}, {}]
    assert list(made[1]) == ["b", "a"]
