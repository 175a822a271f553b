"""Reads lake files as events are now, whatever version of the schema they were written with.

A column that a file does not have is null in its rows; one that has another type is cast; one that is not part of the
schema any more is left out.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from watchfloor.errors import StoreError
from watchfloor.event import EVENT_SCHEMA

_SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.list_(pa.string()): "VARCHAR[]",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.binary(): "BLOB",
}
_AS_NOW = ", ".join(
    f"'{field.name}': {{name: '{field.name}', type: '{_SQL_TYPES[field.type]}', default_value: NULL}}"
    for field in EVENT_SCHEMA
)
# hive_partitioning off: the tenant is a column of the file, not a reading of its folder's name.
SQL = (
    "read_parquet($files, hive_partitioning = false, filename = true, file_row_number = true, "
    f"schema = MAP {{{_AS_NOW}}})"
)
"""The rows of ``$files`` in DuckDB: the columns of events, ``filename`` and ``file_row_number``."""

_NO_COLUMNS = ", ".join(f'NULL::{_SQL_TYPES[field.type]} AS "{field.name}"' for field in EVENT_SCHEMA)
NOTHING = f"(SELECT {_NO_COLUMNS}, NULL::VARCHAR AS filename, NULL::BIGINT AS file_row_number WHERE false)"
"""The same of no files."""


def schema_of(columns: Sequence[str]) -> pa.Schema:
    """The fields of events with these names."""
    return pa.schema([EVENT_SCHEMA.field(name) for name in columns])


def read_group(file: pq.ParquetFile, number: int, columns: Sequence[str] = EVENT_SCHEMA.names) -> pa.Table:
    """These columns of a row group, in their order.

    Raises:
        ArrowException: The file cannot be read, or lacks a column that each event has.
    """
    schema = schema_of(columns)
    # A dotted name is no path into a column: the schema has none inside another.
    there = set(file.schema_arrow.names)
    read = file.read_row_group(number, columns=[name for name in columns if name in there])
    return pa.Table.from_arrays([_column(read, field, there) for field in schema], schema=schema)


def row_groups(path: str | Path, columns: Sequence[str] = EVENT_SCHEMA.names) -> Iterator[pa.Table]:
    """These columns of all row groups of a file, one after the other.

    Raises:
        StoreError: The file cannot be read, or lacks a column that each event has.
    """
    try:
        with pq.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                yield read_group(file, number, columns)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error


def _column(read: pa.Table, field: pa.Field, there: set[str]) -> pa.ChunkedArray:
    if field.name in there:
        column = read.column(field.name)
        return column if column.type == field.type else column.cast(field.type)
    if not field.nullable:
        raise pa.ArrowInvalid(f"no column {field.name!r}, which each event has")
    return pa.chunked_array([pa.nulls(read.num_rows, field.type)])
