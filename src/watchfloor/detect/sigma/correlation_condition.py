"""Extended conditions of temporal correlations: which rules occur and which do not, in words (``a and not b``)."""

from collections.abc import Iterable, Sequence
from itertools import combinations

import msgspec

from watchfloor.detect.sigma.condition import And, AtLeast, Condition, Exists, Leaf, Not, Or, Predicate
from watchfloor.detect.sigma.correlation import Branch
from watchfloor.detect.sigma.syntax import parse_condition

MAX_BRANCHES = 256
"""How many ways of being fulfilled a condition may have."""

_WORDS = frozenset({"and", "or", "not"})


def names_in(text: str) -> list[str]:
    """The rules that a condition names, each once, in order.

    >>> names_in("login AND (elevation or not logout)")
    ['login', 'elevation', 'logout']
    """
    words = text.replace("(", " ").replace(")", " ").split()
    return list(dict.fromkeys(word for word in words if word.lower() not in _WORDS))


def branches_of(text: str, references: Sequence[str]) -> tuple[Branch, ...]:
    """The ways in which the condition is fulfilled.

    Raises:
        ValueError: It is no condition over ``references``, leaves one of them out, can never be true, or can be true of
            nothing having happened.

    >>> branches_of("a and not (b or c)", ["a", "b", "c"])
    (Branch(present=(0,), absent=(1, 2)),)
    """
    tree = parse_condition(text, references, lambda name: Leaf(Predicate(name, Exists())))
    ways = [way for way in _ways(tree, wanted=True) if way.present.isdisjoint(way.absent)]
    if not ways:
        raise ValueError("the condition can never be true")
    if any(not way.present for way in ways):
        raise ValueError("the condition can be true of nothing: each alternative needs a rule that occurs")
    # What follows from a shorter alternative adds nothing.
    least = [way for way in ways if not any(other.wider(way) for other in ways)]
    named = frozenset().union(*(way.present | way.absent for way in _ways(tree, wanted=True)))
    if unused := [name for name in references if name not in named]:
        raise ValueError(f"the condition leaves out {', '.join(unused)}")
    position = {name: index for index, name in enumerate(references)}
    return tuple(
        Branch(
            tuple(sorted(position[name] for name in way.present)), tuple(sorted(position[name] for name in way.absent))
        )
        for way in dict.fromkeys(least)
    )


class _Way(msgspec.Struct, frozen=True):
    present: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()

    def with_(self, other: "_Way") -> "_Way":
        return _Way(self.present | other.present, self.absent | other.absent)

    def wider(self, other: "_Way") -> bool:
        return self != other and self.present <= other.present and self.absent <= other.absent


def _ways(tree: Condition, *, wanted: bool) -> list[_Way]:
    match tree:
        case Leaf(predicate):
            name = frozenset({predicate.column})
            return [_Way(present=name) if wanted else _Way(absent=name)]
        case Not(inner):
            return _ways(inner, wanted=not wanted)
        case And(parts):
            return _all(parts, wanted=True) if wanted else _any(parts, wanted=False)
        case Or(parts):
            return _any(parts, wanted=True) if wanted else _all(parts, wanted=False)
        case AtLeast(count, parts):
            # Fewer than ``count`` of them: so many are not there.
            size = count if wanted else len(parts) - count + 1
            return _bounded(way for chosen in combinations(parts, size) for way in _all(chosen, wanted=wanted))


def _any(parts: Sequence[Condition], *, wanted: bool) -> list[_Way]:
    return _bounded(way for part in parts for way in _ways(part, wanted=wanted))


def _all(parts: Sequence[Condition], *, wanted: bool) -> list[_Way]:
    ways = [_Way()]
    for part in parts:
        more = _ways(part, wanted=wanted)
        ways = _bounded(way.with_(other) for way in ways for other in more)
    return ways


def _bounded(ways: Iterable[_Way]) -> list[_Way]:
    found: dict[_Way, None] = {}
    for way in ways:
        found[way] = None
        if len(found) > MAX_BRANCHES:
            raise ValueError(f"the condition has more than {MAX_BRANCHES} alternatives")
    return list(found)
