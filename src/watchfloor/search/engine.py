"""Runs compiled queries over a snapshot of the lake: only its files, nothing outside, within a time and a memory.

Rows that are wanted the latest first are looked for in the latest files first, and files that can only hold older
ones are not opened.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import msgspec

from watchfloor.errors import GateError, StoreError
from watchfloor.event import EVENT_SCHEMA
from watchfloor.search.bounds import Bounds
from watchfloor.search.bounds import bounds as bounds_of
from watchfloor.search.fields import Column
from watchfloor.search.pipeline import Compiled, compiled, ordered
from watchfloor.search.reading import PLACE, rows_at, show_events
from watchfloor.search.seeking import Part
from watchfloor.search.syntax import Condition, Query, Timechart
from watchfloor.store.lake import Lake, Snapshot
from watchfloor.store.lakefile import LakeFile

FIRST_LOT = 64
"""How many of the latest row groups are looked into first, and how many at once of those that may have a needle."""

FEWEST = 16
"""How many are looked into later, at least."""

FEW = 1024
"""So many rows are looked for by the columns that tell them apart, and the others read once it is known which."""

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
            parts = known.parts(snapshot)
            with self.connection(snapshot, [one.file for one in parts]) as connection:
                return _Run(connection, snapshot, plan, columns, self._limits).rows(parts, limit)

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
        limits: Limits,
    ) -> None:
        self._connection = connection
        self._folder = snapshot.folder
        self._plan = plan
        known = EVENT_SCHEMA.names
        self._columns = [name for name in columns if name in known] or known
        self._by_place = False
        self._threads = limits.threads
        self._deadline = time.monotonic() + limits.seconds

    def rows(self, parts: Sequence[Part], limit: int | None) -> Found:
        plan = self._plan
        wanted = _least(limit, plan.limit)
        # One more says whether there are more.
        asked = None if wanted is None else wanted + (plan.limit is None or wanted < plan.limit)
        if asked is not None and plan.is_by_row and not plan.is_ordered:
            self._by_place = plan.columns is None and asked <= FEW
            names, rows, opened = self._latest(parts, asked)
            if self._by_place:
                names, rows = self._columns, self._read(rows)
        else:
            (names, rows), opened = self._execute(parts, asked), len(parts)
        width = len(plan.columns) if plan.columns is not None else len(self._columns)
        shown = tuple(row[:width] for row in rows[:wanted])
        called = names[:width] if plan.columns is None else [one.name for one in plan.columns]
        return Found(plan.columns, tuple(called), shown, len(rows) > len(shown), opened, plan.chart)

    def _latest(self, parts: Sequence[Part], asked: int) -> tuple[list[str], list[Row], int]:
        left = sorted(parts, key=lambda one: (one.high, one.file.path))
        names, rows = self._execute([], asked)
        keys = [names.index(sql.strip('"')) for sql, _ in self._plan.keys]
        opened, groups, size = 0, 0, FIRST_LOT
        # As long as a row of the files that are left can be among those asked for.
        while left and not (len(rows) == asked and rows[-1][keys[0]] > left[-1].high):
            lot = _lot(left, size)
            _, more = self._execute(lot, asked)
            rows = sorted(rows + more, key=lambda row: _order(row, keys), reverse=True)[:asked]
            opened, groups = opened + len(lot), groups + sum(one.count for one in lot)
            # As many as it takes if the rest is like what was seen, and some more.
            likely = (asked - len(rows)) * groups * 5 // (4 * len(rows)) if rows else 2 * size
            size = max(FEWEST, min(likely, 2 * size))
        return names, rows, opened

    def _read(self, rows: Sequence[Row]) -> list[Row]:
        """The events of rows that say where they lie."""
        found = rows_at(self._connection, [row[:3] for row in rows], self._columns)
        return [found[row[0], row[1]] for row in rows]

    def _execute(self, parts: Sequence[Part], limit: int | None) -> tuple[list[str], list[Row]]:
        plan = self._plan
        if time.monotonic() > self._deadline:
            raise duckdb.InterruptException
        cut = "" if limit is None else f" LIMIT {limit:d}"
        sql = f"SELECT {self._selected()} FROM ({plan.sql}){ordered(plan.keys)}{cut}"
        # Columns are quoted in SQL, and never by what a query says.
        columns = [name for name in EVENT_SCHEMA.names if f'"{name}"' in sql]
        show_events(self._connection, self._folder, parts, columns, threads=self._threads)
        done = self._connection.execute(sql, plan.values)
        return [one[0] for one in done.description], done.fetchall()

    def _selected(self) -> str:
        """All that a result has; of events the columns that are wanted, and those that order them."""
        if self._plan.columns is not None:
            return "*"
        known = PLACE if self._by_place else self._columns
        return ", ".join(f'"{name}"' for name in dict.fromkeys((*known, "time", "metadata.uid")))


def _lot(left: list[Part], size: int) -> list[Part]:
    """Take the latest parts, up to so many row groups, and at least one."""
    lot = [left.pop()]
    groups = lot[0].count
    while left and groups + left[-1].count <= (size if left[-1].groups is None else min(size, FIRST_LOT)):
        lot.append(left.pop())
        groups += lot[-1].count
    return lot


def _order(row: Row, keys: Sequence[int]) -> list[tuple[bool, Any]]:
    """What a row falls by; one without a value comes last."""
    return [(row[at] is not None, row[at] if row[at] is not None else 0) for at in keys]


def _least(one: int | None, other: int | None) -> int | None:
    return min((number for number in (one, other) if number is not None), default=None)
