"""Many string patterns as one test of a text."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from watchfloor.detect.sigma.condition import Glob
from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.globs import Shape, TextMatcher, glob_matcher, shape
from watchfloor.detect.sigma.needles import EDGE, needles
from watchfloor.detect.sigma.scan import Needles
from watchfloor.detect.sigma.view import Cell, texts_of

Select = Callable[[Sequence[Cell], Sequence[int]], list[int]]
"""Of the cells of a column, by row, and some rows: those rows that have a value of some kind, in their order."""

FEW = 16
"""Up to so many, trying one after the other is quicker than searching for all at once."""


class Patterns:
    """Patterns for folded texts, none of them cased, or all of them cased and for texts as they are."""

    def __init__(self, tests: Sequence[Glob]) -> None:
        self._tests = tests
        self.select: Select = self._one_of()
        """Those of some rows that have a text which one of the patterns matches."""

    def matching(self, text: str) -> Iterator[Glob]:
        """The patterns that match a text."""
        tests, matchers = self._tests, self._matchers
        candidates: Iterable[int] = range(len(tests))
        if len(tests) > FEW:
            candidates = sorted(set(self._needles.of(fold(text) if tests[0].cased else text)))
        return (tests[number] for number in candidates if matchers[number](text))

    @cached_property
    def _matchers(self) -> Sequence[TextMatcher]:
        return tuple(map(glob_matcher, self._tests))

    @cached_property
    def _needles(self) -> Needles:
        # A pattern of wildcards alone has no text to search for; the edge of a value is always there.
        found = ((number, needles(test) or (EDGE,)) for number, test in enumerate(self._tests))
        return Needles((number, one) for number, some in found for one in some)

    def _one_of(self) -> Select:
        by_shape: dict[Shape, list[str]] = defaultdict(list)
        searched: list[Glob] = []
        for test in self._tests:
            kind, text = shape(test)
            if kind in _MAKERS:
                by_shape[kind].append(text)
            else:
                searched.append(test)
        made = [make(by_shape[kind]) for kind, make in _MAKERS.items() if kind in by_shape]
        if len(searched) == 1 and shape(searched[0])[0] is Shape.CONTAINS:
            made.append(_containing_one(shape(searched[0])[1]))
        elif searched:
            made.append(matched(self._search_of(searched)))
        return made[0] if len(made) == 1 else _selected(made)

    def _search_of(self, searched: Sequence[Glob]) -> TextMatcher:
        if len(searched) > FEW:
            return lambda text: any(True for _ in self.matching(text))
        if len(searched) == 1:
            return glob_matcher(searched[0])
        if all(shape(test)[0] is Shape.CONTAINS for test in searched):
            return _containing([shape(test)[1] for test in searched])
        return _one_of(tuple(map(glob_matcher, searched)))


def _containing(texts: Sequence[str]) -> TextMatcher:
    def containing(text: str) -> bool:
        for one in texts:  # noqa: SIM110 - the generator of any() costs more than the tests
            if one in text:
                return True
        return False

    return containing


def _one_of(matchers: Sequence[TextMatcher]) -> TextMatcher:
    def one_of(text: str) -> bool:
        for matches in matchers:  # noqa: SIM110 - the generator of any() costs more than the tests
            if matches(text):
                return True
        return False

    return one_of


# A column whose cells are texts or nothing is a list; only others need to be asked what a cell is.


def matched(matches: TextMatcher) -> Select:
    """Those of some rows that have a text which satisfies a test."""

    def select(cells: Sequence[Cell], rows: Sequence[int]) -> list[int]:
        if cells.__class__ is list:
            return [row for row in rows if (cell := cells[row]) is not None and matches(cell)]
        return [row for row in rows if any(map(matches, texts_of(cells[row])))]

    return select


def _equal(texts: Sequence[str]) -> Select:
    wanted = frozenset(texts)
    others = matched(wanted.__contains__)

    def select(cells: Sequence[Cell], rows: Sequence[int]) -> list[int]:
        return [row for row in rows if cells[row] in wanted] if cells.__class__ is list else others(cells, rows)

    return select


def _containing_one(text: str) -> Select:
    others = matched(lambda value: text in value)

    def select(cells: Sequence[Cell], rows: Sequence[int]) -> list[int]:
        if cells.__class__ is list:
            return [row for row in rows if (cell := cells[row]) is not None and text in cell]
        return others(cells, rows)

    return select


def _touching(touches: Callable[[Any, tuple[str, ...]], bool], texts: Sequence[str]) -> Select:
    some = tuple(texts)
    others = matched(lambda value: touches(value, some))

    def select(cells: Sequence[Cell], rows: Sequence[int]) -> list[int]:
        if cells.__class__ is list:
            return [row for row in rows if (cell := cells[row]) is not None and touches(cell, some)]
        return others(cells, rows)

    return select


def _selected(selects: Sequence[Select]) -> Select:
    def select(cells: Sequence[Cell], rows: Sequence[int]) -> list[int]:
        found = {row for one in selects for row in one(cells, rows)}
        return [row for row in rows if row in found] if found else []

    return select


_MAKERS: dict[Shape, Callable[[Sequence[str]], Select]] = {
    Shape.ANYTHING: lambda _texts: matched(lambda _text: True),
    Shape.EQUALS: _equal,
    Shape.STARTSWITH: partial(_touching, str.startswith),
    Shape.ENDSWITH: partial(_touching, str.endswith),
}
"""Shapes of which any number is one quick test."""
