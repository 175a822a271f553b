"""Columns of a batch, put together of parts that know only some of its rows and of its columns."""

from collections.abc import Iterable, Mapping, Sequence
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
    columns = dict(given or {})
    values: dict[str, list[Any]] = {}
    rows: dict[str, list[pa.Array]] = {}
    for of_part, part in parts:
        where = pa.array(of_part, pa.int32())
        for name, column in part.items():
            if name in values:
                values[name].extend(column)
                rows[name].append(where)
            else:
                values[name] = list(column)
                rows[name] = [where]
    orders: dict[tuple[int, ...], pa.Array] = {}
    for field in schema:
        if field.name in values:
            of_parts = rows[field.name]
            same = tuple(map(id, of_parts))
            if same not in orders:
                # Where each row is among those of the parts; null for one that is in none of them.
                orders[same] = pc.inverse_permutation(pa.concat_arrays(of_parts), max_index=number - 1)
            columns[field.name] = pa.array(values[field.name], field.type).take(orders[same])
        elif field.name not in columns:
            columns[field.name] = pa.nulls(number, field.type)
    return [columns[name] for name in schema.names]
