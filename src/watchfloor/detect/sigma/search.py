"""Searches the columns of a batch for all that wakes rules up, as one text."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.needles import EDGE
from watchfloor.detect.sigma.scan import STRANGE_LETTER, Expressions, Found, Needles, Scanner, folded
from watchfloor.detect.sigma.view import as_text, is_list


def search(columns: Iterable[tuple[pa.Array, Scanner]], rows: int) -> Found:
    """What is sought in columns of so many rows, by the rows that it is in; possibly repeated.

    No two of the scanners give the same numbers.
    """
    every = pc.indices_nonzero(pa.repeat(pa.scalar(value=True), rows)).cast(pa.int64())
    literal: list[tuple[_Values, Needles]] = []
    regular: list[tuple[_Values, Expressions]] = []
    for array, scanner in columns:
        values = _values(array, every)
        if scanner.needles is not None:
            literal.append((values, scanner.needles))
        if scanner.expressions is not None:
            regular.append((values, scanner.expressions))
    found = _search_together(literal) if literal else ([], [])
    for values, expressions in regular:
        _add(found, values, expressions.scan(values.texts))
    return found


class _Values(NamedTuple):
    """The values of a column, and of each its row."""

    texts: pa.StringArray
    rows: pa.Array


def _values(array: pa.Array, every: pa.Array) -> _Values:
    texts = as_text(array)
    return _Values(texts.flatten(), pc.list_parent_indices(texts)) if is_list(texts.type) else _Values(texts, every)


def _add(found: Found, values: _Values, some: Found) -> None:
    """Add what was found in some values by their places."""
    places, numbers = some
    if places:
        found[0].extend(values.rows.take(pa.array(places, pa.int64())).to_pylist())
        found[1].extend(numbers)


def _search_together(columns: Sequence[tuple[_Values, Needles]]) -> Found:
    joined = _Joined([values.texts if needles.is_ascii else folded(values.texts) for values, needles in columns])
    ends: list[int] = []
    numbers: list[int] = []
    alone: list[tuple[_Values, Needles]] = []
    for position, (values, needles) in enumerate(columns):
        start, stop, count = joined.part(position)
        some = needles.scan(joined.text[start:stop], count)
        if some is None or STRANGE_LETTER in some[1]:
            alone.append((values, needles))
        else:
            ends += [start + end for end in some[0]]
            numbers += some[1]
    rows = pa.chunked_array([values.rows for values, _ in columns], pa.int64())
    found = rows.take(joined.places(ends)).to_pylist(), numbers
    for values, needles in alone:
        _add(found, values, _one_by_one(values.texts, needles))
    return found


def _one_by_one(texts: pa.StringArray, needles: Needles) -> Found:
    places: list[int] = []
    numbers: list[int] = []
    for place, text in enumerate(folded(texts).to_pylist()):
        if text is not None:
            numbers += needles.of(text)
            places += [place] * (len(numbers) - len(places))
    return places, numbers


class _Joined:
    """The values of columns, one after the other, with an edge before and after each.

    To copy all of them at once costs less than to ask for the values of each column alone.
    """

    def __init__(self, columns: Sequence[pa.StringArray]) -> None:
        whole = pa.concat_arrays(columns)
        self._kept = pc.indices_nonzero(whole.is_valid())
        values = whole.drop_null().cast(pa.binary())
        one = pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)
        self.text = pa.py_buffer(EDGE + pc.binary_join(one, pa.scalar(EDGE, pa.binary()))[0].as_py() + EDGE)
        # Where the edge after each value is.
        self._ends = pc.cumulative_sum(pc.add(pc.binary_length(values).cast(pa.int64()), pa.scalar(1, pa.int64())))
        self._counts = [len(one) - one.null_count for one in columns]
        lasts = pa.concat_arrays([pa.array([0], pa.int64()), self._ends])
        self._bounds = lasts.take(pa.array(accumulate(self._counts, initial=0), pa.int64())).to_pylist()

    def part(self, position: int) -> tuple[int, int, int]:
        """Where a column's values begin and end in the text, with the edges around them, and how many they are."""
        return self._bounds[position], self._bounds[position + 1] + 1, self._counts[position]

    def places(self, ends: Sequence[int]) -> pa.Array:
        """The places, in all columns one after the other, of the values in which needles end."""
        lasts = pc.subtract(pa.array(ends, pa.int64()), pa.scalar(1, pa.int64()))
        return self._kept.take(pc.search_sorted(self._ends, lasts, side="left"))
