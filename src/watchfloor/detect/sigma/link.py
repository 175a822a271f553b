"""Links compiled rules into one program: conditions as functions, and for each rule what wakes it up."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import msgspec

from watchfloor.detect.sigma.columns import OCSF
from watchfloor.detect.sigma.condition import (
    CompiledRule,
    Exists,
    Glob,
    Predicate,
    Reference,
    Regex,
    Test,
    predicates,
)
from watchfloor.detect.sigma.globs import TextMatcher
from watchfloor.detect.sigma.guards import KIND, guard
from watchfloor.detect.sigma.matching import RegexMatcher, matcher
from watchfloor.detect.sigma.needles import needles
from watchfloor.detect.sigma.nodes import Builder, Node, Witnesses
from watchfloor.detect.sigma.scan import Scanner, Sought, is_searchable
from watchfloor.detect.sigma.view import Rows

TELLING = 3
"""A regular expression with longer texts is sought by them, as they can be searched in all values together."""


class Wake(msgspec.Struct, frozen=True):
    """What wakes a rule: by column the numbers of what is sought in it, and columns of which any value will do.

    ``kinds`` are the folded values of the column :data:`~watchfloor.detect.sigma.guards.KIND` that a matching row may
    have, if they are known. A rule that is ``sleepless`` needs nothing to be there and looks at every row.
    """

    sought: dict[str, frozenset[int]]
    columns: frozenset[str]
    sleepless: bool
    kinds: frozenset[str] | None


class Program:
    """The rules of a detector, ready to run.

    ``wakes[i]`` is what must be there for rule ``i`` to be true, ``columns[i]`` are the columns that it reads. What is
    made of a rule and of a column is made when it is first needed: most rules never see a record.
    """

    def __init__(self, rules: Sequence[CompiledRule]) -> None:
        self.rules = tuple(rules)
        read = [predicates(rule.condition) for rule in rules]
        self.columns = tuple(map(_columns, read))
        tests = {predicate.test for some in read for predicate in some}
        self._matchers: dict[Test, TextMatcher] = {test: matcher(test) for test in tests if not _is_of_text(test)}
        self._builder = Builder(self._matchers)
        self._conditions: dict[int, Node] = {}
        self._witnesses: dict[int, Witnesses] = {}
        numbers: dict[tuple[str, Sought], int] = {}
        self.wakes = tuple(_wake(rule, numbers) for rule in rules)
        self._sought = _by_column(numbers)
        self._products = self._products_by_sought()
        self._scanners: dict[tuple[str, frozenset[str]], Scanner] = {}

    def scanner(self, column: str, products: frozenset[str]) -> Scanner:
        """What finds all that is sought in a column by rules that apply to records of these products."""
        key = (column, products)
        if key not in self._scanners:
            wanted = {"", OCSF, *products}
            self._scanners[key] = Scanner.of(
                (number, one) for number, one in self._sought[column] if not wanted.isdisjoint(self._products[number])
            )
        return self._scanners[key]

    def _products_by_sought(self) -> Mapping[int, set[str]]:
        found: dict[int, set[str]] = defaultdict(set)
        for rule, wake in zip(self.rules, self.wakes, strict=True):
            for number in chain.from_iterable(wake.sought.values()):
                found[number].add(rule.logsource.product)
        return found

    def condition(self, rule: int) -> Node:
        """A rule as a function of rows."""
        node = self._conditions.get(rule)
        if node is None:
            condition = self.rules[rule].condition
            node = self._conditions[rule] = self._builder.node(condition, guard(condition))
        return node

    def regexes(self) -> Iterator[RegexMatcher]:
        """The regular expressions, each with the count of its timeouts."""
        return (one for one in self._matchers.values() if isinstance(one, RegexMatcher))

    def owners(self, test: Regex) -> tuple[str, ...]:
        """The ids of the rules that look for a regular expression."""
        return tuple(rule.rule.id for rule in self.rules if any(one.test == test for one in predicates(rule.condition)))

    def witnesses(self, rule: int, rows: Rows, row: int) -> list[Predicate]:
        """The predicates that made a rule true of a row, each once."""
        if rule not in self._witnesses:
            self._witnesses[rule] = self._builder.witnesses(self.rules[rule].condition)
        return list(dict.fromkeys(self._witnesses[rule](rows, row)))


def _columns(read: Sequence[Predicate]) -> frozenset[str]:
    others = {one.test.column for one in read if isinstance(one.test, Reference)}
    return frozenset({one.column for one in read} | others)


def _is_of_text(test: Test) -> bool:
    """Whether conditions test it themselves."""
    return isinstance(test, Exists | Reference | Glob)


def _by_column(numbers: Mapping[tuple[str, Sought], int]) -> Mapping[str, Sequence[tuple[int, Sought]]]:
    found: dict[str, list[tuple[int, Sought]]] = defaultdict(list)
    for (column, one), number in numbers.items():
        found[column].append((number, one))
    return found


def _wake(rule: CompiledRule, numbers: dict[tuple[str, Sought], int]) -> Wake:
    """What wakes a rule; ``numbers`` counts what is sought, in whichever column."""
    kinds = guard(rule.condition, KIND)
    guarding = guard(rule.condition)
    found: dict[str, set[int]] = {}
    columns = set()
    for predicate in guarding or ():
        wanted = _sought(predicate.test)
        if not wanted:
            columns.add(predicate.column)
            continue
        found.setdefault(predicate.column, set()).update(
            numbers.setdefault((predicate.column, one), len(numbers)) for one in wanted
        )
    return Wake(
        {column: frozenset(some) for column, some in found.items()},
        frozenset(columns),
        guarding is None,
        None if kinds is None else _equal_texts(kinds),
    )


def _sought(test: Test) -> Sequence[Sought]:
    """What to seek in values for a test: one of it is in each value that satisfies the test."""
    found = sorted(needles(test) or ())
    if isinstance(test, Regex) and min(map(len, found), default=0) < TELLING and is_searchable(test):
        return (test,)
    return found


def _equal_texts(kinds: frozenset[Predicate]) -> frozenset[str] | None:
    texts = set()
    for predicate in kinds:
        match predicate.test:
            case Glob(((text,),), False):
                texts.add(text)
            case _:
                return None
    return frozenset(texts)
