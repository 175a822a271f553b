import re

import pytest

from watchfloor.detect.sigma.condition import AtLeast, Condition, Exists, Leaf, Predicate, conjunction, disjunction
from watchfloor.detect.sigma.condition import negation as no
from watchfloor.detect.sigma.syntax import MAX_DEPTH, parse_condition

NAMES = ("a", "b", "c", "sel_one", "sel_two", "sel_three", "_hidden", "_hidden_too", "timeframe", "notepad", "All")


def leaf(name: str) -> Leaf:
    return Leaf(Predicate(name, Exists()))


def both(*names: str) -> Condition:
    return conjunction(tuple(map(leaf, names)))


def either(*names: str) -> Condition:
    return disjunction(tuple(map(leaf, names)))


SHOWN = ("a", "b", "c", "sel_one", "sel_two", "sel_three", "notepad", "All")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", leaf("a")),
        ("a and b", both("a", "b")),
        ("a or b and c", disjunction((leaf("a"), both("b", "c")))),
        ("(a or b) and c", conjunction((either("a", "b"), leaf("c")))),
        ("not a and b", conjunction((no(leaf("a")), leaf("b")))),
        ("not (a and b)", no(both("a", "b"))),
        ("not not a", leaf("a")),
        ("a AND NOT b", conjunction((leaf("a"), no(leaf("b"))))),
        ("notepad", leaf("notepad")),
        ("1 of sel_*", either("sel_one", "sel_two", "sel_three")),
        ("any of sel_*", either("sel_one", "sel_two", "sel_three")),
        ("all of sel_t*", both("sel_two", "sel_three")),
        ("2 of sel_*", AtLeast(2, (leaf("sel_one"), leaf("sel_two"), leaf("sel_three")))),
        ("not 1 of sel_*", no(either("sel_one", "sel_two", "sel_three"))),
        ("all of *", both(*SHOWN)),
        ("1 of them", either(*SHOWN)),
        ("1 of _hidden*", either("_hidden", "_hidden_too")),
        ("_hidden", leaf("_hidden")),
        ("1 of a", leaf("a")),
        ("  a\n  and\tb ", both("a", "b")),
        ("a or(b)", either("a", "b")),
        ("All or a", either("All", "a")),
    ],
)
def test_conditions(text: str, expected: Condition) -> None:
    assert parse_condition(text, NAMES, leaf) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "ends where"),
        ("a and", "ends where"),
        ("a b", "unexpected 'b'"),
        ("(a", "not closed"),
        ("a)", "unexpected ')'"),
        ("and a", "unexpected 'and'"),
        ("missing", "'missing', which the detection does not define"),
        ("1 of missing*", "matches no search identifier"),
        ("some of sel_*", "'some' is not a quantity"),
        ("4 of sel_*", "asks for 4 of 3"),
        ("0 of sel_*", "asks for 0 of 3"),
        ("1 of", "not followed by a pattern"),
        ("1 of (a)", "not followed by a pattern"),
        ("selection | count() > 5", "correlation"),
        ("(" * (MAX_DEPTH + 2) + "a" + ")" * (MAX_DEPTH + 2), "nests deeper"),
        ("not " * 100_000 + "a", "nests deeper"),
        ("9" * 5000 + " of sel_*", "is not a quantity"),
        ("² of sel_*", "is not a quantity"),
    ],
)
def test_what_is_not_a_condition_says_why(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_condition(text, NAMES, leaf)


def test_a_pattern_with_many_wildcards_takes_no_time() -> None:
    with pytest.raises(ValueError, match="matches no search identifier"):
        parse_condition("1 of " + "*a" * 200 + "b", ["a" * 5000], leaf)
