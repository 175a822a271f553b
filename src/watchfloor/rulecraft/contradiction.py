"""Finds conditions that no event can fulfil.

Sound, not complete. A condition is unfolded into its alternatives, and an alternative is impossible as soon as two of
its parts contradict each other. The search is bounded: what is not refuted within :data:`MAX_STEPS` counts as possible.

A column may have several values, so that ``F: a`` and ``F: b`` together are possible as long as nobody knows better.
``single`` names the columns of which somebody does: two tests that no one value passes then exclude each other, too.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec

from watchfloor.detect.sigma.condition import (
    And,
    AtLeast,
    Condition,
    Leaf,
    Not,
    Or,
    Predicate,
    conjunction,
    negation,
    predicates,
)
from watchfloor.rulecraft.implication import excludes, implies

MAX_STEPS = 50_000
"""How many pairs of tests are held against each other."""

MAX_PREDICATES = 1_000
"""How many tests a condition may have to be looked through alternative by alternative."""

MAX_ALTERNATIVES = 64
"""How many alternatives may be open at once."""

Single = Callable[[str], bool]
"""Whether a column never has more than one value."""


class Conflict(msgspec.Struct, frozen=True):
    """Two parts that cannot be true together.

    ``first`` is required; so is ``second``, unless ``negated``: then it must not be, and follows from the first.
    """

    first: Predicate
    second: Predicate
    negated: bool


def contradiction(condition: Condition, single: Single = lambda _column: False) -> Conflict | None:
    """Why the condition can never be true, or ``None``: no proof was found.

    >>> from watchfloor.detect.sigma.condition import Exists
    >>> leaf = Leaf(Predicate("native.Image", Exists()))
    >>> contradiction(And((leaf, Not(leaf)))) == Conflict(leaf.predicate, leaf.predicate, negated=True)
    True
    >>> contradiction(leaf) is None
    True
    """
    try:
        return _Search(single).refute(_Facts(), [(condition, True)])
    except _Exhausted:
        return None


def always(condition: Condition) -> bool:
    """Whether the condition is provably true of every event.

    >>> from watchfloor.detect.sigma.condition import Exists
    >>> leaf = Leaf(Predicate("native.Image", Exists()))
    >>> always(Or((leaf, Not(leaf)))), always(leaf)
    (True, False)
    """
    return contradiction(negation(condition)) is not None


class _Exhausted(Exception):  # noqa: N818 - it ends a search, it is no error
    pass


class _Facts:
    """What must hold and what must not, by column."""

    def __init__(self) -> None:
        self.required: dict[str, list[Predicate]] = defaultdict(list)
        self.forbidden: dict[str, list[Predicate]] = defaultdict(list)

    def copy(self) -> "_Facts":
        twin = _Facts()
        for name in ("required", "forbidden"):
            getattr(twin, name).update((column, list(known)) for column, known in getattr(self, name).items())
        return twin


Goal = tuple[Condition, bool]
"""A condition, and whether it must be true."""


class _Search:
    def __init__(self, single: Single) -> None:
        self._single = single
        self._steps = 0
        self._open = 0

    def refute(self, facts: _Facts, goals: Iterable[Goal]) -> Conflict | None:
        """A conflict of the facts with all the goals together, or ``None``."""
        choices: list[list[Goal]] = []
        stack = list(goals)[::-1]
        while stack:
            goal, wanted = stack.pop()
            match goal:
                case Leaf(predicate):
                    if (found := self._assume(facts, predicate, wanted)) is not None:
                        return found
                case Not(inner):
                    stack.append((inner, not wanted))
                case And(parts) if wanted:
                    stack.extend((part, True) for part in reversed(parts))
                case Or(parts) if not wanted:
                    stack.extend((part, False) for part in reversed(parts))
                case And(parts) | Or(parts):
                    choices.append([(part, wanted) for part in parts])
                case AtLeast(count, parts):
                    choices.extend(_choices(count, parts, wanted))
        return self._choose(facts, choices)

    def _choose(self, facts: _Facts, choices: list[list[Goal]]) -> Conflict | None:
        if not choices:
            return None
        self._open += 1
        if self._open > MAX_ALTERNATIVES:
            raise _Exhausted
        # Few alternatives first: they refute soonest.
        first, *rest = sorted(choices, key=len)
        later = [_any_of(choice) for choice in rest]
        conflict: Conflict | None = None
        for alternative in first:
            self._step()
            conflict = self.refute(facts.copy(), [*later, alternative])
            if conflict is None:
                break
        self._open -= 1
        return conflict

    def _assume(self, facts: _Facts, predicate: Predicate, wanted: bool) -> Conflict | None:  # noqa: FBT001 - a sign
        column = predicate.column
        required, forbidden = facts.required[column], facts.forbidden[column]
        if wanted:
            for other in forbidden:
                if self._implies(predicate, other):
                    return Conflict(predicate, other, negated=True)
            if self._single(column):
                for other in required:
                    self._step()
                    if excludes(predicate.test, other.test):
                        return Conflict(other, predicate, negated=False)
            required.append(predicate)
        else:
            for other in required:
                if self._implies(other, predicate):
                    return Conflict(other, predicate, negated=True)
            forbidden.append(predicate)
        return None

    def _implies(self, first: Predicate, second: Predicate) -> bool:
        self._step()
        return implies(first.test, second.test)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise _Exhausted


def _any_of(choice: list[Goal]) -> Goal:
    """One goal that stands for any of them."""
    wanted = choice[0][1]
    parts = tuple(part for part, _ in choice)
    return (Or(parts) if wanted else And(parts)), wanted


def _choices(count: int, parts: tuple[Condition, ...], wanted: bool) -> Iterable[list[Goal]]:  # noqa: FBT001 - a sign
    """What ``count`` of the parts, or fewer than that, asks for; each choice follows from it, not all of them imply it.

    Of any ``len - count + 1`` parts, one of ``count`` true ones is among them; and of any ``count`` parts, one is false
    where fewer are true.
    """
    size = len(parts) - count + 1 if wanted else count
    for start in range(len(parts) - size + 1):
        yield [(part, wanted) for part in parts[start : start + size]]


def impossible_alternatives(
    condition: Condition, single: Single = lambda _column: False
) -> list[tuple[Condition, Conflict]]:
    """The alternatives of a possible condition that can never be what makes it true, each with the reason.

    Conditions with more than :data:`MAX_PREDICATES` tests are not looked through.
    """
    parts = condition.conditions if isinstance(condition, And) else (condition,)
    found: list[tuple[Condition, Conflict]] = []
    if len(predicates(condition)) > MAX_PREDICATES:
        return found
    for at, part in enumerate(parts):
        if not isinstance(part, Or):
            continue
        others = tuple(one for place, one in enumerate(parts) if place != at)
        for alternative in part.conditions:
            conflict = contradiction(conjunction((*others, alternative)), single)
            if conflict is not None:
                found.append((alternative, conflict))
    return found
