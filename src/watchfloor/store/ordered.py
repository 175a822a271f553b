"""Files that are sorted by event time, merged into one order.

Of each file a row group at a time is in memory, and of the files only those that reach the current moment are open. A
crowd of files that all reach it is merged into fewer first.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from watchfloor.store.rowgroup import read_group, schema_of

ORDER = ("time", "metadata.uid")
"""What files are sorted by."""

FAN_IN = 16
"""How many files are merged at once; each that is open takes about 10 MB."""

BATCH_ROWS = 8192

Key = tuple[int, str]
Keep = Callable[[pa.Table, int], pa.Table]
"""(a row group, the number of its first row in the file) -> what of it counts."""


def sorted_places(table: pa.Table) -> pa.Array:
    """The row numbers of a table, in the order of :data:`ORDER`."""
    return pc.sort_indices(table, sort_keys=[(name, "ascending") for name in ORDER])


class SortedFile:
    """A Parquet file whose rows are in order: their span of time in ms, and what of them counts."""

    def __init__(self, path: Path, keep: Keep) -> None:
        self.path = path
        self.keep = keep
        metadata = pq.read_metadata(path)
        column = next(at for at in range(metadata.num_columns) if metadata.schema.column(at).path == "time")
        groups = [one for one in map(metadata.row_group, range(metadata.num_row_groups)) if one.num_rows]
        spans = [group.column(column).statistics for group in groups]
        self.first = min((span.min for span in spans), default=0)
        self.last = max((span.max for span in spans), default=0)


def merged(
    files: Collection[SortedFile], columns: Sequence[str], *, folder: Path, fan_in: int = FAN_IN
) -> Iterator[pa.RecordBatch]:
    """The rows of all files in order, in batches of ``columns`` and those of :data:`ORDER`.

    Args:
        files: What to merge.
        columns: What to read.
        folder: Where files rest while a crowd of them is merged.
        fan_in: How many files are merged at once.
    """
    wanted = list(dict.fromkeys((*ORDER, *columns)))
    if _most_at_once(files) <= fan_in:
        yield from _merged(files, wanted)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as name:
        near = sorted(files, key=lambda one: one.first)
        fewer = [
            _together(near[at : at + fan_in], wanted, Path(name) / f"{at}.parquet")
            for at in range(0, len(near), fan_in)
        ]
        yield from merged(fewer, columns, folder=folder, fan_in=fan_in)


def _most_at_once(files: Collection[SortedFile]) -> int:
    """How many files reach one moment, at most."""
    changes = sorted([(one.first, 0) for one in files] + [(one.last, 1) for one in files])
    most = now = 0
    for _, ends in changes:
        now += -1 if ends else 1
        most = max(most, now)
    return most


def _together(files: Collection[SortedFile], columns: Sequence[str], path: Path) -> SortedFile:
    """Some files as one."""
    schema = schema_of(columns)
    with pq.ParquetWriter(path, schema, compression="lz4", write_statistics=["time"]) as writer:
        for batch in _merged(files, columns):
            writer.write_batch(batch)
    return SortedFile(path, _all)


def _all(table: pa.Table, _first: int) -> pa.Table:
    return table


def _merged(files: Collection[SortedFile], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    waiting = sorted(files, key=lambda one: one.first, reverse=True)
    runs: list[_Run] = []
    while waiting or runs:
        end = _end(runs)
        if waiting and (end is None or waiting[-1].first <= end[0]):
            run = _Run(waiting.pop(), columns)
            runs += [run] if run.rows.num_rows else []
        elif end is not None:
            due = pa.concat_tables([run.take(end) for run in runs])
            runs = [run for run in runs if run.rows.num_rows]
            yield from due.take(sorted_places(due)).combine_chunks().to_batches(BATCH_ROWS)


def _end(runs: Collection["_Run"]) -> Key | None:
    """Up to where all rows are at hand: as far as the runs that have more to read; ``None`` without runs."""
    reading = [run.last for run in runs if run.more]
    return min(reading) if reading else max((run.last for run in runs), default=None)


class _Run:
    """A file that is being read: ``rows`` at hand, at least one unless the file has ended."""

    def __init__(self, file: SortedFile, columns: Sequence[str]) -> None:
        self._keep = file.keep
        self._columns = columns
        self._file = pq.ParquetFile(file.path)
        self._groups: int = self._file.num_row_groups
        self._group = 0
        self._passed = 0
        self.rows = schema_of(columns).empty_table()
        self._read()

    @property
    def more(self) -> bool:
        """Whether the file has rows beyond those at hand."""
        return self._group < self._groups

    @property
    def last(self) -> Key:
        """The last row at hand."""
        return _key(self.rows, self.rows.num_rows - 1)

    def take(self, end: Key) -> pa.Table:
        """The rows at hand up to ``end``, which are then let go; when none are left, the next ones are read."""
        rows = self.rows
        count = bisect_right(range(rows.num_rows), end, key=lambda at: _key(rows, at))
        self.rows = rows.slice(count)
        self._read()
        return rows.slice(0, count)

    def _read(self) -> None:
        while self.more and not self.rows.num_rows:
            whole = read_group(self._file, self._group, self._columns)
            self.rows = self._keep(whole, self._passed)
            self._group += 1
            self._passed += whole.num_rows
        if not self.rows.num_rows:
            self._file.close()


def _key(rows: pa.Table, at: int) -> Key:
    return rows.column("time")[at].as_py(), rows.column("metadata.uid")[at].as_py()
