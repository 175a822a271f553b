"""A batch as rules read it: for each column and row, the values and the predicates that they satisfy."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.matching import Matcher, Value, value_of
from watchfloor.detect.sigma.scan import NO_HIT, NOTHING, Hit, Ids

Look = Callable[[Sequence[str]], list[Hit]]
"""The hits of distinct values."""


class Column:
    """One column of a batch: its distinct values once, and which of them each row has."""

    def __init__(self, array: pa.Array, look: Look) -> None:
        self._spans: tuple[list[int], list[int]] | None = None
        if _is_list(array.type):
            self._spans = _spans(array)
            array = array.flatten()
        encoded = _as_text(array).dictionary_encode()
        self.texts: list[str] = encoded.dictionary.to_pylist()
        # A null row has the code -1 and finds NO_HIT at the end of the list.
        self._codes: list[int] = pc.fill_null(encoded.indices, -1).to_pylist()
        self._hits = [*look(self.texts), NO_HIT]
        self._values: dict[int, Value] = {}
        self._tested: dict[tuple[int, int], bool] = {}

    def predicates(self, row: int) -> Ids:
        """The predicates, of those looked for in all values, that the row's values satisfy."""
        if self._spans is None:
            return self._hits[self._codes[row]].predicates
        return NOTHING.union(*(self._hits[code].predicates for code in self._row_codes(row)))

    def values(self, row: int) -> Iterator[Value]:
        """The row's values."""
        return (self._value(code) for code in self._row_codes(row))

    def satisfies(self, row: int, number: int, matches: Matcher) -> bool:
        """Whether one of the row's values satisfies a predicate that is only looked at on demand."""
        return any(self._satisfies(code, number, matches) for code in self._row_codes(row))

    def awake(self) -> Iterator[tuple[int, Ids]]:
        """The rows whose values wake rules up, and those rules."""
        waking = [hit.rules for hit in self._hits]
        if not any(waking):
            return
        for place, code in enumerate(self._codes):
            if rules := waking[code]:
                yield place if self._spans is None else bisect_right(self._spans[1], place), rules

    def _row_codes(self, row: int) -> list[int]:
        if self._spans is None:
            code = self._codes[row]
            return [] if code < 0 else [code]
        starts, ends = self._spans
        return [code for code in self._codes[starts[row] : ends[row]] if code >= 0]

    def _value(self, code: int) -> Value:
        if code not in self._values:
            self._values[code] = value_of(self.texts[code])
        return self._values[code]

    def _satisfies(self, code: int, number: int, matches: Matcher) -> bool:
        key = (number, code)
        if key not in self._tested:
            self._tested[key] = matches(self._value(code))
        return self._tested[key]


class Absent:
    """A column that the batch does not have: null in every row."""

    def awake(self) -> Iterator[tuple[int, Ids]]:
        """No rows."""
        return iter(())

    def predicates(self, _row: int) -> Ids:
        """No predicates."""
        return NOTHING

    def values(self, _row: int) -> Iterator[Value]:
        """No values."""
        return iter(())

    def satisfies(self, _row: int, _number: int, _matches: Matcher) -> bool:
        """Never."""
        return False


_ABSENT = Absent()


class View(dict[str, Column | Absent]):
    """The columns of a batch that rules read, by name; any other is absent."""

    def __missing__(self, _name: str) -> Absent:
        return _ABSENT


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _spans(array: pa.Array) -> tuple[list[int], list[int]]:
    """Where each row's values begin and end in the flattened array; nulls have none."""
    lengths: list[int] = pc.fill_null(pc.list_value_length(array), 0).to_pylist()
    ends = list(accumulate(lengths))
    return [end - length for end, length in zip(ends, lengths, strict=True)], ends


def _as_text(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    return array if pa.types.is_string(kind) else pc.cast(array, pa.string())
