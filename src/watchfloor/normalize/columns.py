"""Rows of a batch as columns: what a row has is put in place, and what no row has costs nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa


def columns_of(
    rows: Sequence[dict[str, Any]], schema: pa.Schema, given: Mapping[str, pa.Array] | None = None
) -> list[pa.Array]:
    """The columns of a schema, of rows by column name; a name that is not in a row is null.

    ``given`` are columns that are there already.

    >>> [one.to_pylist() for one in columns_of([{"a": 1}, {}], pa.schema([("a", pa.int64()), ("b", pa.string())]))]
    [[1, None], [None, None]]
    """
    columns = dict(given or {})
    number = len(rows)
    values: dict[str, list[Any]] = {}
    for place, row in enumerate(rows):
        for name, value in row.items():
            column = values.get(name)
            if column is None:
                column = values[name] = [None] * number
            column[place] = value
    for field in schema:
        if field.name in values:
            columns[field.name] = pa.array(values[field.name], field.type)
        elif field.name not in columns:
            columns[field.name] = pa.nulls(number, field.type)
    return [columns[name] for name in schema.names]
