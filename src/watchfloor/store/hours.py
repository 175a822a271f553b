"""Which folder of its tenant an event goes to: the hour of its time, where that is a time to trust and not alone.

Attackers write timestamps. However they write them, one flush of a tenant makes at most :data:`SHARE` ``+ 3`` files,
and a tenant has at most as many folders as there are hours in the window: what is before or after it, and hours that
have few of the rows of a flush, go to folders of their own. Readers go by the span of times of each file, never by
its folder.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

HOUR = 3_600_000
PAST = 400 * 24 * HOUR
FUTURE = 24 * HOUR
"""How far (ms) the time of an event may be from its ingestion to have an hour of its own."""

EARLY, LATE, MIXED = "early", "late", "mixed"
SHARE = 16
"""An hour is apart if at least one of so many rows of a flush is in it."""

_EARLY, _LATE, _MIXED = -1, -2, -3
_NAMES = {_EARLY: EARLY, _LATE: LATE, _MIXED: MIXED}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parted(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows of a tenant by the name of their hour, ``YYYYMMDDHH`` in UTC or one of the three."""
    hours = _hours(rows)
    counts = {one["values"]: one["counts"] for one in pc.value_counts(hours).to_pylist()}
    apart = [hour for hour, count in counts.items() if hour in _NAMES or count * SHARE >= rows.num_rows]
    if len(apart) < len(counts):
        hours = pc.if_else(pc.is_in(hours, pa.array(apart, pa.int64())), hours, _MIXED)
    different = sorted(pc.unique(hours).to_pylist())
    if len(different) == 1:
        yield hour_name(different[0]), rows
        return
    for hour in different:
        yield hour_name(hour), rows.filter(pc.equal(hours, hour))


def hour_name(hour: int) -> str:
    """The name of an hour, counted since the epoch.

    >>> hour_name(492_722)
    '2026031802'
    """
    return _NAMES.get(hour) or f"{_EPOCH + timedelta(hours=hour):%Y%m%d%H}"


def is_over(name: str, now: int) -> bool:
    """Whether an hour has ended at ``now`` (ms); the folders that are no hour never end.

    >>> is_over("2026031802", 492_723 * HOUR), is_over("2026031802", 492_723 * HOUR - 1), is_over("early", 1 << 45)
    (True, False, False)
    """
    return name.isdigit() and name < hour_name(now // HOUR)


def _hours(rows: pa.Table) -> pa.ChunkedArray:
    time, ingested = rows.column("time"), rows.column("ingested_at")
    early = pc.or_(pc.less(time, pc.subtract(ingested, PAST)), pc.less(time, 0))
    hours = pc.if_else(pc.greater(time, pc.add(ingested, FUTURE)), _LATE, pc.divide(time, HOUR))
    return pc.fill_null(pc.if_else(early, _EARLY, hours), _EARLY)
