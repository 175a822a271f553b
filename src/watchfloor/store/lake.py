"""The lake: normalized events as Parquet files, each in the order of event time, searched with DuckDB.

Files are written under a temporary name and renamed, so a reader sees whole files only. What a search needs in memory
does not grow with the lake: DuckDB only says where the wanted rows lie, and they are read a row group at a time.
"""

import uuid
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from watchfloor.errors import StoreError
from watchfloor.event import EVENT_SCHEMA
from watchfloor.store.ordered import Keep, SortedFile, merged, sorted_places

FLUSH_ROWS = 131_072
FLUSH_BYTES = 64 << 20
GROUP_ROWS = 8192
GROUP_BYTES = 4 << 20
"""Raw bytes of a row group, which is read as a whole; one event can be larger."""

_UIDS_A_QUERY = 10_000
_ROWS_A_QUERY = 200_000
_ROWS_AT_ONCE = 256

_FIRST = 'ingested_at, "origin.path", "origin.line", "origin.index"'
"""Of the deliveries of one event, the first counts; everywhere the same one."""

_SPILL = ".spill"
"""Where a search puts what does not fit into memory: beside the data, not into the folder that somebody stands in."""

_CONFIG = {"autoinstall_known_extensions": False, "autoload_known_extensions": False, "memory_limit": "256MB"}

Row = Mapping[str, Any]
"""An event: the columns of :data:`watchfloor.event.EVENT_SCHEMA` by name."""

Places = dict[str, "array[int]"]
"""Row numbers in each of some files, in ascending order."""


