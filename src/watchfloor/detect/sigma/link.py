"""Links compiled rules into one program: predicates of all rules numbered, rules indexed by what wakes them up."""

from collections import defaultdict
from collections.abc import Sequence

from watchfloor.detect.sigma.condition import (
    And,
    AtLeast,
    CompiledRule,
    Condition,
    Glob,
    Leaf,
    Not,
    Or,
    Predicate,
    Reference,
    Test,
    predicates,
)
from watchfloor.detect.sigma.globs import Shape, shape
from watchfloor.detect.sigma.guards import guard
from watchfloor.detect.sigma.matching import Matcher, RegexMatcher, matcher
from watchfloor.detect.sigma.nodes import AllOf, Negation, Node, OnDemand, OneOf, Related, Scanned, SomeOf
from watchfloor.detect.sigma.scan import Ids, Scanner
from watchfloor.detect.sigma.view import View

_TABLED = {Shape.EQUALS, Shape.STARTSWITH, Shape.ENDSWITH}


class Program:
    """The rules of a detector, ready to run.

    ``conditions[i]`` is rule ``i`` as a function of a row. ``scanners`` look at all values of a column for the
    predicates that wake rules up and for those that cost nothing to look for; all other predicates are looked at only
    for rows that woke their rule. ``triggers`` says which rules a predicate wakes; the rules in ``sleepless`` need no
    predicate to be true and look at every record of their log source.
    """

    def __init__(self, rules: Sequence[CompiledRule]) -> None:
        self.rules = tuple(rules)
        guards = [guard(rule.condition) for rule in rules]
        waking = {predicate for one in guards for predicate in one or ()}
        every = dict.fromkeys(predicate for rule in rules for predicate in predicates(rule.condition))
        # What wakes a rule with a field reference is not in its condition: that the field is there.
        self._predicates = [*every, *sorted(waking - every.keys(), key=lambda predicate: predicate.column)]
        self._numbers = {predicate: number for number, predicate in enumerate(self._predicates)}
        self._matchers: dict[int, Matcher] = {
            number: matcher(predicate.test)
            for predicate, number in self._numbers.items()
            if not isinstance(predicate.test, Reference)
        }
        self._scanned = {
            predicate for predicate in self._predicates if predicate in waking or _is_tabled(predicate.test)
        }
        self.triggers = self._index(guards)
        self.sleepless: Ids = frozenset(index for index, one in enumerate(guards) if one is None)
        self.scanners = self._scanners()
        self.conditions: tuple[Node, ...] = tuple(self._node(rule.condition) for rule in rules)

    def columns(self) -> frozenset[str]:
        """The columns that the rules read."""
        named = {predicate.column for predicate in self._numbers}
        return frozenset(named | {p.test.column for p in self._numbers if isinstance(p.test, Reference)})

    def regexes(self) -> dict[Predicate, RegexMatcher]:
        """The regular expressions, each with the count of its timeouts."""
        found = ((predicate, self._matchers.get(number)) for predicate, number in self._numbers.items())
        return {predicate: one for predicate, one in found if isinstance(one, RegexMatcher)}

    def witnesses(self, rule: int, view: View, row: int) -> list[Predicate]:
        """The predicates that made a rule true of a row, each once."""
        return [self._predicates[number] for number in dict.fromkeys(self.conditions[rule].witnesses(view, row))]

    def _index(self, guards: Sequence[frozenset[Predicate] | None]) -> dict[int, Ids]:
        index: dict[int, set[int]] = defaultdict(set)
        for rule, one in enumerate(guards):
            for predicate in one or ():
                index[self._numbers[predicate]].add(rule)
        return {number: frozenset(woken) for number, woken in index.items()}

    def _scanners(self) -> dict[str, Scanner]:
        tests: dict[str, dict[int, Test]] = {column: {} for column in self.columns()}
        for predicate in self._scanned:
            tests[predicate.column][self._numbers[predicate]] = predicate.test
        return {column: Scanner(dict(sorted(found.items())), self._matchers) for column, found in tests.items()}

    def _node(self, condition: Condition) -> Node:
        match condition:
            case Leaf(predicate):
                return self._leaf(predicate)
            case Not(inner):
                return Negation(self._node(inner))
            case And(parts):
                nodes = self._parts(parts, every=True)
                return nodes[0] if len(nodes) == 1 else AllOf(nodes)
            case Or(parts):
                nodes = self._parts(parts, every=False)
                return nodes[0] if len(nodes) == 1 else OneOf(nodes)
            case AtLeast(count, parts):
                return SomeOf(count, [self._node(part) for part in parts])

    def _parts(self, parts: Sequence[Condition], *, every: bool) -> list[Node]:
        """The parts as nodes, the scanned predicates of one column as one, and those first: they are the cheapest."""
        scanned: dict[str, set[int]] = defaultdict(set)
        others = []
        for part in parts:
            if isinstance(part, Leaf) and part.predicate in self._scanned:
                scanned[part.predicate.column].add(self._numbers[part.predicate])
            else:
                others.append(self._node(part))
        return [*(Scanned(column, frozenset(some), every=every) for column, some in scanned.items()), *others]

    def _leaf(self, predicate: Predicate) -> Node:
        column, number = predicate.column, self._numbers[predicate]
        if isinstance(predicate.test, Reference):
            return Related(column, number, predicate.test)
        if predicate in self._scanned:
            return Scanned(column, frozenset({number}), every=True)
        return OnDemand(column, number, self._matchers[number])


def _is_tabled(test: Test) -> bool:
    return isinstance(test, Glob) and shape(test)[0] in _TABLED
