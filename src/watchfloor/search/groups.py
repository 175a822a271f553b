"""Which row groups of some files a condition touches: by the times in them, and by the Bloom filters of exact tests."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from watchfloor.errors import storing
from watchfloor.search.engine import Searcher
from watchfloor.search.fields import EVENTS
from watchfloor.search.syntax import And, Condition, Test
from watchfloor.store.lake import Snapshot
from watchfloor.store.lakefile import NEEDLES, LakeFile

Group = tuple[str, int]

_EXCLUDED = """
    SELECT file_name, row_group_id FROM parquet_bloom_probe($files, $column, $value) WHERE bloom_filter_excludes
"""


class Touched(msgspec.Struct, frozen=True):
    """How many row groups there are in the files at hand, how many have to be read, and what says so."""

    total: int
    touched: int
    words: str = ""


def touched(searcher: Searcher, snapshot: Snapshot, files: Sequence[LakeFile], condition: Condition) -> Touched:
    """Which row groups of the files a condition touches.

    Raises:
        StoreError: A file cannot be read.
    """
    low, high = searcher.bounds(condition).low, searcher.bounds(condition).high
    paths = [str(snapshot.folder / one.path) for one in files]
    groups = {group: span for path in paths for group, span in _spans(path)}
    left = {
        group for group, span in groups.items() if (high is None or span[0] <= high) and (low is None or span[1] >= low)
    }
    words = [] if low is None and high is None else ["time"]
    with searcher.connection(snapshot, files) as connection:
        for column, value in _exact(condition) if paths else ():
            excluded = connection.execute(_EXCLUDED, {"files": paths, "column": column, "value": value}).fetchall()
            left -= {(path, group) for path, group in excluded}
            words.append(f"the Bloom filter of {column}")
    return Touched(len(groups), len(left), f" by {' and '.join(words)}" if words else "")


def _spans(path: str) -> Iterator[tuple[Group, tuple[int, int]]]:
    with storing(path):
        metadata = pq.read_metadata(Path(path))
    column = next(at for at in range(metadata.num_columns) if metadata.schema.column(at).path == "time")
    for number in range(metadata.num_row_groups):
        found = metadata.row_group(number).column(column).statistics
        yield (
            (path, number),
            (found.min, found.max) if found is not None and found.has_min_max else (-(1 << 63), 1 << 63),
        )


def _exact(condition: Condition) -> Iterator[tuple[str, str]]:
    """The tests that must hold and compare a column with one value as it is."""
    match condition:
        case And(parts):
            for part in parts:
                yield from _exact(part)
        case Test(field, operator, (value,)) if field.text in NEEDLES and field.text in EVENTS:
            letters = any(char.isalpha() for char in value.text)
            if operator == "=" or (operator == ":" and not letters and not value.is_pattern and "/" not in value.text):
                yield field.text, value.text
