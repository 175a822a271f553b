"""The lake: normalized events as Parquet files, searched with DuckDB.

Files are written under a temporary name and renamed, so a reader sees whole files only.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from watchfloor.errors import StoreError
from watchfloor.event import EVENT_SCHEMA

FLUSH_ROWS = 131_072
FLUSH_BYTES = 256 << 20
_UIDS_A_QUERY = 10_000

_FIRST = 'ingested_at, "origin.path", "origin.line", "origin.index"'
"""Of the deliveries of one event, the first counts; everywhere the same one."""

_OFFLINE = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
_SPILL = ".spill"
"""Where a search puts what does not fit into memory: beside the data, not into the folder that somebody stands in."""


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
        for tenant in table.column("tenant").unique().to_pylist():
            mine = table.filter(pc.equal(table.column("tenant"), tenant))
            self._write(mine.sort_by("time"), tenant)

    def _write(self, table: pa.Table, tenant: str) -> None:
        folder = self._folder / f"tenant={_folder_name(tenant)}"
        name = f"part-{uuid.uuid4().hex}.parquet"
        part = folder / f".{name}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, part, compression="zstd", row_group_size=16_384)
            part.rename(folder / name)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise StoreError(f"{folder}: {error.strerror or error}") from error


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

    def by_uid(self, tenant: str, uids: Iterable[str]) -> dict[str, dict[str, object]]:
        """The events with these uids; a uid delivered twice gives one event, the first ingested."""
        wanted = list(dict.fromkeys(uids))
        found: dict[str, dict[str, object]] = {}
        for start in range(0, len(wanted), _UIDS_A_QUERY):
            for batch in self._query(
                f'WHERE tenant = ? AND "metadata.uid" IN (SELECT unnest(?::VARCHAR[])) ORDER BY {_FIRST}',
                [tenant, wanted[start : start + _UIDS_A_QUERY]],
                EVENT_SCHEMA.names,
            ):
                for row in batch.to_pylist():
                    found.setdefault(row["metadata.uid"], row)
        return found

    def in_order(self, tenant: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All events of a tenant in event-time order, each uid once."""
        yield from self._query(
            f'WHERE tenant = ? QUALIFY row_number() OVER (PARTITION BY "metadata.uid" ORDER BY {_FIRST}) = 1 '
            'ORDER BY time, "metadata.uid"',
            [tenant],
            columns,
        )

    def _query(self, clauses: str, parameters: list[object], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        files = self.files()
        if not files:
            return
        names = ", ".join(f'"{name}"' for name in columns)
        # hive_partitioning off: the tenant is a column of the file, not a reading of its folder's name.
        query = f"SELECT {names} FROM read_parquet(?, hive_partitioning = false) {clauses}"  # noqa: S608 - fixed text
        try:
            with duckdb.connect(config={**_OFFLINE, "temp_directory": str(self._folder / _SPILL)}) as connection:
                connection.execute("SET preserve_insertion_order = false")
                yield from connection.sql(query, params=[files, *parameters]).to_arrow_reader(8192)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise StoreError(f"{self._folder}: cannot be searched: {' '.join(str(error).split())}") from error


def _folder_name(tenant: str) -> str:
    """A tenant's name as one safe path part; the column in the file stays authoritative."""
    return "".join(char if char.isalnum() or char in "-_" else f"%{ord(char):02x}" for char in tenant)
