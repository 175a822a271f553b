"""What a rule may cost, however long the values of an event are."""

from watchfloor.detect.sigma.condition import (
    And,
    AtLeast,
    Condition,
    Glob,
    Leaf,
    Not,
    Or,
    Predicate,
    Reference,
    alternatives,
)
from watchfloor.detect.sigma.globs import Shape, shape

MAX_SEARCHES = 1_000
"""How many times a rule may go through a value: through one of a megabyte, each takes up to a millisecond.

The rules of SigmaHQ do it up to 61 times.
"""

_AT_AN_END = frozenset({Shape.EQUALS, Shape.STARTSWITH, Shape.ENDSWITH, Shape.ANYTHING})


def searches(condition: Condition) -> int:
    """How many searches of a value a condition may take.

    Alternative patterns of one column are one search; what looks only at the beginning or the end of a value is none.

    >>> from watchfloor.detect.sigma.globs import glob
    >>> leaves = tuple(Leaf(Predicate("native.A", glob([text], anywhere=True))) for text in "ab")
    >>> searches(Or(leaves)), searches(And(leaves)), searches(AtLeast(2, leaves))
    (1, 2, 2)
    """
    number = 0
    stack: list[Condition] = [condition]
    while stack:
        match stack.pop():
            case Leaf(Predicate(_, Glob() as test)):
                number += shape(test)[0] not in _AT_AN_END
            case Leaf(Predicate(_, Reference())):
                number += 1
            case Not(inner):
                stack.append(inner)
            case Or(inner):
                patterns = alternatives(inner)
                number += len(patterns.texts)
                stack.extend(patterns.others)
            case And(inner) | AtLeast(_, inner):
                stack.extend(inner)
    return number


def too_dear(condition: Condition) -> str | None:
    """Why a rule with this condition is refused, if it is."""
    number = searches(condition)
    if number <= MAX_SEARCHES:
        return None
    return (
        f"it would search the values of an event {number} times, more than {MAX_SEARCHES}: "
        "put the patterns of a field into one list, or make several rules of it"
    )
