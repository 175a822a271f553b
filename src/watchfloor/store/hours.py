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

from watchfloor.store.ordered import ORDER

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


def parted(rows: pa.Table) -> Iterator[tuple[str, str, pa.Table]]:
    """The rows by tenant and name of their hour, ``YYYYMMDDHH`` in UTC or one of the three; in order, in each part.

    Columns are gathered once, however many parts there are.
    """
    keys = rows.select(["tenant", "ingested_at", *ORDER]).combine_chunks()
    parts: list[tuple[str, str, int]] = []
    places: list[pa.Array] = []
    for tenant in sorted(pc.unique(keys.column("tenant")).to_pylist()):
        mine = pc.indices_nonzero(pc.equal(keys.column("tenant"), tenant))
        some = keys.take(mine)
        hours = _apart(_hours(some))
        ordered = pc.sort_indices(
            some.append_column("hour", hours), sort_keys=[(name, "ascending") for name in ("hour", *ORDER)]
        )
        places.append(mine.take(ordered))
        counts = {one["values"]: one["counts"] for one in pc.value_counts(hours).to_pylist()}
        parts += [(tenant, hour_name(hour), counts[hour]) for hour in sorted(counts)]
    if not parts:
        return
    whole = rows.take(pa.concat_arrays(places))
    del rows
    start = 0
    for tenant, hour, count in parts:
        yield tenant, hour, whole.slice(start, count)
        start += count


def _apart(hours: pa.ChunkedArray) -> pa.ChunkedArray:
    """The hours, but for those that have few of the rows."""
    counts = {one["values"]: one["counts"] for one in pc.value_counts(hours).to_pylist()}
    apart = [hour for hour, count in counts.items() if hour in _NAMES or count * SHARE >= len(hours)]
    return pc.if_else(pc.is_in(hours, pa.array(apart, pa.int64())), hours, _MIXED)


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
