"""ATT&CK's techniques crossed with rules and with the telemetry that there is.

A technique is *covered* if a rule names it and has telemetry to look at, *blind* if rules name it and none of them has,
*dark* if no rule names it although a log in which ATT&CK looks for it is there, and *unseen* otherwise.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from watchfloor.finding import LEVELS, Rule
from watchfloor.rulecraft.attack import Log, Technique
from watchfloor.rulecraft.needs import Need
from watchfloor.rulecraft.telemetry import Telemetry

State = Literal["covered", "blind", "dark", "unseen"]
STATES: tuple[State, ...] = ("covered", "blind", "dark", "unseen")


class Watching(msgspec.Struct, frozen=True):
    """A rule and how many events it can look at."""

    rule: Rule
    events: int


class Spot(msgspec.Struct, frozen=True):
    """A technique in the matrix: its rules, and of the logs in which ATT&CK looks for it those that are there."""

    technique: Technique
    state: State
    rules: tuple[Watching, ...] = ()
    logs: tuple[Log, ...] = ()

    @property
    def watching(self) -> int:
        """How many rules have telemetry to look at."""
        return sum(one.events > 0 for one in self.rules)


class Coverage(msgspec.Struct, frozen=True):
    """The matrix, and what stands beside it.

    ``blind`` counts by log source the rules that wait for it; ``idle`` counts by log source the events that no rule
    looks at; ``unknown`` are techniques that rules name and ATT&CK does not have (any more); ``untagged`` rules name
    no technique.
    """

    spots: tuple[Spot, ...]
    events: int
    rules: int
    untagged: int = 0
    unknown: Mapping[str, int] = {}
    blind: Mapping[str, int] = {}
    idle: Mapping[str, int] = {}

    def count(self, state: State) -> int:
        """How many techniques are in a state."""
        return sum(spot.state == state for spot in self.spots)


def coverage(needs: Sequence[Need], telemetry: Telemetry, techniques: Mapping[str, Technique]) -> Coverage:
    """The matrix of the rules that need something, over the telemetry that there is."""
    seen = {need.telemetry: need.events(telemetry) for need in {need.telemetry: need for need in needs}.values()}
    watching = [(need, Watching(need.rule, seen[need.telemetry])) for need in needs]
    by_technique: dict[str, list[Watching]] = {}
    for need, one in watching:
        for uid in need.rule.techniques:
            by_technique.setdefault(uid, []).append(one)
    logs = telemetry.logs
    return Coverage(
        spots=tuple(_spot(one, by_technique.get(uid, ()), logs) for uid, one in techniques.items()),
        events=telemetry.events,
        rules=len(needs),
        untagged=sum(not need.rule.techniques for need in needs),
        unknown={uid: len(rules) for uid, rules in sorted(by_technique.items()) if uid not in techniques},
        blind=_ranked(Counter(need.words for need, one in watching if not one.events)),
        idle=_ranked(_idle(needs, telemetry)),
    )


def _spot(technique: Technique, rules: Sequence[Watching], logs: frozenset[tuple[str, str]]) -> Spot:
    there = tuple(log for log in technique.logs if log.is_in(logs))
    if rules:
        state: State = "covered" if any(one.events for one in rules) else "blind"
    else:
        state = "dark" if there else "unseen"
    ranked = sorted(rules, key=lambda one: (not one.events, -LEVELS.index(one.rule.level), one.rule.title))
    return Spot(technique, state, tuple(ranked), there)


def _idle(needs: Sequence[Need], telemetry: Telemetry) -> Counter[str]:
    distinct = {need.telemetry: need for need in needs}.values()
    idle: Counter[str] = Counter()
    for kind, number in telemetry.kinds.items():
        if not any(need.takes(kind) for need in distinct):
            idle[kind.log or kind.source] += number
    return idle


def _ranked(counted: Counter[str]) -> dict[str, int]:
    return dict(sorted(counted.items(), key=lambda one: (-one[1], one[0])))
