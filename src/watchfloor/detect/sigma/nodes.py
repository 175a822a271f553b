"""Conditions as functions of rows: built once from the trees, called with all rows of a batch that may match.

A condition takes rows and gives those of which it holds. A conjunction hands on what its parts leave, one part after
the other, so that the dear ones see few rows, and what a call costs is shared by all rows of a rule.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from watchfloor.detect.sigma.condition import (
    And,
    AtLeast,
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
    alternatives,
)
from watchfloor.detect.sigma.globs import TextMatcher, glob
from watchfloor.detect.sigma.guards import Guard, frequency, guard, likelihood
from watchfloor.detect.sigma.matching import relates
from watchfloor.detect.sigma.patterns import Patterns, matched
from watchfloor.detect.sigma.regex_texts import regex_texts
from watchfloor.detect.sigma.view import Rows, texts_of

Node = Callable[[Rows, Sequence[int]], list[int]]
"""Those of some rows of which a condition holds, in their order."""

Witnesses = Callable[[Rows, int], Iterator[Predicate]]
"""The predicates that are true of a row and count towards a condition that holds; none that are negated."""


class _Part(NamedTuple):
    """A condition as a function, and guesses at what a call costs, in arbitrary units, and at how often it holds."""

    node: Node
    cost: float
    likelihood: float

    def of_all(self) -> float:
        """What orders the parts of a conjunction: the cost of finding one false."""
        return self.cost / (1.01 - self.likelihood)

    def of_one(self) -> float:
        """What orders alternatives: the cost of finding one true."""
        return self.cost / (0.01 + self.likelihood)


class Builder:
    """Builds functions from conditions; ``matchers`` has each test that is not a pattern."""

    def __init__(self, matchers: Mapping[Test, TextMatcher]) -> None:
        self._matchers = matchers
        self._patterns: dict[tuple[Glob, ...], Patterns] = {}

    def node(self, condition: Condition, woken_by: Guard | None = None) -> Node:
        """The condition as a function; the part with the guard ``woken_by`` is most likely true of the rows it gets."""
        return self._part(condition, woken_by).node

    def witnesses(self, condition: Condition) -> Witnesses:
        """The condition as a function that says what proves it, to be called where it holds."""
        match condition:
            case Leaf(Predicate(column, Glob() as test)):
                return self._matching(column, [test])
            case Leaf(predicate):
                node = self.node(condition)
                return lambda rows, row: iter((predicate,) if node(rows, (row,)) else ())
            case Not():
                # Nothing in a row proves an absence.
                return lambda _rows, _row: iter(())
            case And(parts):
                # It holds, and so does each of its parts.
                every = [self.witnesses(part) for part in parts if not isinstance(part, Not)]
                return lambda rows, row: chain.from_iterable(found(rows, row) for found in every)
            case AtLeast(_, parts):
                return _proofs([(self.node(part), self.witnesses(part)) for part in parts])
            case Or(parts):
                texts, others = alternatives(parts)
                named = [self._matching(column, tests) for (column, _), tests in texts.items()]
                rest = _proofs([(self.node(part), self.witnesses(part)) for part in others])
                return lambda rows, row: chain.from_iterable(found(rows, row) for found in (*named, rest))

    def _part(self, condition: Condition, woken_by: Guard | None = None) -> _Part:
        match condition:
            case Leaf(predicate):
                return self._leaf(predicate)
            case Not(inner):
                part = self._part(inner)
                return _Part(_negated(part.node), part.cost, 1 - part.likelihood)
            case And(parts):
                every = [
                    self._part(part)._replace(likelihood=1.0 if guard(part) == woken_by else likelihood(part))
                    for part in parts
                ]
                return _joined(_all_of, sorted(every, key=_Part.of_all), condition)
            case Or(parts):
                texts, others = alternatives(parts)
                some = [self._texts(column, tests) for (column, _), tests in texts.items()]
                return _joined(_one_of, sorted((*some, *map(self._part, others)), key=_Part.of_one), condition)
            case AtLeast(count, parts):
                return _joined(lambda nodes: _some_of(count, nodes), [self._part(part) for part in parts], condition)

    def _leaf(self, predicate: Predicate) -> _Part:
        column, test = predicate.column, predicate.test
        likely = frequency(test)
        match test:
            case Glob():
                return self._texts(column, [test])
            case Exists():
                return _Part(_existing(column), 1, likely)
            case Reference():
                return _Part(_related(column, test), 4, likely)
            case Regex():
                return _Part(self._searched(column, test), 50, likely)
            case _:
                select = matched(self._matchers[test])
                return _Part(lambda rows, some: select(rows.raw[column], some), 4, likely)

    def _searched(self, column: str, test: Regex) -> Node:
        """A regular expression, searched for where one of its texts is."""
        matches = self._matchers[test]

        def searched(rows: Rows, some: Sequence[int]) -> list[int]:
            return matched(rows.remembered(matches))(rows.raw[column], some)

        texts = regex_texts(test.pattern, test.flags)
        if texts is None:
            return searched
        having = self._texts(column, [glob([text], anywhere=True) for text in sorted(texts)]).node
        return _all_of((having, searched))

    def _texts(self, column: str, tests: Sequence[Glob]) -> _Part:
        """One of some patterns; all of them are cased or none is."""
        select = self._patterns_of(tests).select
        node: Node
        if tests[0].cased:
            node = lambda rows, some: select(rows.raw[column], some)  # noqa: E731
        else:
            node = lambda rows, some: select(rows.folded[column], some)  # noqa: E731
        return _Part(node, 1 + len(tests) / 8, min(1, sum(map(frequency, tests))))

    def _matching(self, column: str, tests: Sequence[Glob]) -> Witnesses:
        patterns = self._patterns_of(tests)
        cased = tests[0].cased
        return lambda rows, row: (
            Predicate(column, test)
            for text in texts_of((rows.raw if cased else rows.folded)[column][row])
            for test in patterns.matching(text)
        )

    def _patterns_of(self, tests: Sequence[Glob]) -> Patterns:
        """Those of equal tests are the same: to search for many is prepared only once."""
        key = tuple(tests)
        if key not in self._patterns:
            self._patterns[key] = Patterns(key)
        return self._patterns[key]


def _joined(join: Callable[[Sequence[Node]], Node], parts: Sequence[_Part], condition: Condition) -> _Part:
    nodes = tuple(part.node for part in parts)
    node = nodes[0] if len(nodes) == 1 and not isinstance(condition, AtLeast) else join(nodes)
    return _Part(node, sum(part.cost for part in parts), likelihood(condition))


def _existing(column: str) -> Node:
    def existing(rows: Rows, some: Sequence[int]) -> list[int]:
        cells = rows.raw[column]
        return [row for row in some if texts_of(cells[row])]

    return existing


def _negated(node: Node) -> Node:
    def negated(rows: Rows, some: Sequence[int]) -> list[int]:
        out = set(node(rows, some))
        return [row for row in some if row not in out]

    return negated


def _all_of(nodes: Sequence[Node]) -> Node:
    def all_of(rows: Rows, some: Sequence[int]) -> list[int]:
        left = some
        for node in nodes:
            left = node(rows, left)
            if not left:
                break
        return list(left)

    return all_of


def _one_of(nodes: Sequence[Node]) -> Node:
    def one_of(rows: Rows, some: Sequence[int]) -> list[int]:
        found: set[int] = set()
        left = some
        for node in nodes:
            if hits := node(rows, left):
                found.update(hits)
                left = [row for row in left if row not in found]
                if not left:
                    break
        return [row for row in some if row in found]

    return one_of


def _some_of(count: int, nodes: Sequence[Node]) -> Node:
    def some_of(rows: Rows, some: Sequence[int]) -> list[int]:
        times = Counter(row for node in nodes for row in node(rows, some))
        return [row for row in some if times[row] >= count]

    return some_of


def _related(column: str, test: Reference) -> Node:
    relation, other_column = test.relation, test.column

    def related(rows: Rows, some: Sequence[int]) -> list[int]:
        columns = rows.raw if test.cased else rows.folded
        cells, others = columns[column], columns[other_column]
        return [
            row
            for row in some
            if any(relates(relation, text, other) for text in texts_of(cells[row]) for other in texts_of(others[row]))
        ]

    return related


def _proofs(parts: Sequence[tuple[Node, Witnesses]]) -> Witnesses:
    def proofs(rows: Rows, row: int) -> Iterator[Predicate]:
        for node, inner in parts:
            if node(rows, (row,)):
                yield from inner(rows, row)

    return proofs
