"""The rows of a batch as conditions read them: for each column and row the values, folded or as they are."""

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.globs import TextMatcher
from watchfloor.detect.sigma.scan import folded

Cell = str | list[str] | None
"""What a row has in a column: one value, several, or none."""


class Rows:
    """The rows of a batch; a column is read when it is first asked for."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        raw = _Raw(batch)
        self.raw: dict[str, Sequence[Cell]] = raw
        self.folded: dict[str, Sequence[Cell]] = _Folded(raw)
        self._tested: dict[TextMatcher, _Tested] = {}

    def remembered(self, matches: TextMatcher) -> TextMatcher:
        """The same test, for dear ones: each value is tested once."""
        tested = self._tested.get(matches)
        if tested is None:
            tested = self._tested[matches] = _Tested(matches)
        return tested.__getitem__


class _Tested(dict[str, bool]):
    def __init__(self, matches: TextMatcher) -> None:
        super().__init__()
        self._matches = matches

    def __missing__(self, text: str) -> bool:
        self[text] = holds = self._matches(text)
        return holds


def texts_of(cell: Cell) -> Sequence[str]:
    """The values of a cell."""
    if cell is None:
        return ()
    return (cell,) if isinstance(cell, str) else cell


class _Columns(dict[str, Sequence[Cell]]):
    def __missing__(self, name: str) -> Sequence[Cell]:
        self[name] = cells = self._read(name)
        return cells

    def _read(self, name: str) -> Sequence[Cell]:
        raise NotImplementedError


class _Raw(_Columns):
    def __init__(self, batch: pa.RecordBatch) -> None:
        super().__init__()
        self._batch = batch

    def array(self, name: str) -> pa.Array:
        """A column as texts; nothing but nulls if the batch does not have it."""
        index = self._batch.schema.get_field_index(name)
        if index < 0:
            return pa.nulls(self._batch.num_rows, pa.string())
        return as_text(self._batch.column(index))

    def _read(self, name: str) -> Sequence[Cell]:
        array = self.array(name)
        return _Lists(array, str) if is_list(array.type) else array.to_pylist()


class _Folded(_Columns):
    def __init__(self, raw: _Raw) -> None:
        super().__init__()
        self._raw = raw

    def _read(self, name: str) -> Sequence[Cell]:
        array = self._raw.array(name)
        return _Lists(array, fold) if is_list(array.type) else folded(array).to_pylist()


class _Lists(Sequence[Cell]):
    """The cells of a column of lists, each read when it is first asked for: they may be long."""

    def __init__(self, array: pa.Array, change: Callable[[str], str]) -> None:
        self._array = array
        self._change = change
        self._read: dict[int, Cell] = {}

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, row: int) -> Cell:  # type: ignore[override]
        if row not in self._read:
            found = self._array[row].as_py() or ()
            self._read[row] = [self._change(one) for one in found if one is not None]
        return self._read[row]


def is_list(kind: pa.DataType) -> bool:
    """Whether a column has several values a row."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def as_text(array: pa.Array) -> pa.Array:
    """A column as texts or lists of texts: numbers and booleans as JSON writes them."""
    kind = array.type
    if is_list(kind):
        return pc.cast(array, pa.list_(pa.string()))
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    return array if pa.types.is_string(kind) else pc.cast(array, pa.string())
