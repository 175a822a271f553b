"""Chooses the predicates that wake a rule up: one of them must be true for the rule to be true."""

import math
import re
from functools import lru_cache
from operator import itemgetter

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
    Reference,
    Regex,
    Test,
)
from watchfloor.detect.sigma.globs import Shape, literals, shape
from watchfloor.detect.sigma.regex_texts import regex_texts
from watchfloor.detect.sigma.telling import telling

Guard = frozenset[Predicate]
"""Predicates of which a matching event has at least one."""

_SHORTENING = 0.8
"""How much rarer one more character makes a text. A rough figure; only the order that it gives matters."""

_ALWAYS = 0.9

_NUMBER = re.compile(r"(?:0x)?[0-9a-f]{1,8}|s-1-[0-9-]+")
"""Codes are few: what equals one is common, however it is written."""

KIND = "native.EventID"
"""The column that says what a record of a Windows log is about; records are sorted by it before rules look at them."""


def guard(condition: Condition, column: str | None = None) -> Guard | None:
    """The guard that the fewest events are expected to hit, or ``None``: a condition that needs nothing to be there.

    With ``column``, the guard is of predicates on that column alone.

    >>> leaf = Leaf(Predicate("native.Image", Exists()))
    >>> guard(And((leaf, Not(leaf)))) == {leaf.predicate}
    True
    >>> guard(Or((leaf, Not(leaf)))) is None
    True
    """
    return _cheapest(condition, column)[1]


_NO_GUARD: tuple[float, Guard | None] = (math.inf, None)


def _cheapest(condition: Condition, column: str | None) -> tuple[float, Guard | None]:
    """The guard, and how many of its predicates are expected to be true of an event."""
    match condition:
        case Leaf(predicate):
            if column not in {None, predicate.column}:
                return _NO_GUARD
            return _cost(predicate), frozenset({_detectable(predicate)})
        case And(parts):
            return min((_cheapest(part, column) for part in parts), key=itemgetter(0))
        case Or(parts):
            return _one_of(parts, len(parts), column)
        case AtLeast(count, parts):
            # Of any len - count + 1 parts, one must be true.
            return _one_of(parts, len(parts) - count + 1, column)
        case Not():
            return _NO_GUARD


def _one_of(parts: tuple[Condition, ...], needed: int, column: str | None) -> tuple[float, Guard | None]:
    found = sorted((_cheapest(part, column) for part in parts), key=itemgetter(0))[:needed]
    guards = [one for _, one in found if one is not None]
    if len(guards) < needed:
        return _NO_GUARD
    return sum(cost for cost, _ in found), frozenset().union(*guards)


def _detectable(predicate: Predicate) -> Predicate:
    """The predicate itself, or what can be seen of it on one column alone."""
    return Predicate(predicate.column, Exists()) if isinstance(predicate.test, Reference) else predicate


def _cost(predicate: Predicate) -> float:
    return _ALWAYS if predicate.column == KIND else frequency(predicate.test)


def likelihood(condition: Condition) -> float:
    """A guess at how often a condition is true: between 0 and 1."""
    if isinstance(condition, Not):
        return 1 - likelihood(condition.condition)
    return min(_ALWAYS, _cheapest(condition, None)[0])


@lru_cache(maxsize=100_000)
def frequency(test: Test) -> float:
    """A guess at how often a test is true of a value: between 0 and 1, from what it looks for alone."""
    match test:
        case Glob():
            return _glob_frequency(test)
        case Regex(pattern, flags):
            # Not rarer than others, but dearer: left for events that something else has let through.
            texts = regex_texts(pattern, flags)
            return 0.7 if texts is None else min(0.7, sum(2 * _ALWAYS * _rarity(text) for text in texts))
        case Cidr() | Compare():
            return 0.5
        case Exists() | Reference():
            return _ALWAYS


def _glob_frequency(test: Glob) -> float:
    kind, text = shape(test)
    match kind:
        case Shape.EQUALS if _NUMBER.fullmatch(text):
            return 0.3
        case Shape.EQUALS:
            return 0.3 * _rarity(text)
        case Shape.STARTSWITH | Shape.ENDSWITH:
            return _ALWAYS * _rarity(text, 1.5)
        case Shape.CONTAINS:
            return _ALWAYS * _rarity(text)
        case Shape.LIKE | Shape.ANYTHING:
            return _ALWAYS * _rarity("".join(literals(test)))


def _rarity(text: str, sharper: float = 1) -> float:
    return math.pow(_SHORTENING, sharper * telling(text))
