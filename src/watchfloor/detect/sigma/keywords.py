r"""Tells from the raw text of records which of them may hold a keyword: of all others, no values need be gathered.

What a keyword looks for stands in the raw text as JSON writes it, or as it is where an object is searched as its JSON.
What cannot be told from the text counts as held: characters written as ``\u0041`` or ``\/``, numbers (``1e3`` is the
text ``1000.0``), letters beyond ASCII.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import hyperscan
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.condition import CompiledRule, Test, predicates
from watchfloor.detect.sigma.needles import EDGE, needles
from watchfloor.detect.sigma.scan import STRANGE, literals
from watchfloor.native import KEYWORDS, LogSource, MayHold

SHORTEST = 3
"""Of shorter texts nearly every record has one."""

_BETWEEN = str.maketrans(dict.fromkeys('"{}[],', "\0"))
"""Between tokens of JSON; texts are cut there, as they may be found in an object as well as in a string.

There, a colon that is no part of a string comes after a quotation mark.
"""

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"})
_NUMERIC = frozenset("0123456789+-.e")
_MARKS = (b"\\/", *(b"\\u%x" % digit for digit in range(16)), *(one.encode() for one in STRANGE))
"""In raw text, of characters that could have been written otherwise; they are the first of all texts."""

MATCHES_PER_RECORD = 64
"""On average; in a batch with more, every record counts as one that may hold a keyword."""

_SLACK = 4096


class _Sought(NamedTuple):
    """The numbers of what to look for in records of a kind, nothing if they must be searched, and their products."""

    numbers: frozenset[int] | None
    products: frozenset[str]


class KeywordSearch:
    """The keywords of rules, and what is sought of them in raw text."""

    def __init__(self, rules: Iterable[CompiledRule]) -> None:
        self._numbers: dict[bytes, int] = {mark: number for number, mark in enumerate(_MARKS)}
        self._rules: dict[LogSource, list[frozenset[int] | None]] = defaultdict(list)
        for rule in rules:
            tests = [one.test for one in predicates(rule.condition) if one.column == KEYWORDS]
            if tests:
                self._rules[rule.logsource].append(self._numbers_of(tests))
        self._sought: dict[tuple[LogSource, ...], _Sought] = {}
        self._databases: dict[frozenset[str], hyperscan.Database] = {}

    def _numbers_of(self, tests: Sequence[Test]) -> frozenset[int] | None:
        texts = [raw_texts(test) for test in tests]
        if not all(texts):
            return None
        return frozenset(self._numbers.setdefault(one, len(self._numbers)) for some in texts for one in some)

    def seek(self, raws: pa.BinaryArray) -> MayHold:
        """Search the raw records of a batch, of which each value that is text must stand in its record as it is."""
        found: dict[frozenset[str], Mapping[int, set[int]] | None] = {}
        held: dict[tuple[LogSource, ...], frozenset[int]] = {}

        def rows(served: tuple[LogSource, ...]) -> frozenset[int]:
            numbers, products = self._sought.get(served) or self._sought_in(served)
            if numbers is not None and products not in found:
                found[products] = self._search(raws, products)
            if numbers is None or (hits := found[products]) is None:
                return frozenset(range(len(raws)))
            return frozenset().union(*(hits[number] for number in hits.keys() & numbers))

        def may_hold(served: tuple[LogSource, ...]) -> frozenset[int]:
            known = held.get(served)
            if known is None:
                known = held[served] = rows(served)
            return known

        return may_hold

    def _sought_in(self, served: tuple[LogSource, ...]) -> _Sought:
        wanted = [some for source, some in self._rules.items() if any(map(source.served_by, served))]
        every = [one for some in wanted for one in some]
        told = [one for one in every if one is not None]
        numbers = frozenset(range(len(_MARKS))).union(*told) if len(told) == len(every) else None
        sought = self._sought[served] = _Sought(numbers, frozenset(one.product for one in served))
        return sought

    def _search(self, raws: pa.BinaryArray, products: frozenset[str]) -> Mapping[int, set[int]] | None:
        """By the number of a text, the rows that it is in; nothing if there is too much of it."""
        # Records lie one behind the other. No text spans two of them: each ends with a bracket, and no text holds one.
        _, ends, data = raws.buffers()
        offsets = pa.Array.from_buffers(pa.int32(), len(raws) + 1, [None, ends], offset=raws.offset)
        first = offsets[0].as_py()
        lasts: list[int] = []
        numbers: list[int] = []

        def on_match(number: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            numbers.append(number)
            lasts.append(first + end - 1)
            return len(numbers) > MATCHES_PER_RECORD * len(raws) + _SLACK

        try:
            self._database(products).scan(data.slice(first, offsets[-1].as_py() - first).to_pybytes(), on_match)
        except hyperscan.ScanTerminated:
            return None
        found: dict[int, set[int]] = defaultdict(set)
        rows = pc.search_sorted(offsets.slice(1), pa.array(lasts, pa.int32()), side="right")
        for row, number in zip(rows.to_pylist(), numbers, strict=True):
            found[number].add(row)
        return found

    def _database(self, products: frozenset[str]) -> hyperscan.Database:
        """For what rules look for that apply to records of these products."""
        if products not in self._databases:
            wanted = set(range(len(_MARKS)))
            for source, every in self._rules.items():
                if source.product in {"", *products}:
                    wanted.update(*(some for some in every if some is not None))
            chosen = ((number, one) for one, number in self._numbers.items() if number in wanted)
            self._databases[products] = literals(chosen)
        return self._databases[products]


def raw_texts(test: Test) -> frozenset[bytes]:
    r"""Texts of which one stands, in any case, in the raw text of a record with a value that satisfies the test.

    None if it cannot be told.

    >>> from watchfloor.detect.sigma.globs import glob
    >>> sorted(raw_texts(glob(["C:\\Users"], anywhere=True)))
    [b'c:\\\\users', b'c:\\users']
    >>> raw_texts(glob(["4444"], anywhere=True))
    frozenset()
    """
    found: set[bytes] = set()
    for needle in needles(test) or ():
        # A needle may have been cut inside a character.
        text = needle.strip(EDGE).decode(errors="ignore").translate(_BETWEEN)
        pieces = "".join(one if one.isascii() else "\0" for one in text).split("\0")
        piece = max((one.lstrip(":") for one in pieces), key=len)
        if len(piece) < SHORTEST or _NUMERIC.issuperset(piece):
            return frozenset()
        found |= {piece.encode(), piece.translate(_ESCAPES).encode()}
    return frozenset(found)
