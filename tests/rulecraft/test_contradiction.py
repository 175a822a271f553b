"""What is called impossible is impossible; what is possible is never accused."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.detect.sigma.condition import (
    And,
    AtLeast,
    Cidr,
    Compare,
    Condition,
    Exists,
    Glob,
    Leaf,
    Not,
    Or,
    Predicate,
    Regex,
    Test,
)
from watchfloor.detect.sigma.globs import Wildcard, glob
from watchfloor.detect.sigma.matching import matcher
from watchfloor.rulecraft.contradiction import always, contradiction, impossible_alternatives
from watchfloor.rulecraft.explain import explain
from watchfloor.rulecraft.implication import excludes, implies

MANY, ONE = Wildcard.MANY, Wildcard.ONE
TEXTS = st.lists(st.sampled_from(["a", "A", "b", "ß", "ẞ", "1", "0", ".", "-"]), max_size=4).map("".join)
PARTS = st.lists(st.one_of(TEXTS, st.sampled_from([MANY, ONE])), max_size=4)
GLOBS = st.builds(
    lambda parts, cased, anywhere: glob(parts, cased=cased, anywhere=anywhere), PARTS, *[st.booleans()] * 2
)
NUMBERS = st.sampled_from([-1, 0, 1, 0.5, 10, 11])
TESTS: st.SearchStrategy[Test] = st.one_of(
    GLOBS,
    st.builds(Compare, st.sampled_from(["eq", "lt", "lte", "gt", "gte"]), NUMBERS),
    st.builds(Cidr, st.sampled_from(["192.0.2.0/24", "192.0.2.0/25", "198.51.100.0/24", "2001:db8::/32", "::/0"])),
    st.just(Exists()),
    st.builds(Regex, st.sampled_from(["a", "^b", "[01]"])),
)
VALUES = st.one_of(
    TEXTS,
    st.sampled_from(["192.0.2.7", "::ffff:192.0.2.7", "192.0.2.200", "2001:db8::1", "10", "11", "0", "1e999", "-1"]),
)
LEAVES = st.builds(lambda column, test: Leaf(Predicate(column, test)), st.sampled_from("FG"), TESTS)


def joined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    lists = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(And, lists),
        st.builds(Or, lists),
        st.builds(Not, parts),
        lists.flatmap(lambda some: st.builds(AtLeast, st.integers(1, len(some)), st.just(some))),
    )


CONDITIONS: st.SearchStrategy[Condition] = st.recursive(LEAVES, joined, max_leaves=5)
NARROWED = st.builds(lambda one, other: And((one, Not(other))), CONDITIONS, CONDITIONS)
EVENTS = st.fixed_dictionaries({name: st.lists(VALUES, max_size=2) for name in "FG"})


def holds(condition: Condition, event: Mapping[str, Sequence[str]]) -> bool:
    return explain(condition, event.__getitem__).holds


@given(TESTS, TESTS, VALUES)
@settings(max_examples=300)
def test_what_is_implied_follows(first: Test, second: Test, text: str) -> None:
    one, other = matcher(first)(text), matcher(second)(text)
    if implies(first, second):
        assert other or not one
    if excludes(first, second):
        assert not (one and other)


@given(st.one_of(CONDITIONS, NARROWED), EVENTS)
@settings(max_examples=300)
def test_no_event_fulfils_what_is_called_impossible(condition: Condition, event: dict[str, list[str]]) -> None:
    if contradiction(condition) is not None:
        assert not holds(condition, event)
    if contradiction(condition, lambda _column: True) is not None:
        assert not holds(condition, {name: values[:1] for name, values in event.items()})
    if always(condition):
        assert holds(condition, event)


def leaf(column: str, *parts: str | Wildcard, **options: Any) -> Leaf:
    return Leaf(Predicate(column, glob(parts, **options)))


IMAGE = leaf("Image", MANY, "\\cmd.exe")


@pytest.mark.parametrize(
    "condition",
    [
        And((IMAGE, Not(IMAGE))),
        And((IMAGE, Not(leaf("Image", MANY, ".exe")))),
        And((leaf("Image", "C:\\cmd.exe"), Not(leaf("Image", "cmd", anywhere=True)))),
        And((IMAGE, Not(Leaf(Predicate("Image", Exists()))))),
        And((Or((IMAGE, leaf("Image", "x.exe"))), Not(leaf("Image", MANY, ".exe")))),
        AtLeast(2, (IMAGE, Not(IMAGE))),
        And((Not(AtLeast(1, (IMAGE, leaf("B", "b")))), IMAGE)),
    ],
)
def test_contradictions_are_found(condition: Condition) -> None:
    assert contradiction(condition) is not None


def test_two_values_of_one_field_are_possible_until_the_field_is_known_to_have_one() -> None:
    both = And((leaf("EventID", "1"), leaf("EventID", "2")))
    assert contradiction(both) is None
    assert contradiction(both, lambda column: column == "EventID") is not None
    assert contradiction(both, lambda column: column == "Other") is None


def test_an_alternative_that_cannot_be_is_named() -> None:
    condition = And((Or((leaf("I", "pwcrack", anywhere=True), leaf("I", "x"))), Not(leaf("I", "crack", anywhere=True))))
    assert contradiction(condition) is None
    assert [alternative for alternative, _ in impossible_alternatives(condition)] == [
        leaf("I", "pwcrack", anywhere=True)
    ]


def test_a_huge_condition_is_given_up_in_bounded_time() -> None:
    ors = tuple(Or(tuple(leaf(f"F{a}", f"{a}{b}") for b in range(50))) for a in range(100))
    wide = And((Or(tuple(leaf("F", str(at)) for at in range(5_000))), Not(leaf("F", MANY, "x"))))
    assert contradiction(And(ors)) is None
    assert contradiction(wide) is None
    assert impossible_alternatives(wide) == []
    assert isinstance(IMAGE.predicate.test, Glob)
