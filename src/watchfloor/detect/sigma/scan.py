"""Runs all predicates of a column over distinct values, and remembers what it found."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from watchfloor.detect.sigma.condition import Exists, Glob, Test
from watchfloor.detect.sigma.globs import Shape, literals, shape
from watchfloor.detect.sigma.matching import Matcher, Value, value_of

Ids = frozenset[int]

NOTHING: Ids = frozenset()

_LONGEST_GRAM = 3


class Hit(NamedTuple):
    """What a value satisfies: the predicates, and the rules that these wake up."""

    predicates: Ids
    rules: Ids


NO_HIT = Hit(NOTHING, NOTHING)


class Scanner:
    """The predicates of one column as one function of many values: value -> ids of the predicates that it satisfies.

    Equal texts, beginnings and ends are looked up in tables, and texts inside a value by a few of their characters: at
    a cost that hardly grows with the number of predicates. The rest is a loop. This is the place for an engine that
    searches for many patterns at once.
    """

    def __init__(self, tests: Mapping[int, Test], matchers: Mapping[int, Matcher]) -> None:
        self._always = frozenset(number for number, test in tests.items() if isinstance(test, Exists))
        self._tables = (_Tables(), _Tables())
        needles: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for number, test in tests.items():
            kind, text = shape(test) if isinstance(test, Glob) else (Shape.LIKE, "")
            if number in self._always or (isinstance(test, Glob) and self._tables[test.cased].take(kind, text, number)):
                continue
            needle = next(iter(literals(test)), "") if isinstance(test, Glob) and not test.cased else ""
            needles[min(len(needle), _LONGEST_GRAM)].append((needle, number))
        self._others = [number for _, number in needles.pop(0, [])]
        self._needles = [_Needles(some, size) for size, some in needles.items()]
        self._matchers = matchers
        self._looks = bool(tests)

    def scan(self, values: Iterable[str]) -> list[Ids]:
        """The ids of the predicates that each value satisfies."""
        return [self._scan(value_of(text)) if self._looks else NOTHING for text in values]

    def _scan(self, value: Value) -> Ids:
        found = set(self._always)
        self._tables[False].find(value.folded, found)
        self._tables[True].find(value.raw, found)
        for needles in self._needles:
            found.update(number for number in needles.candidates(value.folded) if self._matchers[number](value))
        found.update(number for number in self._others if self._matchers[number](value))
        return frozenset(found) if found else NOTHING


class _Needles:
    """Texts to be found inside others, each under that gram of it (a piece of ``size``) which the fewest share."""

    def __init__(self, needles: Sequence[tuple[str, int]], size: int) -> None:
        self._size = size
        shared = Counter(gram for text, _ in needles for gram in _grams(text, size))
        self._index: dict[str, list[int]] = defaultdict(list)
        for text, number in needles:
            self._index[min(_grams(text, size), key=lambda gram: (shared[gram], gram))].append(number)

    def candidates(self, text: str) -> list[int]:
        """The needles that the text may hold; all others it does not."""
        return [number for gram in self._index.keys() & _grams(text, self._size) for number in self._index[gram]]


def _grams(text: str, size: int) -> set[str]:
    return set(text) if size == 1 else {text[start : start + size] for start in range(len(text) - size + 1)}


class _Tables:
    """Equal texts, beginnings and ends, by length."""

    def __init__(self) -> None:
        self._equal: dict[str, list[int]] = {}
        self._starts: dict[int, dict[str, list[int]]] = {}
        self._ends: dict[int, dict[str, list[int]]] = {}

    def take(self, kind: Shape, text: str, number: int) -> bool:
        match kind:
            case Shape.EQUALS:
                table = self._equal
            case Shape.STARTSWITH:
                table = self._starts.setdefault(len(text), {})
            case Shape.ENDSWITH:
                table = self._ends.setdefault(len(text), {})
            case _:
                return False
        table.setdefault(text, []).append(number)
        return True

    def find(self, text: str, found: set[int]) -> None:
        found.update(self._equal.get(text, ()))
        size = len(text)
        for length, table in self._starts.items():
            if length <= size and (numbers := table.get(text[:length])) is not None:
                found.update(numbers)
        for length, table in self._ends.items():
            if length <= size and (numbers := table.get(text[size - length :])) is not None:
                found.update(numbers)


class Memory:
    """Remembers the hits of values, the least recently seen forgotten first.

    Bounded by the number of values and by their length: a long value is looked up by what it holds each time.
    """

    def __init__(self, scanner: Scanner, triggers: Mapping[int, Ids], *, capacity: int, longest: int) -> None:
        self._scanner = scanner
        self._triggers = triggers
        self._capacity = capacity
        self._longest = longest
        self._known: dict[str, Hit] = {}
        self._hits: dict[Ids, Hit] = {}

    def hits(self, values: Sequence[str]) -> list[Hit]:
        """The hits of distinct values."""
        known = self._known
        found: dict[str, Hit] = {}
        unseen = []
        for value in values:
            hit = known.pop(value, None)
            if hit is None:
                unseen.append(value)
            else:
                known[value] = found[value] = hit
        for value, ids in zip(unseen, self._scanner.scan(unseen), strict=True):
            found[value] = hit = self._hit(ids)
            if len(value) <= self._longest:
                known[value] = hit
        while len(known) > self._capacity:
            del known[next(iter(known))]
        return [found[value] for value in values]

    def _hit(self, ids: Ids) -> Hit:
        if not ids:
            return NO_HIT
        hit = self._hits.get(ids)
        if hit is None:
            if len(self._hits) >= self._capacity:
                self._hits.clear()
            rules = NOTHING.union(*(self._triggers.get(number, NOTHING) for number in ids))
            hit = self._hits[ids] = Hit(ids, rules)
        return hit
