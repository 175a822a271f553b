"""Searches the smallest exclusions: values of fields that wrong matches have and no right match has.

An exclusion is a conjunction of fields, each with one value or a few. It never takes a right match away. Of those that
take most wrong matches away it is one that an attacker cannot fulfil at will, then the one that takes the fewest others
with it, then the one with the fewest fields.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import and_

import msgspec

Feature = tuple[str, str]
"""A field and one of its values, folded."""

Features = frozenset[Feature]
"""What one match looks like."""

MAX_FIELDS = 3
MAX_EXCLUSIONS = 3
MAX_VALUES = 5
"""How many fields an exclusion has, how many exclusions there are, how many values the field has that anchors one."""

BEAM = 300
"""How many conjunctions a round of the search goes on with."""


class Matches(msgspec.Struct, frozen=True):
    """The matches of a rule: those judged wrong, those that must stay, and those that nobody has judged."""

    wrong: Sequence[Features]
    right: Sequence[Features]
    open: Sequence[Features] = ()


class Exclusion(msgspec.Struct, frozen=True):
    """Fields with their values, and the positions of the wrong and the open matches that it takes away.

    ``chosen``: an attacker chooses the values of all of its fields.
    """

    fields: Mapping[str, tuple[str, ...]]
    wrong: frozenset[int]
    open: frozenset[int]
    chosen: bool

    def holds(self, features: Features) -> bool:
        """Whether a match fulfils it."""
        return _holds(self.fields, features)


def _holds(fields: Mapping[str, tuple[str, ...]], features: Features) -> bool:
    return all(any((field, value) in features for value in values) for field, values in fields.items())


def exclusions(matches: Matches, anchors: frozenset[str]) -> list[Exclusion]:
    """Exclusions one after the other, each for the wrong matches that are left, until nothing is gained.

    ``anchors`` are the fields whose values the environment sets: an attacker does not choose them at will. Of three
    wrong matches or more an exclusion takes two at least: what only one of them has says nothing of the next.
    """
    least = 2 if len(matches.wrong) > 2 else 1
    left = frozenset(range(len(matches.wrong)))
    found: list[Exclusion] = []
    while len(left) >= least and len(found) < MAX_EXCLUSIONS:
        one = _best(matches, left, anchors, least)
        if one is None:
            break
        found.append(one)
        left -= one.wrong
    return found


class _Bits:
    """For each feature the matches of a kind that have it, as the bits of a number."""

    def __init__(self, matches: Sequence[Features]) -> None:
        self.everything = (1 << len(matches)) - 1
        self._of: dict[Feature, int] = {}
        for at, features in enumerate(matches):
            for feature in features:
                self._of[feature] = self._of.get(feature, 0) | 1 << at

    def of(self, features: Iterable[Feature]) -> int:
        """The matches that have all of them."""
        return reduce(and_, (self._of.get(one, 0) for one in features), self.everything)


class _Search(msgspec.Struct, frozen=True):
    wrong: _Bits
    right: _Bits
    open: _Bits
    anchors: frozenset[str]
    least: int

    def rank(self, features: tuple[Feature, ...]) -> tuple[object, ...]:
        """Better conjunctions rank lower; one that takes a right match away is none."""
        return (
            -self.wrong.of(features).bit_count(),
            self.is_chosen(features),
            self.open.of(features).bit_count(),
            len(features),
            features,
        )

    def is_chosen(self, features: tuple[Feature, ...]) -> bool:
        return not any(field in self.anchors for field, _ in features)

    def conjunctions(self, pool: Sequence[Feature]) -> Iterator[tuple[Feature, ...]]:
        """Those that take no right match away, found by making the more promising ones longer."""
        beam: list[tuple[Feature, ...]] = [()]
        for _ in range(MAX_FIELDS):
            longer = [
                (*one, feature)
                for one in beam
                for feature in pool
                if (not one or feature > one[-1]) and feature[0] not in {field for field, _ in one}
            ]
            longer = [one for one in longer if self.wrong.of(one).bit_count() >= self.least]
            yield from (one for one in longer if not self.right.of(one))
            longer.sort(key=lambda one: (self.right.of(one).bit_count() > 0, *self.rank(one)))
            beam = longer[:BEAM]


def _best(matches: Matches, left: frozenset[int], anchors: frozenset[str], least: int) -> Exclusion | None:
    places = sorted(left)
    search = _Search(
        _Bits([matches.wrong[at] for at in places]), _Bits(matches.right), _Bits(matches.open), anchors, least
    )
    pool = sorted(
        {feature for at in places for feature in matches.wrong[at] if search.wrong.of([feature]).bit_count() >= least}
    )
    best = min(search.conjunctions(pool), key=search.rank, default=None)
    if best is None:
        return None
    fields: dict[str, tuple[str, ...]] = {field: (value,) for field, value in best}
    if search.is_chosen(best):
        fields = _anchored(fields, matches, left, anchors)
    wrong = frozenset(at for at in left if _holds(fields, matches.wrong[at]))
    open_ = frozenset(at for at, one in enumerate(matches.open) if _holds(fields, one))
    return Exclusion(fields, wrong, open_, chosen=not any(field in anchors for field in fields))


def _anchored(
    fields: dict[str, tuple[str, ...]], matches: Matches, left: frozenset[int], anchors: frozenset[str]
) -> dict[str, tuple[str, ...]]:
    """The same exclusion, where it can be, only for the hosts or accounts that the wrong matches are of."""
    taken = [matches.wrong[at] for at in left if _holds(fields, matches.wrong[at])]
    ways = []
    for anchor in sorted(anchors):
        values = [frozenset(value for field, value in one if field == anchor) for one in taken]
        known = frozenset[str]().union(*values)
        if all(values) and len(known) <= MAX_VALUES:
            ways.append(fields | {anchor: tuple(sorted(known))})
    return min(ways, key=lambda one: sum(_holds(one, other) for other in matches.open), default=fields)
