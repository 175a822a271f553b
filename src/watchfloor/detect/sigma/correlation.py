"""What a Sigma correlation says, as plain data: which rules it refers to, for whom, within what time, and how many.

Source: https://github.com/SigmaHQ/sigma-specification, "Sigma Correlation Rules Specification".
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from watchfloor.detect.sigma.place import Place
from watchfloor.finding import Rule

Kind = Literal[
    "event_count",
    "value_count",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
    "temporal",
    "temporal_ordered",
]
Comparison = Literal["gt", "gte", "lt", "lte", "eq", "neq"]

COUNTING: frozenset[Kind] = frozenset({"event_count", "value_count", "temporal", "temporal_ordered"})
"""Kinds whose value is a whole number of at least one: a group that nothing happened to is not seen."""

TEMPORAL: frozenset[Kind] = frozenset({"temporal", "temporal_ordered"})
"""Kinds whose value is how many of the rules occurred."""

GROWING: frozenset[Kind] = COUNTING | {"value_sum"}
"""Kinds that say something before their window is over: more events only add to them."""


class Criterion(msgspec.Struct, frozen=True):
    """A comparison with the value of a correlation."""

    comparison: Comparison
    number: int | float

    def holds(self, value: float) -> bool:
        """Whether the value fulfils it.

        >>> Criterion("gte", 10).holds(10), Criterion("gt", 10).holds(10)
        (True, False)
        """
        match self.comparison:
            case "gt":
                return value > self.number
            case "gte":
                return value >= self.number
            case "lt":
                return value < self.number
            case "lte":
                return value <= self.number
            case "eq":
                return value == self.number
            case "neq":
                return value != self.number


class Branch(msgspec.Struct, frozen=True):
    """One way to fulfil an extended condition: these rules occur and those do not. By position in ``references``."""

    present: tuple[int, ...]
    absent: tuple[int, ...] = ()


class Correlation(msgspec.Struct, frozen=True):
    """A correlation as written. ``timespan`` is in ms.

    It has either ``criteria``, all of which its value fulfils, or ``branches``, one of which is true. ``references``
    are ids or names; ``aliases`` say for a name of ``group_by`` or ``fields`` which field it is in which rule.
    """

    rule: Rule
    place: Place
    kind: Kind
    references: tuple[str, ...]
    timespan: int
    group_by: tuple[str, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    branches: tuple[Branch, ...] = ()
    fields: tuple[str, ...] = ()
    percentile: float = 50
    aliases: Mapping[str, Mapping[str, str]] = {}
    generate: bool = False
    name: str = ""

    @property
    def grows(self) -> bool:
        """Whether it can be told true as soon as it is: no later event of the window makes it false."""
        if self.branches:
            return not any(branch.absent for branch in self.branches)
        return self.kind in GROWING and all(one.comparison in {"gt", "gte"} for one in self.criteria)
