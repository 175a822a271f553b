"""The lake: normalized events as Parquet files by tenant and hour, each in event-time order, searched with DuckDB.

What the lake is made of stands in its manifest, so a reader sees whole commits only, and files that it reads stay
until it is done. What a search needs in memory does not grow with the lake: DuckDB only says where the wanted rows
lie, and they are read a row group at a time.
"""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from watchfloor.errors import StoreError
from watchfloor.store.lake_writer import STREAM, LakeWriter
from watchfloor.store.lakefile import LakeFile
from watchfloor.store.leases import lease
from watchfloor.store.manifest import Manifest
from watchfloor.store.ordered import Keep, SortedFile, merged
from watchfloor.store.rowgroup import SQL, read_group

_UIDS_A_QUERY = 10_000
_ROWS_A_QUERY = 200_000
_ROWS_AT_ONCE = 256

_FIRST = 'ingested_at, "origin.path", "origin.line", "origin.index"'
"""Of the deliveries of one event, the first counts; everywhere the same one."""

_SPILL = ".spill"
"""Where a search puts what does not fit into memory: beside the data, not into the folder that somebody stands in."""

_CONFIG = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "memory_limit": "256MB",
}

Row = Mapping[str, Any]
"""An event: the columns of :data:`watchfloor.event.EVENT_SCHEMA` by name."""

Places = dict[str, "array[int]"]
"""Row numbers in each of some files, in ascending order."""


class Snapshot(msgspec.Struct, frozen=True):
    """What a lake was at one moment: its files stay on disk as long as it is held."""

    folder: Path
    generation: int
    files: tuple[LakeFile, ...]

    @property
    def paths(self) -> list[str]:
        """Where the files are, in a stable order."""
        return [str(self.folder / one.path) for one in self.files]

    def hashes(self, files: Sequence[LakeFile]) -> Mapping[str, bytes]:
        """The lists of hashes of some of its files, by path."""
        return Manifest(self.folder).hashes(one.path for one in files)

    @property
    def rows(self) -> int:
        """How many events they hold, each delivery counted."""
        return sum(one.rows for one in self.files)


