"""Chooses the predicates that wake a rule up: one of them must be true for the rule to be true."""

import math

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

Guard = frozenset[Predicate]
"""Predicates of which a matching event has at least one."""

_SHORTENING = 0.8
"""How much rarer one more character makes a text. A rough figure; only the order that it gives matters."""

_ALWAYS = 0.9


def guard(condition: Condition) -> Guard | None:
    """The guard that the fewest events are expected to hit, or ``None``: a condition that needs nothing to be there.

    >>> leaf = Leaf(Predicate("native.Image", Exists()))
    >>> guard(And((leaf, Not(leaf)))) == {leaf.predicate}
    True
    >>> guard(Or((leaf, Not(leaf)))) is None
    True
    """
    match condition:
        case Leaf(predicate):
            return frozenset({_detectable(predicate)})
        case And(parts):
            found = [one for part in parts if (one := guard(part)) is not None]
            return min(found, key=_cost, default=None)
        case Or(parts):
            return _one_of(parts, len(parts))
        case AtLeast(count, parts):
            # Of any len - count + 1 parts, one must be true.
            return _one_of(parts, len(parts) - count + 1)
        case Not():
            return None


def _one_of(parts: tuple[Condition, ...], needed: int) -> Guard | None:
    found = sorted((one for part in parts if (one := guard(part)) is not None), key=_cost)
    return frozenset().union(*found[:needed]) if len(found) >= needed else None


def _detectable(predicate: Predicate) -> Predicate:
    """The predicate itself, or what can be seen of it on one column alone."""
    return Predicate(predicate.column, Exists()) if isinstance(predicate.test, Reference) else predicate


def _cost(predicates: Guard) -> float:
    return sum(frequency(predicate.test) for predicate in predicates)


def frequency(test: Test) -> float:
    """A guess at how often a test is true of a value: between 0 and 1, from what it looks for alone."""
    match test:
        case Glob():
            return _glob_frequency(test)
        case Regex():
            # Not rarer than others, but dearer: left for events that something else has let through.
            return 0.7
        case Cidr() | Compare():
            return 0.5
        case Exists() | Reference():
            return _ALWAYS


def _glob_frequency(test: Glob) -> float:
    kind, text = shape(test)
    match kind:
        case Shape.EQUALS:
            return 0.3 * _rarity(2 * len(text))
        case Shape.STARTSWITH | Shape.ENDSWITH:
            return _ALWAYS * _rarity(1.5 * len(text))
        case Shape.CONTAINS:
            return _ALWAYS * _rarity(len(text))
        case Shape.LIKE | Shape.ANYTHING:
            return _ALWAYS * _rarity(sum(map(len, literals(test))))


def _rarity(length: float) -> float:
    return math.pow(_SHORTENING, length)
