"""Paths into vendor records, those with dots in their keys included."""

import pytest

from watchfloor.normalize.paths import getter
from watchfloor.normalize.rows import Rows, place


def test_an_escaped_dot_belongs_to_the_key() -> None:
    record = {"winlog.channel": "Security", "winlog": {"channel": "System"}}
    assert getter(r"winlog\.channel")(record) == "Security"
    assert getter("winlog.channel")(record) == "System"


@pytest.mark.parametrize("path", ["", ".", "a..b", "a.", "a\\b", "a[", "a[x]"])
def test_malformed_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="malformed"):
        getter(path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", {"b": 0}),
        ("a.b", 0),
        ("a.b.c", None),
        ("list", [{"k": 1, "on": False}, "junk", {"k": 2, "on": None}]),
        ("list.k", [1, 2]),
        ("list.on", [False]),
        ("list.none", None),
        ("list[0].on", False),
        ("list[1].on", None),
        ("list[9].on", None),
        ("list[k=2].k", 2),
        ("list[k=3].k", None),
        ("list[*].k", [1, 2]),
        ("empty", []),
        ("nested.empty", []),
        ("text.x", None),
        ("text[0]", None),
        ("text[k=1]", None),
    ],
)
def test_what_a_path_reads(path: str, value: object) -> None:
    record: dict[str, object] = {
        "a": {"b": 0},
        "list": [{"k": 1, "on": False}, "junk", {"k": 2, "on": None}],
        "empty": [],
        "nested": {"empty": []},
        "text": "words",
    }
    assert getter(path)(record) == value
    beside: list[dict[str, object]] = [record, {}, {**record, "more": 1}, dict.fromkeys(record)]
    assert Rows(beside).at(place(path)).values == [value, None, value, None]
    assert Rows([record, record]).part([1]).at(place(path)).values == [value]
