"""Many texts and regular expressions that are searched for at once."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import hyperscan
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.condition import Regex
from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.needles import EDGE
from watchfloor.detect.sigma.regex_texts import is_common

MATCHES_PER_VALUE = 64
"""On average; with more, values are searched one by one, each needle once, so that no value is dear."""

MOST_TOGETHER = 2048
"""Of needles in one database: the time to compile one grows faster than the number of needles."""

STRANGE = "\u017f\u212a"
"""The letters that are not ASCII and fold to one that is: other text that is not ASCII hides no needle that is."""

STRANGE_LETTER = 2**31 - 1
"""The number that such a letter is found by."""

_SLACK = 4096

Sought = bytes | Regex
"""A needle (:mod:`watchfloor.detect.sigma.needles`), or a regular expression that :func:`is_searchable`."""

Found = tuple[list[int], list[int]]
"""Positions, and at the same place the number of what was found there; possibly repeated."""


class Needles:
    """Which of many needles are in texts; by their numbers."""

    def __init__(self, numbered: Iterable[tuple[int, bytes]]) -> None:
        self._numbered = list(numbered)
        self.is_ascii = b"".join(one for _, one in self._numbered).replace(EDGE, b"").isascii()
        """Whether texts need not be folded, but for those in which :data:`STRANGE_LETTER` is found."""
        if self.is_ascii:
            self._numbered += [(STRANGE_LETTER, letter.encode()) for letter in STRANGE]

    def scan(self, text: bytes | pa.Buffer, values: int) -> Found | None:
        """The needles in a text of so many values, each by where it ends; nothing if there are too many."""
        ends: list[int] = []
        numbers: list[int] = []
        most = MATCHES_PER_VALUE * values + _SLACK

        def on_match(number: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            numbers.append(number)
            ends.append(end)
            return len(numbers) > most

        try:
            for database in self._each_time:
                database.scan(text, on_match)
        except hyperscan.ScanTerminated:
            return None
        return ends, numbers

    def of(self, value: str) -> list[int]:
        """The needles in one folded value."""
        text = EDGE + value.encode() + EDGE
        if (found := self.scan(text, 1)) is not None:
            return found[1]
        numbers: list[int] = []
        for database in self._once:
            database.scan(text, lambda number, *_: numbers.append(number))
        return numbers

    @cached_property
    def _each_time(self) -> Sequence[hyperscan.Database]:
        return self._compiled(0)

    @cached_property
    def _once(self) -> Sequence[hyperscan.Database]:
        return self._compiled(hyperscan.HS_FLAG_SINGLEMATCH)

    def _compiled(self, flags: int) -> Sequence[hyperscan.Database]:
        flags |= hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_CASELESS
        escaped = [(number, _escaped(one), flags) for number, one in self._numbered]
        return [_database(escaped[at : at + MOST_TOGETHER]) for at in range(0, len(escaped), MOST_TOGETHER)]


class Expressions:
    """Which of many regular expressions may match which of many values; surely none of the others does."""

    def __init__(self, numbered: Iterable[tuple[int, Regex]]) -> None:
        self._numbered = tuple(numbered)

    def scan(self, values: pa.StringArray) -> Found:
        """The expressions to try on each of these values, by its position; all of them if it is not ASCII."""
        places: list[int] = []
        numbers: list[int] = []
        everything = [number for number, _ in self._numbered]

        def on_match(number: int, *_: object) -> None:
            numbers.append(number)

        for place, text in enumerate(values.cast(pa.binary()).to_pylist()):
            if text is None:
                continue
            if text.isascii():
                self._database.scan(text, on_match)
            else:
                numbers += everything
            places += [place] * (len(numbers) - len(places))
        return places, numbers

    @cached_property
    def _database(self) -> hyperscan.Database:
        return _database((number, test.pattern.encode(), _flags(test)) for number, test in self._numbered)


class Scanner(NamedTuple):
    """What finds all that is sought in a column, by numbers."""

    needles: Needles | None
    expressions: Expressions | None

    @classmethod
    def of(cls, numbered: Iterable[tuple[int, Sought]]) -> "Scanner":
        """What finds each of these."""
        needles: list[tuple[int, bytes]] = []
        expressions: list[tuple[int, Regex]] = []
        for number, one in numbered:
            if isinstance(one, bytes):
                needles.append((number, one))
            else:
                expressions.append((number, one))
        return cls(Needles(needles) if needles else None, Expressions(expressions) if expressions else None)


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
