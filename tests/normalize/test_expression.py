"""Where an attribute's value comes from."""

from typing import Any

import pytest

from watchfloor.normalize.expression import MAX_CAPTURE, compile_expression, paths_of
from watchfloor.normalize.rows import Rows

RECORD: dict[str, Any] = {
    "user": r"CORP\alice",
    "blank": "",
    "none": "-",
    "n": 7,
    "flag": True,
    "tags": ["a", "b"],
    "scopes": " Mail.Read  openid ",
    "rights": "FullAccess, SendAs;",
    "nested": {"deep": {"x": 1}, "list": [{"k": "v", "w": 2}, {"k": "u"}, "junk"]},
}


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        ("user", r"CORP\alice"),
        ("missing", None),
        ("none", None),
        ("blank", None),
        ({"value": 3}, 3),
        ({"value": None}, None),
        ({"value": 3, "when": {"flag": False}}, None),
        ({"value": 3, "when": {"flag": True}}, 3),
        ({"from": "n"}, 7),
        ({"from": ["missing", "none", "n"]}, 7),
        ({"from": "n", "table": {7: "seven"}}, "seven"),
        ({"from": "flag", "table": {True: "yes"}}, "yes"),
        ({"from": "n", "table": {8: "eight"}}, None),
        ({"from": "n", "table": {8: "eight"}, "else": "?"}, "?"),
        ({"from": "missing", "table": {8: "eight"}, "else": "?"}, "?"),
        ({"from": "missing", "else": 5}, 5),
        ({"from": "user", "pattern": r"^[^\\]+\\(.+)$"}, "alice"),
        ({"from": "user", "pattern": "^(x)"}, None),
        ({"from": "tags", "pattern": '"(b)"'}, "b"),
        ({"from": "user", "apply": "account_domain"}, "CORP"),
        ({"from": "user", "apply": ["account_name", "upper"]}, "ALICE"),
        ({"from": "scopes", "apply": "words"}, ["Mail.Read", "openid"]),
        ({"from": "rights", "apply": "items"}, ["FullAccess", "SendAs"]),
        ({"from": "missing", "apply": "items"}, None),
        ({"from": "user", "when": {"n": 8}}, None),
        ({"first": ["missing", {"value": 1, "when": {"n": 8}}, "n"]}, 7),
        ({"first": ["missing"]}, None),
        ({"list": ["user", "missing", "tags"]}, [r"CORP\alice", "a", "b"]),
        ({"list": ["missing"]}, None),
        ({"text": "{}:{}", "of": ["n", "flag"]}, "7:true"),
        ({"text": "{}:{}", "of": ["n", "missing"]}, None),
        ({"text": "only", "of": []}, "only"),
        ({"text": "n{}", "of": ["n"], "when": {"flag": False}}, None),
        ({"object": {"a": "n", "b": "missing"}}, {"a": 7}),
        ({"object": {"b": "missing"}}, None),
        ({"object": {"in": {"object": {"x": "nested.deep.x"}}}}, {"in": {"x": 1}}),
        ({"each": "nested.list", "map": {"key": "k", "n": "w"}}, [{"key": "v", "n": 2}, {"key": "u"}]),
        ({"each": "nested.deep", "map": {"x": "x"}}, [{"x": 1}]),
        ({"each": "nested.deep", "map": {"y": "y"}}, None),
        ({"each": "user", "map": {"y": "y"}}, None),
    ],
)
def test_expression(definition: Any, value: Any) -> None:
    assert compile_expression(definition)(Rows([RECORD], frozenset(["", "-"]))).values == [value]


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        (5, "path or a mapping"),
        ({}, "unknown expression"),
        ({"form": "x"}, "form"),
        ({"from": "x", "tabel": {}}, "tabel"),
        ({"value": 1, "from": "x"}, "from"),
        ({"from": "x", "apply": "shout"}, "shout"),
        ({"from": "a..b"}, "malformed path"),
        ({"from": "a", "pattern": "("}, "pattern"),
        ({"from": "a", "pattern": "x"}, "has no group"),
        ({"text": "{}", "of": []}, "needs one"),
        ({"first": ["a", {"each": "x", "mop": {}}]}, "mop"),
    ],
)
def test_malformed_expressions_name_what_is_wrong(definition: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        compile_expression(definition)


def test_a_pattern_does_not_search_a_text_that_is_no_name() -> None:
    capture = compile_expression({"from": "x", "pattern": "(a)"})
    assert capture(Rows([{"x": "a" * MAX_CAPTURE}, {"x": "a" * (MAX_CAPTURE + 1)}])).values == ["a", None]


def test_paths_of_names_what_an_expression_takes() -> None:
    definition = {
        "first": [
            "a",
            {"from": ["b", "c.d"], "when": {"only.tested": 1}},
            {"list": ["e", {"text": "{}", "of": ["f"]}]},
            {"object": {"x": "g"}},
            {"value": 1},
        ]
    }
    assert list(paths_of(definition)) == ["a", "b", "c.d", "e", "f", "g"]
