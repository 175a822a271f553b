"""Some rows of a batch as conditions read them: for each column and row the values, folded or as they are."""

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.matching import Matcher, Value, value_of
from watchfloor.detect.sigma.scan import folded

Cell = str | list[str] | None
"""What a row has in a column: one value, several, or none."""


class Rows:
    """Rows of a batch, numbered from 0 as they are named; a column is read when it is first asked for."""

    def __init__(self, batch: pa.RecordBatch, rows: Sequence[int]) -> None:
        raw = _Raw(batch, pa.array(rows, pa.int64()))
        self.raw: dict[str, Sequence[Cell]] = raw
        self.folded: dict[str, Sequence[Cell]] = _Folded(raw)
        self._tested: dict[tuple[int, str], bool] = {}
        self._asked = ("", -1)
        self._values: list[Value] = []

    def values(self, column: str, row: int) -> list[Value]:
        """A row's values; none if the batch does not have the column."""
        # Rules with long lists ask for the same ones many times in a row.
        if self._asked != (column, row):
            self._values = [value_of(text) for text in texts_of(self.raw[column][row])]
            self._asked = (column, row)
        return self._values

    def remembered(self, column: str, row: int, matches: Matcher) -> bool:
        """Whether a dear test is true of one of a row's values; each value is tested once."""
        for value in self.values(column, row):
            key = (id(matches), value.raw)
            if key not in self._tested:
                self._tested[key] = matches(value)
            if self._tested[key]:
                return True
        return False


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
    def __init__(self, batch: pa.RecordBatch, rows: pa.Array) -> None:
        super().__init__()
        self._batch = batch
        self._rows = rows
        self._taken: dict[str, pa.Array | None] = {}

    def taken(self, name: str) -> pa.Array | None:
        """The rows of a column; nothing if the batch does not have it."""
        if name not in self._taken:
            index = self._batch.schema.get_field_index(name)
            self._taken[name] = None if index < 0 else as_text(self._batch.column(index).take(self._rows))
        return self._taken[name]

    def _read(self, name: str) -> Sequence[Cell]:
        array = self.taken(name)
        if array is None:
            return [None] * len(self._rows)
        return _Lists(array, str) if is_list(array.type) else array.to_pylist()


class _Folded(_Columns):
    def __init__(self, raw: _Raw) -> None:
        super().__init__()
        self._raw = raw

    def _read(self, name: str) -> Sequence[Cell]:
        array = self._raw.taken(name)
        if array is None:
            return self._raw[name]
        if is_list(array.type):
            return _Lists(array, fold)
        cells: list[Cell] = folded(array).to_pylist()
        return cells


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
