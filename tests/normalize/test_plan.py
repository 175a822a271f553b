"""A plan gives what asking each target gives: for any expressions and records, in whichever order these come."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.normalize.coerce import text_of
from watchfloor.normalize.expression import compile_expression
from watchfloor.normalize.narrow import narrowed
from watchfloor.normalize.plan import MAX_PLANS, Plans, Target

ABSENT = frozenset({"", "-"})
NAMES = st.sampled_from("ab")
VALUES = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "-", "x", "Y@example.com"])
RECORDS = st.dictionaries(
    NAMES,
    VALUES
    | st.lists(st.dictionaries(NAMES, VALUES, max_size=2) | VALUES, max_size=2)
    | st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES, max_size=2), max_size=2),
    max_size=2,
)
PATHS = st.sampled_from(["a", "b", "a.a", "a.b", "b.a", "a.b.a", "a[0]", "a[*].b", "b[a=x].b", r"a\.b", "a.b[0].a"])
WHEN = st.dictionaries(PATHS, st.none() | st.sampled_from(["x", "*", {"exists": True}, {"exists": False}]), max_size=2)


def guarded(expressions: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(expressions, st.none() | WHEN).map(lambda one: one[0] | ({"when": one[1]} if one[1] else {}))


FROM = st.fixed_dictionaries(
    {"from": PATHS | st.lists(PATHS, min_size=1, max_size=3)},
    optional={
        "apply": st.sampled_from(["lower", "mail", "text"]),
        "table": st.just({"x": 1, "y@example.com": 2}),
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


def asked(definitions: list[Any], record: dict[str, Any]) -> list[tuple[str, Any]]:
    """What each expression gives, one after the other."""
    values = [compile_expression(one, ABSENT)(record) for one in definitions]
    return [(str(number), text) for number, value in enumerate(values) if (text := text_of(value)) is not None]


@settings(max_examples=600)
@given(st.lists(EXPRESSIONS, min_size=1, max_size=4), st.lists(RECORDS, min_size=1, max_size=6))
def test_a_plan_gives_what_each_target_gives(definitions: list[Any], records: list[dict[str, Any]]) -> None:
    plans = Plans([Target(str(number), one, text_of) for number, one in enumerate(definitions)], ABSENT)
    for record in [*records, *records]:
        assert list(plans.attributes(record).items()) == asked(definitions, record)


def test_plans_are_bounded_and_forgetting_them_changes_nothing() -> None:
    plans = Plans([Target("0", {"first": ["a.b", "b"]}, text_of)], ABSENT)
    for number in range(MAX_PLANS + 10):
        assert plans.attributes({f"n{number}": 1, "a": {f"m{number}": 1}, "b": number}) == {"0": str(number)}
    assert len(plans._plans) <= MAX_PLANS
    assert len(plans._objects) <= MAX_PLANS


def test_what_always_gives_a_value_ends_a_list_of_choices() -> None:
    choice = {"first": ["a", {"value": 1}, "b"]}
    assert narrowed(choice, frozenset({"a", "b"}), ABSENT) == {"first": ["a", {"value": 1}]}
    assert narrowed(choice, frozenset({"b"}), ABSENT) == {"value": 1}
