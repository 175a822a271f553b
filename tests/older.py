"""Files as a version of the product wrote them whose events had other columns."""

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from watchfloor.event import EVENT_SCHEMA


def make_older(path: str | Path, lost: Collection[str] = ()) -> None:
    """Write a file anew without ``lost`` and the columns that have no value, with one that is no longer known."""
    groups = pq.ParquetFile(path)
    tables = [groups.read_row_group(number) for number in range(groups.num_row_groups)]
    whole = pa.concat_tables(tables)
    kept = [
        field.name
        for field in EVENT_SCHEMA
        if field.name not in lost and (not field.nullable or whole[field.name].null_count < whole.num_rows)
    ]
    schema = pa.schema([*(EVENT_SCHEMA.field(name) for name in reversed(kept)), pa.field("forgotten", pa.int32())])
    with pq.ParquetWriter(path, schema, write_statistics=["time"]) as writer:
        for table in tables:
            added = table.append_column("forgotten", pa.array([7] * table.num_rows, pa.int32()))
            writer.write_table(added.select(schema.names), row_group_size=max(table.num_rows, 1))
