"""Columns of a batch, put together of parts that know only some of its rows and of its columns."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Values = Mapping[str, Sequence[Any]]
Part = tuple[Sequence[int], Values]
"""Some rows, and their values by column; each row is in one part."""


def columns_of(
    parts: Iterable[Part], number: int, schema: pa.Schema, given: Mapping[str, pa.Array] | None = None
) -> list[pa.Array]:
    """The columns of a schema, of so many rows; what no part says is null.

    ``given`` are columns that are there already.

    >>> schema = pa.schema([("a", pa.int64()), ("b", pa.string())])
    >>> [one.to_pylist() for one in columns_of([([2, 0], {"a": [1, 2]}), ([1], {})], 3, schema)]
    [[2, None, 1], [None, None, None]]
    """
    values: dict[str, list[Any]] = {}
    order: list[int] = []
    for rows, part in parts:
        for name, column in part.items():
            found = values.setdefault(name, [])
            found.extend(repeat(None, len(order) - len(found)))
            found.extend(column)
        order += rows
    columns = _in_order(
        order, {name: _array(schema.field(name).type, column, number) for name, column in values.items()}
    )
    columns |= {name: column for name, column in (given or {}).items() if name not in columns}
    return [columns[field.name] if field.name in columns else pa.nulls(number, field.type) for field in schema]


def _array(kind: pa.DataType, values: list[Any], number: int) -> pa.Array:
    values.extend(repeat(None, number - len(values)))
    return pa.array(values, kind)


def _in_order(rows: list[int], columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """Columns of rows that come in some order, in their own."""
    if not columns or rows == list(range(len(rows))):
        return columns
    batch = pa.RecordBatch.from_arrays([*columns.values()], [*columns])
    taken = batch.take(pc.inverse_permutation(pa.array(rows, pa.int32())))
    return dict(zip(columns, taken.columns, strict=True))
