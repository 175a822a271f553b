"""How many row groups a search touches of those of some files: by needle indexes, and by the times in them."""

from collections.abc import Sequence

import msgspec
import pyarrow.parquet as pq

from watchfloor.errors import storing
from watchfloor.search.bounds import Bounds
from watchfloor.search.seeking import Part
from watchfloor.store.lake import Snapshot


class Touched(msgspec.Struct, frozen=True):
    """How many row groups there are in the files at hand, how many have to be read; how many files have no index."""

    total: int
    touched: int
    without: int


def touched(snapshot: Snapshot, parts: Sequence[Part], bounds: Bounds) -> Touched:
    """Which row groups of some files a search touches.

    Raises:
        StoreError: A file cannot be read.
    """
    total = left = 0
    for part in parts:
        place = snapshot.folder / part.file.path
        with storing(place):
            metadata = pq.read_metadata(place)
        at = metadata.schema.names.index("time")
        total += metadata.num_row_groups
        for group in range(metadata.num_row_groups) if part.groups is None else part.groups:
            times = metadata.row_group(group).column(at).statistics
            left += times is None or not times.has_min_max or _reaches(bounds, times.min, times.max)
    return Touched(total, left, sum(part.groups is None for part in parts) if bounds.wanted is not None else 0)


def _reaches(bounds: Bounds, first: int, last: int) -> bool:
    return (bounds.high is None or first <= bounds.high) and (bounds.low is None or last >= bounds.low)