class LakeWriter:
    """Appends batches; each flush makes one file for each tenant. Use as a context manager.

    It flushes by itself as soon as ``flush_rows`` rows or ``flush_bytes`` bytes wait.
    """

    def __init__(self, folder: Path, *, flush_rows: int = FLUSH_ROWS, flush_bytes: int = FLUSH_BYTES) -> None:
        self._folder = folder
        self._flush_rows = flush_rows
        self._flush_bytes = flush_bytes
        self._buffered: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.flush()

    def append(self, batch: pa.RecordBatch) -> None:
        """Add a batch of events; columns that are not part of :data:`EVENT_SCHEMA` are left out."""
        if not batch.num_rows:
            return
        batch = batch.select(EVENT_SCHEMA.names)
        self._buffered.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= self._flush_rows or self._bytes >= self._flush_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what is buffered."""
        if not self._buffered:
            return
        table = pa.Table.from_batches(self._buffered, schema=EVENT_SCHEMA)
        self._buffered, self.rows, self._rows, self._bytes = [], self.rows + table.num_rows, 0, 0
        table = table.combine_chunks()
        for tenant in table.column("tenant").unique().to_pylist():
            mine = pc.equal(table.column("tenant"), tenant)
            self._write(table if pc.all(mine).as_py() else table.filter(mine), tenant)
        # What a flush took is given back, or memory grows by what the next batches do not reuse.
        del table
        pa.default_memory_pool().release_unused()

    def _write(self, table: pa.Table, tenant: str) -> None:
        folder = self._folder / f"tenant={_folder_name(tenant)}"
        name = f"part-{uuid.uuid4().hex}.parquet"
        part = folder / f".{name}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Statistics of texts would hold whole texts, and only those of times are read.
            with pq.ParquetWriter(part, EVENT_SCHEMA, compression="zstd", write_statistics=["time"]) as writer:
                for places in _row_groups(table):
                    writer.write_table(table.take(places), row_group_size=GROUP_ROWS)
            part.rename(folder / name)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise StoreError(f"{folder}: {error.strerror or error}") from error


def _row_groups(table: pa.Table) -> Iterator[pa.Array]:
    """The row numbers of a table in order, as many at once as a row group may hold."""
    places = sorted_places(table)
    start = size = 0
    for end, length in enumerate(pc.binary_length(table.column("raw")).take(places).to_pylist()):
        if end > start and (size + length > GROUP_BYTES or end - start == GROUP_ROWS):
            yield places.slice(start, end - start)
            start, size = end, 0
        size += length
    yield places.slice(start)


class Lake:
    """Reads what was written below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def writer(self) -> LakeWriter:
        """A writer into this lake."""
        return LakeWriter(self._folder)

    def files(self) -> list[str]:
        """The data files, in a stable order."""
        return sorted(str(path) for path in self._folder.glob("tenant=*/part-*.parquet"))

    def by_uid(self, tenant: str, uids: Iterable[str]) -> Iterator[Row]:
        """The events with these uids in any order; a uid delivered twice gives one event, the first ingested."""
        wanted = list(dict.fromkeys(uids))
        for start in range(0, len(wanted), _UIDS_A_QUERY):
            places = self._places(
                'tenant = ? AND "metadata.uid" IN (SELECT unnest(?::VARCHAR[]))',
                [tenant, wanted[start : start + _UIDS_A_QUERY]],
                "= 1",
            )
            for path, rows in places.items():
                with self._errors():
                    yield from _read(path, rows)

    def in_order(self, tenant: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All events of a tenant in event-time order, each uid once."""
        with self._errors():
            files = self.files()
            late = self._late(tenant, sum(pq.read_metadata(path).num_rows for path in files))
            sources = [SortedFile(Path(path), _keep(tenant, late.get(path, array("q")))) for path in files]
            for batch in merged(sources, ["tenant", *columns], folder=self._folder / _SPILL):
                yield batch.select(columns)

    def _late(self, tenant: str, count: int) -> Places:
        """Where deliveries lie that are not the first of their event."""
        late: Places = defaultdict(lambda: array("q"))
        parts = 1 + count // _ROWS_A_QUERY
        for part in range(parts):
            found = self._places('tenant = ? AND hash("metadata.uid") % ? = ?', [tenant, parts, part], "> 1")
            for path, rows in found.items():
                late[path].extend(rows)
        return {path: array("q", sorted(rows)) for path, rows in late.items()}

    def _places(self, condition: str, parameters: list[object], rank: str) -> Places:
        """Where the rows lie that meet a condition, of each event those deliveries that have the rank."""
        files = self.files()
        if not files:
            return {}
        # hive_partitioning off: the tenant is a column of the file, not a reading of its folder's name.
        query = f"""
            SELECT filename, list(file_row_number ORDER BY file_row_number) FROM (
                SELECT filename, file_row_number
                FROM read_parquet(?, hive_partitioning = false, filename = true, file_row_number = true)
                WHERE {condition}
                QUALIFY row_number() OVER (PARTITION BY "metadata.uid" ORDER BY {_FIRST}) {rank}
            ) GROUP BY filename ORDER BY filename
        """  # noqa: S608 - fixed text
        with self._errors(), duckdb.connect(config=self._config()) as connection:
            connection.execute("SET preserve_insertion_order = false")
            return {path: array("q", rows) for path, rows in connection.execute(query, [files, *parameters]).fetchall()}

    def _config(self) -> dict[str, Any]:
        return {**_CONFIG, "temp_directory": str(self._folder / _SPILL)}

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise StoreError(f"{self._folder}: cannot be searched: {' '.join(str(error).split())}") from error


def _keep(tenant: str, late: "array[int]") -> Keep:
    """Of a file's rows those of the tenant, without those that are late."""

    def keep(rows: pa.Table, first: int) -> pa.Table:
        kept = [True] * rows.num_rows
        for at in late[bisect_left(late, first) : bisect_left(late, first + rows.num_rows)]:
            kept[at - first] = False
        return rows.filter(pc.and_(pc.equal(rows.column("tenant"), tenant), pa.array(kept)))

    return keep


def _read(path: str, places: "array[int]") -> Iterator[Row]:
    """The rows of a file at these places, a row group at a time."""
    with pq.ParquetFile(path) as file:
        first = 0
        for group in range(file.num_row_groups):
            end = first + file.metadata.row_group(group).num_rows
            mine = places[bisect_left(places, first) : bisect_left(places, end)]
            if mine:
                rows = file.read_row_group(group).take(pa.array([at - first for at in mine]))
                for batch in rows.to_batches(_ROWS_AT_ONCE):
                    yield from batch.to_pylist()
            first = end


def _folder_name(tenant: str) -> str:
    """A tenant's name as one safe path part; the column in the file stays authoritative."""
    return "".join(char if char.isalnum() or char in "-_" else f"%{ord(char):02x}" for char in tenant)
