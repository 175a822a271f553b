"""What a search reads: row groups taken out of their files or whole files, as a view; and rows by their place."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from watchfloor.event import EVENT_SCHEMA
from watchfloor.search.pipeline import SOURCE
from watchfloor.search.seeking import Part
from watchfloor.store.rowgroup import NOTHING, SQL, read_group

PLACE = ("filename", "file_row_number")
"""Where a row lies."""

MOST_GROUPS, MOST_COLUMNS = 128, 24
"""How much is taken out of files at once: it rests in memory."""

_TAKEN = "taken_out"


def show_events(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    parts: Sequence[Part],
    columns: Sequence[str] = EVENT_SCHEMA.names,
    *,
    threads: int = 1,
) -> None:
    """Make :data:`watchfloor.search.pipeline.SOURCE` these columns, and :data:`PLACE`, of these parts, or of more."""
    known = [one for one in parts if one.groups is not None]
    if sum(one.count for one in known) > MOST_GROUPS or len(columns) > MOST_COLUMNS:
        known = []
    names = ", ".join(f'"{name}"' for name in (*columns, *PLACE))
    paths = [str(folder / one.file.path) for one in parts if not known or one.groups is None]
    source, parameters = (SQL, {"files": paths}) if paths else (NOTHING, {})
    sql = f"SELECT {names} FROM {source}"
    if known:
        with ThreadPoolExecutor(threads) as pool:
            tables = [one for some in pool.map(partial(_taken, folder, columns), known) for one in some]
        connection.register(_TAKEN, pa.concat_tables(tables))
        taken = f"SELECT {names} FROM {_TAKEN}"
        sql = f"{taken} UNION ALL {sql}" if paths else taken
    connection.sql(sql, params=parameters).create_view(SOURCE, replace=True)


def _taken(folder: Path, columns: Sequence[str], part: Part) -> list[pa.Table]:
    path = folder / part.file.path
    with pq.ParquetFile(path) as file:
        return [_with_place(read_group(file, group, columns), file, path, group) for group in part.groups or ()]


def _with_place(rows: pa.Table, file: pq.ParquetFile, path: Path, group: int) -> pa.Table:
    first = sum(file.metadata.row_group(number).num_rows for number in range(group))
    # One text for all rows.
    paths = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows.num_rows), [str(path)])
    numbers = pa.array(range(first, first + rows.num_rows), pa.int64())
    return rows.append_column(PLACE[0], paths).append_column(PLACE[1], numbers)


def rows_at(
    connection: duckdb.DuckDBPyConnection, places: Sequence[tuple[str, int, int | None]], columns: Sequence[str]
) -> dict[tuple[str, int], tuple[object, ...]]:
    """These columns of the rows at some places: file, number of the row in it, time (ms); by file and number."""
    if not places:
        return {}
    files = sorted({path for path, _, _ in places})
    numbers = ", ".join(f"{number:d}" for number in sorted({number for _, number, _ in places}))
    times = [time for _, _, time in places if time is not None]
    at = ", ".join(f"{time:d}" for time in sorted(set(times)))
    # DuckDB leaves out row groups by their times; another file may have a row at such a time and number.
    known = f' AND "time" IN ({at})' if len(times) == len(places) else ""
    names = ", ".join(f'"{name}"' for name in (*columns, *PLACE))
    sql = f"SELECT {names} FROM {SQL} WHERE file_row_number IN ({numbers}){known}"
    found = connection.execute(sql, {"files": files}).fetchall()
    width = len(columns)
    return {(row[width], row[width + 1]): row[:width] for row in found}
