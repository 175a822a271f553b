"""Runs compiled queries over a snapshot of the lake: only its files, nothing outside, within a time and a memory.

Rows that are wanted the latest first are looked for in the latest files first, and files that can only hold older
ones are not opened.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from watchfloor.errors import GateError, StoreError
from watchfloor.event import EVENT_SCHEMA
from watchfloor.search.bounds import Bounds
from watchfloor.search.bounds import bounds as bounds_of
from watchfloor.search.fields import Column
from watchfloor.search.pipeline import SOURCE, Compiled, compiled, ordered
from watchfloor.search.syntax import Condition, Query, Timechart
from watchfloor.store.lake import Lake, Snapshot, read_rows
from watchfloor.store.lakefile import LakeFile
from watchfloor.store.rowgroup import NOTHING, SQL

FIRST_LOT = 4
"""How many of the latest files are looked into first; then twice as many, and so on."""

PLACE = ("filename", "file_row_number")
"""Where a row lies."""

_SPILL = ".spill"
Row = tuple[Any, ...]


class Limits(msgspec.Struct, frozen=True):
    """What one search may use: seconds, MiB of memory, threads."""

    seconds: float = 60.0
    mib: int = 1024
    threads: int = 2


class Found(msgspec.Struct, frozen=True):
    """The rows of a search and the names of their columns; ``columns`` is ``None`` if the rows are events.

    ``is_cut``: there are more rows than were asked for. ``files`` is how many files were opened.
    """

    columns: tuple[Column, ...] | None
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    is_cut: bool
    files: int
    chart: Timechart | None = None


class Searcher:
    """Searches one tenant's events in a lake; ``now`` (ms) is what relative times count from."""

    def __init__(self, lake: Lake, tenant: str, now: int, limits: Limits | None = None) -> None:
        self._lake = lake
        self._tenant = tenant
        self._now = now
        self._limits = limits or Limits()

    def search(self, query: Query, *, limit: int | None = None, columns: Sequence[str] = ()) -> Found:
        """The rows of a query.

        Args:
            query: What to look for.
            limit: How many rows at most; the query may want fewer itself.
            columns: Which columns of events to give, where the result is events; none: all.

        Raises:
            InputError: The query names what is not there.
            GateError: It took longer, or needed more memory, than it may.
            StoreError: The lake cannot be read.
        """
        plan = compiled(query, self._now)
        known = bounds_of(query.condition, self._now)
        with self._lake.snapshot(self._tenant) as snapshot:
            files = known.files(snapshot)
            with self.connection(snapshot, files) as connection:
                return _Run(connection, snapshot, plan, columns, self._limits.threads).rows(files, limit)

    def plan(self, query: Query) -> tuple[Compiled, Bounds]:
        """What a query becomes, and what is known of the events it can find."""
        return compiled(query, self._now), self.bounds(query.condition)

    def bounds(self, condition: Condition) -> Bounds:
        """What is known of the events that a condition holds of."""
        return bounds_of(condition, self._now)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The tenant's part of the lake."""
        with self._lake.snapshot(self._tenant) as snapshot:
            yield snapshot

    @contextmanager
    def connection(self, snapshot: Snapshot, files: Sequence[LakeFile]) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that can read these files and nothing else, whatever it is asked, and within the limits."""
        paths = [str(snapshot.folder / one.path) for one in files]
        with self._errors(), duckdb.connect(config=self._config()) as connection:
            marks = ", ".join("?" * len(paths))
            connection.execute(f"SET allowed_paths = [{marks}]", paths)
            connection.execute("SET enable_external_access = false")
            # Files do not change, and a search opens one for each column that it looks into.
            connection.execute("SET parquet_metadata_cache = true")
            # It would be drawn into the answer.
            connection.execute("SET enable_progress_bar = false")
            connection.execute("SET lock_configuration = true")
            timer = threading.Timer(self._limits.seconds, connection.interrupt)
            timer.daemon = True
            timer.start()
            try:
                yield connection
            finally:
                timer.cancel()

    def _config(self) -> dict[str, Any]:
        return {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
            "preserve_insertion_order": False,
            "memory_limit": f"{self._limits.mib}MiB",
            "threads": self._limits.threads,
            "temp_directory": str(self._lake.folder / _SPILL),
            "max_temp_directory_size": f"{8 * self._limits.mib}MiB",
        }

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except duckdb.InterruptException as error:
            raise GateError(
                f"the search took longer than {self._limits.seconds:g} s; narrow it (--since) or raise --timeout"
            ) from error
        except duckdb.OutOfMemoryException as error:
            raise GateError(
                f"the search needs more than {self._limits.mib} MiB; narrow it (--since) or raise --memory"
            ) from error
        except (duckdb.Error, OSError) as error:
            raise StoreError(f"{self._lake.folder}: cannot be searched: {' '.join(str(error).split())}") from error


class _Run:
    """One query over the files of a snapshot."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        snapshot: Snapshot,
        plan: Compiled,
        columns: Sequence[str],
        threads: int,
    ) -> None:
        self._connection = connection
        self._folder = snapshot.folder
        self._plan = plan
        self._columns = columns
        self._threads = threads
        self._is_cut = False

    def rows(self, files: Sequence[LakeFile], limit: int | None) -> Found:
        plan = self._plan
        wanted = _least(limit, plan.limit)
        # One more says whether there are more.
        asked = None if wanted is None else wanted + (plan.limit is None or wanted < plan.limit)
        self._is_cut = asked is not None
        if asked is not None and plan.is_by_row and not plan.is_ordered:
            names, rows, opened = self._latest(files, asked)
            if self._is_whole:
                names, rows = list(EVENT_SCHEMA.names), self._whole(rows, names)
        else:
            (names, rows), opened = self._execute(files, asked), len(files)
        width = len(plan.columns) if plan.columns is not None else len(self._columns) or len(EVENT_SCHEMA)
        shown = tuple(row[:width] for row in rows[:wanted])
        called = names[:width] if plan.columns is None else [one.name for one in plan.columns]
        return Found(plan.columns, tuple(called), shown, len(rows) > len(shown), opened, plan.chart)

    def _latest(self, files: Sequence[LakeFile], asked: int) -> tuple[list[str], list[Row], int]:
        left = sorted(files, key=lambda one: (one.high, one.path), reverse=True)
        lot, left = left[:FIRST_LOT], left[FIRST_LOT:]
        names, rows = self._execute(lot, asked)
        keys = [names.index(sql.strip('"')) for sql, _ in self._plan.keys]
        opened = size = len(lot)
        # As long as a row of the files that are left can be among those asked for.
        while left and not (len(rows) == asked and rows[-1][keys[0]] > left[0].high):
            size *= 2
            lot, left = left[:size], left[size:]
            _, more = self._execute(lot, asked)
            rows = sorted(rows + more, key=lambda row: _order(row, keys), reverse=True)[:asked]
            opened += len(lot)
        return names, rows, opened

    @property
    def _is_whole(self) -> bool:
        return self._plan.columns is None and not self._columns

    def _whole(self, rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
        """The whole events of rows that say where they lie: few are read, from the row groups that they are in."""
        places = [tuple(row[names.index(name)] for name in PLACE) for row in rows]
        wanted: defaultdict[str, list[int]] = defaultdict(list)
        for path, number in places:
            wanted[path].append(number)
        with ThreadPoolExecutor(self._threads) as pool:
            lots = pool.map(lambda path: read_rows(path, sorted(wanted[path])), wanted)
            found = {
                (path, number): tuple(row.values())
                for path, lot in zip(wanted, lots, strict=True)
                for number, row in zip(sorted(wanted[path]), lot, strict=True)
            }
        return [found[path, number] for path, number in places]

    def _execute(self, files: Sequence[LakeFile], limit: int | None) -> tuple[list[str], list[Row]]:
        plan = self._plan
        show_events(self._connection, self._folder, files)
        cut = "" if limit is None else f" LIMIT {limit:d}"
        sql = f"SELECT {self._selected()} FROM ({plan.sql}){ordered(plan.keys)}{cut}"
        done = self._connection.execute(sql, plan.values)
        return [one[0] for one in done.description], done.fetchall()

    def _selected(self) -> str:
        """All that a result has; of events the columns that are wanted, and those that order them."""
        if self._plan.columns is not None:
            return "*"
        if not self._columns:
            # Where few are wanted, whole events are read once it is known which.
            by_place = self._plan.is_by_row and not self._plan.is_ordered and self._is_cut
            known: Sequence[str] = PLACE if by_place else EVENT_SCHEMA.names
        else:
            known = [name for name in self._columns if name in EVENT_SCHEMA.names]
        return ", ".join(f'"{name}"' for name in dict.fromkeys((*known, "time", "metadata.uid")))


def show_events(connection: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[LakeFile]) -> None:
    """Make :data:`watchfloor.search.pipeline.SOURCE` the events of these files."""
    paths = [str(folder / one.path) for one in files]
    source, parameters = (SQL, {"files": paths}) if files else (NOTHING, {})
    connection.sql(f"SELECT * FROM {source}", params=parameters).create_view(SOURCE, replace=True)


def _order(row: Row, keys: Sequence[int]) -> list[tuple[bool, Any]]:
    """What a row falls by; one without a value comes last."""
    return [(row[at] is not None, row[at] if row[at] is not None else 0) for at in keys]


def _least(one: int | None, other: int | None) -> int | None:
    return min((number for number in (one, other) if number is not None), default=None)
