"""Many string patterns as one test of a text."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property

from watchfloor.detect.sigma.condition import Glob
from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.globs import Shape, TextMatcher, glob_matcher, shape
from watchfloor.detect.sigma.needles import EDGE, needles
from watchfloor.detect.sigma.scan import Needles

FEW = 16
"""Up to so many, trying one after the other is quicker than searching for all at once."""


class Patterns:
    """Patterns for folded texts, none of them cased, or all of them cased and for texts as they are."""

    def __init__(self, tests: Sequence[Glob]) -> None:
        self._tests = tests
        self.matches: TextMatcher = self._one_of()
        """Whether one of the patterns matches a text."""

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

    def _one_of(self) -> TextMatcher:
        by_shape: dict[Shape, list[str]] = defaultdict(list)
        searched: list[Glob] = []
        for test in self._tests:
            kind, text = shape(test)
            if kind in _MAKERS:
                by_shape[kind].append(text)
            else:
                searched.append(test)
        tried = [make(by_shape[kind]) for kind, make in _MAKERS.items() if kind in by_shape]
        if len(searched) > FEW:
            tried.append(lambda text: any(True for _ in self.matching(text)))
        elif searched and all(shape(test)[0] is Shape.CONTAINS for test in searched):
            tried.append(_containing([shape(test)[1] for test in searched]))
        else:
            tried += map(glob_matcher, searched)
        if len(tried) == 1:
            return tried[0]
        return lambda text: any(matches(text) for matches in tried)


def _starting(texts: Sequence[str]) -> TextMatcher:
    starts = tuple(texts)
    return lambda text: text.startswith(starts)


def _ending(texts: Sequence[str]) -> TextMatcher:
    ends = tuple(texts)
    return lambda text: text.endswith(ends)


def _containing(texts: Sequence[str]) -> TextMatcher:
    if len(texts) == 1:
        only = texts[0]
        return lambda text: only in text
    return lambda text: any(one in text for one in texts)


_MAKERS: dict[Shape, Callable[[Sequence[str]], TextMatcher]] = {
    Shape.ANYTHING: lambda _texts: lambda _text: True,
    Shape.EQUALS: lambda texts: frozenset(texts).__contains__,
    Shape.STARTSWITH: _starting,
    Shape.ENDSWITH: _ending,
}
"""Shapes of which any number is one quick test."""
