"""Searches the values of a column for all that wakes rules up, at once."""

from collections.abc import Iterable, Sequence
from functools import cached_property

import hyperscan
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.condition import Regex
from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.needles import EDGE
from watchfloor.detect.sigma.regex_texts import is_common

MATCHES_PER_VALUE = 64
"""On average; a batch with more is searched value by value, each needle once, so that no value is dear."""

MOST_TOGETHER = 2048
"""Of needles in one database: the time to compile one grows faster than the number of needles."""

STRANGE = "\u017f\u212a"
"""The letters that are not ASCII and fold to one that is: other text that is not ASCII hides no needle that is."""

_STRANGE = 2**31 - 1
"""The number that such a letter is found by."""

_SLACK = 4096

Sought = bytes | Regex
"""A needle (:mod:`watchfloor.detect.sigma.needles`), or a regular expression that :func:`is_searchable`."""

Found = tuple[list[int], list[int]]
"""The position of a value, and at the same place the number of what is in it; possibly repeated."""


class Needles:
    """Which of many needles are in which of many values; by their numbers.

    Where no needle has an edge, one that is found may begin in a value before.
    """

    def __init__(self, numbered: Iterable[tuple[int, bytes]]) -> None:
        self._numbered = list(numbered)
        texts = b"".join(one for _, one in self._numbered)
        self._has_edges = EDGE in texts
        self._is_ascii = texts.replace(EDGE, b"").isascii()
        if self._is_ascii:
            self._numbered += [(_STRANGE, letter.encode()) for letter in STRANGE]

    def scan(self, values: pa.StringArray) -> Found:
        """The needles in each of these values, none of which is null."""
        if self._is_ascii:
            # To fold a text that is not ASCII is dear.
            found = self._found(pc.ascii_lower(values))
            if _STRANGE not in found[1]:
                return found
        return self._found(folded(values))

    def _found(self, values: pa.StringArray) -> Found:
        text = _joined(values) if self._has_edges else _text(values)
        lasts, numbers = self._positions(text, MATCHES_PER_VALUE * len(values) + _SLACK)
        if numbers is None:
            return self._one_by_one(values)
        if not lasts:
            return [], []
        lengths = pc.add(pc.binary_length(values).cast(pa.int64()), pa.scalar(int(self._has_edges), pa.int64()))
        # Where the edge after each value is, or else the value after it begins.
        ends = pc.cumulative_sum(lengths)
        side = "left" if self._has_edges else "right"
        return pc.search_sorted(ends, pa.array(lasts, pa.int64()), side=side).to_pylist(), numbers

    def of(self, value: str) -> list[int]:
        """The needles in one folded value."""
        text = EDGE + value.encode() + EDGE
        _, numbers = self._positions(text, MATCHES_PER_VALUE + _SLACK)
        if numbers is None:
            numbers = []
            for database in self._once:
                database.scan(text, lambda number, *_: numbers.append(number))
        return numbers

    def _positions(self, text: bytes | pa.Buffer, most: int) -> tuple[list[int], list[int] | None]:
        """Where needles end, and which; no needles if there are too many."""
        lasts: list[int] = []
        numbers: list[int] = []

        def on_match(number: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            numbers.append(number)
            lasts.append(end - 1)
            return len(numbers) > most

        try:
            for database in self._each_time:
                database.scan(text, on_match)
        except hyperscan.ScanTerminated:
            return lasts, None
        return lasts, numbers

    def _one_by_one(self, values: pa.StringArray) -> Found:
        places: list[int] = []
        numbers: list[int] = []
        for place, value in enumerate(values.to_pylist()):
            numbers += self.of(value)
            places += [place] * (len(numbers) - len(places))
        return places, numbers

    @cached_property
    def _each_time(self) -> Sequence[hyperscan.Database]:
        return self._compiled(hyperscan.HS_FLAG_DOTALL)

    @cached_property
    def _once(self) -> Sequence[hyperscan.Database]:
        return self._compiled(hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH)

    def _compiled(self, flags: int) -> Sequence[hyperscan.Database]:
        escaped = [(number, _escaped(one), flags) for number, one in self._numbered]
        return [_database(escaped[at : at + MOST_TOGETHER]) for at in range(0, len(escaped), MOST_TOGETHER)]


class _Expressions:
    """Which of many regular expressions may match which of many values; surely none of the others does."""

    def __init__(self, numbered: Iterable[tuple[int, Regex]]) -> None:
        self._numbered = tuple(numbered)

    def scan(self, values: pa.StringArray) -> Found:
        """The expressions to try on each of these values, none of which is null; all of them if it is not ASCII."""
        places: list[int] = []
        numbers: list[int] = []
        everything = [number for number, _ in self._numbered]

        def on_match(number: int, *_: object) -> None:
            numbers.append(number)

        for place, text in enumerate(values.cast(pa.binary()).to_pylist()):
            if text.isascii():
                self._database.scan(text, on_match)
            else:
                numbers += everything
            places += [place] * (len(numbers) - len(places))
        return places, numbers

    @cached_property
    def _database(self) -> hyperscan.Database:
        return _database((number, test.pattern.encode(), _flags(test)) for number, test in self._numbered)


class Scanner:
    """What of all that is sought in a column is in its values, by numbers."""

    def __init__(self, numbered: Iterable[tuple[int, Sought]]) -> None:
        needles: list[tuple[int, bytes]] = []
        expressions: list[tuple[int, Regex]] = []
        for number, one in numbered:
            if isinstance(one, bytes):
                needles.append((number, one))
            else:
                expressions.append((number, one))
        self._needles = Needles(needles) if needles else None
        self._expressions = _Expressions(expressions) if expressions else None

    def scan(self, values: pa.StringArray) -> Found:
        """What is in each of these values, none of which is null."""
        places, numbers = self._needles.scan(values) if self._needles else ([], [])
        if self._expressions:
            more = self._expressions.scan(values)
            return places + more[0], numbers + more[1]
        return places, numbers


def literals(numbered: Iterable[tuple[int, bytes]]) -> hyperscan.Database:
    """What finds texts, by their numbers, with ASCII letters in either case."""
    return _database((number, _escaped(one), hyperscan.HS_FLAG_CASELESS) for number, one in numbered)


def is_searchable(test: Regex) -> bool:
    """Whether a regular expression can be sought in all values at once."""
    if not is_common(test.pattern, test.flags):
        return False
    try:
        _database([(0, test.pattern.encode(), _flags(test))])
    except hyperscan.error:
        return False
    return True


def folded(values: pa.StringArray) -> pa.StringArray:
    """The values without case, as :func:`~watchfloor.detect.sigma.folding.fold` gives them."""
    lowered = pc.ascii_lower(values)
    # To ask each value costs much more.
    if _text(values).to_pybytes().isascii():
        return lowered
    others = pc.invert(pc.string_is_ascii(values))
    replaced = [fold(one) for one in values.filter(others).to_pylist()]
    return pc.replace_with_mask(lowered, others, pa.array(replaced, pa.string()))


def _joined(values: pa.StringArray) -> bytes:
    whole = pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values.cast(pa.binary()))
    joined: bytes = pc.binary_join(whole, pa.scalar(EDGE, pa.binary()))[0].as_py()
    return EDGE + joined + EDGE


def _text(values: pa.StringArray) -> pa.Buffer:
    """The bytes of all values, one after the other, without a copy."""
    _, offsets, text = values.buffers()
    if not text:
        return pa.py_buffer(b"")
    ends = pa.Array.from_buffers(pa.int32(), len(values) + 1, [None, offsets], offset=values.offset)
    return text[ends[0].as_py() : ends[-1].as_py()]


_FLAGS = {"i": hyperscan.HS_FLAG_CASELESS, "m": hyperscan.HS_FLAG_MULTILINE, "s": hyperscan.HS_FLAG_DOTALL}


def _flags(test: Regex) -> int:
    once = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY | hyperscan.HS_FLAG_PREFILTER
    return int(once | sum(_FLAGS[letter] for letter in test.flags))


def _escaped(text: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in text)


def _database(expressions: Iterable[tuple[int, bytes, int]]) -> hyperscan.Database:
    numbers, patterns, flags = map(list, zip(*expressions, strict=True))
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=patterns, ids=numbers, elements=len(patterns), flags=flags)
    return database