class Lake:
    """The lake in a folder, which may not be there yet: then it is empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest = Manifest(folder)

    def writer(self, stream: str = STREAM) -> LakeWriter:
        """A writer of a stream into this lake."""
        return LakeWriter(self.folder, stream=stream)

    def commit(self, files: Sequence[LakeFile], *, stream: str, upto: int) -> bool:
        """Make staged files part of the lake, and with them a stream's segments up to ``upto``: all of it or nothing.

        For runtimes whose workers call :func:`watchfloor.store.lake_writer.stage` and whose coordinator commits, in the
        order of segments; others use :meth:`writer`. ``files`` may be empty: segments without events count, too.

        Returns:
            ``False`` if the lake contains ``upto`` already: nothing is changed then.

        Raises:
            StoreError: The manifest cannot be written.
        """
        return self._manifest.add(files, stream=stream, upto=upto)

    def upto(self, stream: str = STREAM) -> int | None:
        """The last segment of a stream that the lake contains, with all before it; ``None``: none yet.

        It is written in the same transaction as the events themselves, and never goes back.
        """
        return self._manifest.upto(stream)

    @contextmanager
    def snapshot(self, tenant: str | None = None) -> Iterator[Snapshot]:
        """The lake as it is now, of one tenant or of all; its files stay on disk while the block runs."""
        with lease(self.folder, self._manifest.generation()):
            files = self._manifest.files(tenant)
            yield Snapshot(self.folder, self._manifest.generation(), files)

    def files(self) -> list[str]:
        """The data files, in a stable order."""
        return [str(self.folder / one.path) for one in self._manifest.files()]

    def by_uid(self, tenant: str, uids: Iterable[str]) -> Iterator[Row]:
        """The events with these uids in any order; a uid delivered twice gives one event, the first ingested."""
        wanted = list(dict.fromkeys(uids))
        with self.snapshot(tenant) as snapshot:
            for start in range(0, len(wanted), _UIDS_A_QUERY):
                yield from self._some(snapshot, tenant, wanted[start : start + _UIDS_A_QUERY])

    def _some(self, snapshot: Snapshot, tenant: str, uids: Sequence[str]) -> Iterator[Row]:
        condition = 'tenant = $tenant AND "metadata.uid" IN (SELECT unnest($uids::VARCHAR[]))'
        for path, rows in self._places(snapshot, condition, {"tenant": tenant, "uids": uids}, "= 1").items():
            with self._errors():
                yield from read_rows(path, rows)

    def in_order(self, tenant: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All events of a tenant in event-time order, each uid once."""
        with self.snapshot(tenant) as snapshot, self._errors():
            late = self._late(tenant, snapshot)
            sources = [SortedFile(Path(path), _keep(tenant, late.get(path, array("q")))) for path in snapshot.paths]
            for batch in merged(sources, ["tenant", *columns], folder=self.folder / _SPILL):
                yield batch.select(columns)

    def _late(self, tenant: str, snapshot: Snapshot) -> Places:
        """Where deliveries lie that are not the first of their event."""
        late: Places = defaultdict(lambda: array("q"))
        parts = 1 + snapshot.rows // _ROWS_A_QUERY
        for part in range(parts):
            condition = 'tenant = $tenant AND hash("metadata.uid") % $parts = $part'
            found = self._places(snapshot, condition, {"tenant": tenant, "parts": parts, "part": part}, "> 1")
            for path, rows in found.items():
                late[path].extend(rows)
        return {path: array("q", sorted(rows)) for path, rows in late.items()}

    def _places(self, snapshot: Snapshot, condition: str, parameters: Mapping[str, object], rank: str) -> Places:
        """Where the rows lie that meet a condition, of each event those deliveries that have the rank."""
        files = snapshot.paths
        if not files:
            return {}
        query = f"""
            SELECT filename, list(file_row_number ORDER BY file_row_number) FROM (
                SELECT filename, file_row_number
                FROM {SQL}
                WHERE {condition}
                QUALIFY row_number() OVER (PARTITION BY "metadata.uid" ORDER BY {_FIRST}) {rank}
            ) GROUP BY filename ORDER BY filename
        """  # noqa: S608 - fixed text
        with self._errors(), duckdb.connect(config=self._config()) as connection:
            connection.execute("SET preserve_insertion_order = false")
            connection.execute("SET enable_progress_bar = false")
            found = connection.execute(query, {"files": files, **parameters}).fetchall()
            return {path: array("q", rows) for path, rows in found}

    def _config(self) -> dict[str, Any]:
        return {**_CONFIG, "temp_directory": str(self.folder / _SPILL)}

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise StoreError(f"{self.folder}: cannot be searched: {' '.join(str(error).split())}") from error


def _keep(tenant: str, late: "array[int]") -> Keep:
    """Of a file's rows those of the tenant, without those that are late."""

    def keep(rows: pa.Table, first: int) -> pa.Table:
        kept = [True] * rows.num_rows
        for at in late[bisect_left(late, first) : bisect_left(late, first + rows.num_rows)]:
            kept[at - first] = False
        return rows.filter(pc.and_(pc.equal(rows.column("tenant"), tenant), pa.array(kept)))

    return keep


def read_rows(path: str, places: Sequence[int]) -> Iterator[Row]:
    """The rows of a file at these places, in ascending order, a row group at a time."""
    with pq.ParquetFile(path) as file:
        first = 0
        for group in range(file.num_row_groups):
            end = first + file.metadata.row_group(group).num_rows
            mine = places[bisect_left(places, first) : bisect_left(places, end)]
            if mine:
                rows = read_group(file, group).take(pa.array([at - first for at in mine]))
                for batch in rows.to_batches(_ROWS_AT_ONCE):
                    yield from batch.to_pylist()
            first = end
