"""Of many records at once, the same is found and made as of each alone: for any expressions, records and order."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.normalize.condition import compile_condition, compile_holding
from watchfloor.normalize.expression import compile_expression
from watchfloor.normalize.leftover import Consumed
from watchfloor.normalize.rows import Column, Rows

ABSENT = frozenset({"", "-"})
NAMES = st.sampled_from("ab")
# Equal ones that are not the same, and few, so that rows share them.
VALUES = st.none() | st.sampled_from([True, False, 0, 1, 1.0, 0.0, 2, "", "-", "x", "1", "Y@example.com"])
INNER = st.dictionaries(NAMES, VALUES, max_size=2)
RECORDS = st.dictionaries(
    NAMES,
    VALUES | st.lists(INNER | VALUES, max_size=2) | st.dictionaries(NAMES, VALUES | INNER, max_size=2),
    max_size=2,
)
PATHS = st.sampled_from(["a", "b", "a.a", "a.b", "b.a", "a.b.a", "a[0]", "a[*].b", "b[a=x].b", r"a\.b", "a.b[0].a"])
CONDITIONS = st.sampled_from(["x", "*", 1, None, ["x", True], {"exists": True}, {"exists": False}, {"not": ["x", "1"]}])
WHEN = st.dictionaries(PATHS, CONDITIONS, max_size=2)
WHENS = WHEN | st.lists(WHEN, min_size=1, max_size=3)


def guarded(expressions: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(expressions, st.none() | WHENS).map(lambda one: one[0] | ({"when": one[1]} if one[1] else {}))


FROM = st.fixed_dictionaries(
    {"from": PATHS | st.lists(PATHS, min_size=1, max_size=3)},
    optional={
        "apply": st.sampled_from(["lower", "mail", "text", "items"]),
        "table": st.just({"x": 1, "y@example.com": 2, True: 3}),
        "else": st.sampled_from([0, "z"]),
        "pattern": st.just("^(.)"),
    },
)
LEAVES = PATHS | guarded(FROM) | guarded(st.fixed_dictionaries({"value": st.sampled_from([1, "v", None])}))
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"first": some}),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"list": some}),
        guarded(st.tuples(inner, inner).map(lambda two: {"text": "{}/{}", "of": list(two)})),
        guarded(st.dictionaries(NAMES, inner, max_size=2).map(lambda some: {"object": some})),
        st.dictionaries(NAMES, LEAVES, max_size=2).map(lambda some: {"each": "a", "map": some}),
    ),
    max_leaves=6,
)
BATCHES = st.lists(RECORDS, min_size=1, max_size=4).flatmap(
    lambda few: st.lists(st.sampled_from(few), min_size=1, max_size=12)
)


def told(values: list[Any]) -> list[str]:
    """Values with their types: 1 is not true."""
    return list(map(repr, values))


@settings(max_examples=600, deadline=None)
@given(EXPRESSIONS, BATCHES)
def test_an_expression_gives_of_rows_what_it_gives_of_each(definition: Any, records: list[dict[str, Any]]) -> None:
    get = compile_expression(definition)
    alone = [get(Rows([record], ABSENT)).values[0] for record in records]
    assert told(get(Rows(records, ABSENT)).values) == told(alone)


@settings(max_examples=300, deadline=None)
@given(WHENS, BATCHES)
def test_a_condition_holds_of_rows_as_of_each(when: Any, records: list[dict[str, Any]]) -> None:
    alone = list(map(compile_condition(when), records))
    mask = compile_holding(when)(Rows(records, ABSENT))
    assert (mask if isinstance(mask, list) else [mask] * len(records)) == alone


@settings(max_examples=300, deadline=None)
@given(st.lists(PATHS, max_size=3), st.frozensets(PATHS, max_size=1), BATCHES)
def test_what_is_left_of_rows_is_what_is_left_of_each(
    paths: list[str], keep: frozenset[str], records: list[dict[str, Any]]
) -> None:
    consumed = Consumed(paths)
    alone = [consumed.leftover(Column([record]), keep)[0] for record in records]
    assert told(consumed.leftover(Column(list(records)), keep)) == told(alone)


def test_equal_values_of_other_types_are_not_taken_for_one_another() -> None:
    values = [True, 1, 1.0, "1", False, 0, None] * 3
    texts = compile_expression({"from": "a", "apply": "text"})(Rows([{"a": one} for one in values])).values
    assert texts == ["true", "1", "1.0", "1", "false", "0", None] * 3
