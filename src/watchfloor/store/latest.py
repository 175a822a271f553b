"""What came into the lake last."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from watchfloor.errors import StoreError
from watchfloor.store.lake import Lake
from watchfloor.store.rowgroup import row_groups


def latest(lake: Lake, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """These columns of the events in the files that were written last: of so many events, if there are, or more.

    Raises:
        StoreError: The lake cannot be read.
    """
    with lake.snapshot() as snapshot:
        try:
            for path in reversed(list(_enough(snapshot.paths, rows))):
                for group in row_groups(path, columns):
                    yield from group.to_batches()
        except (pa.ArrowException, OSError) as error:
            raise StoreError(f"{lake.folder}: cannot be read: {' '.join(str(error).split())}") from error


def _enough(paths: Sequence[str], rows: int) -> Iterator[str]:
    """The files, the one that was written last first, until they have so many rows."""
    for path in sorted(paths, key=lambda path: Path(path).stat().st_mtime_ns, reverse=True):
        if rows <= 0:
            return
        rows -= pq.read_metadata(path).num_rows
        yield path
