"""When to order an event where its own time cannot be it; the time that it says is never rewritten.

``ordered_at`` is set for events of a clock that is ahead for sure (:mod:`watchfloor.enrich.clocks`), and for those
whose time is in the future all the same or long gone: these are ordered by when they were ingested, so that one record
cannot move a watermark or open a partition of its own. Whoever orders takes ``ordered_at``, else ``time``.

Tags: ``time=future``, ``time=ancient``, ``clock.ahead=MS``.

>>> from watchfloor.testing.events import batch_of
>>> batch = batch_of({"time": 1_800_000_000_000, "ingested_at": 1_773_700_000_000}, {})
>>> done = Ordering().process(batch)
>>> done.column("ordered_at").to_pylist(), done.column("tags").to_pylist()
([1773700000000, None], [['time=future'], None])
"""

from datetime import timedelta

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.enrich.clocks import CLOCKS, Skew
from watchfloor.enrich.tags import with_tags
from watchfloor.operator import Reference

AHEAD = timedelta(minutes=5)
"""How far an event's time may be ahead of its ingestion: clocks that are kept by NTP differ by far less."""

FIRST = 946_684_800_000
"""2000-01-01 (ms): no log that is read today began before; clocks that were never set begin in 1970 or 1980."""

_MILLISECOND = timedelta(milliseconds=1)


class Ordering:
    """An operator: stateless, given the reference tables.

    Args:
        reference: Has the table :data:`~watchfloor.enrich.clocks.CLOCKS`, or none is known to be off.
        oldest: How old an event may be when it is ingested; ``None``: as old as it likes, as in files of the past.
    """

    def __init__(self, reference: Reference | None = None, *, oldest: timedelta | None = None) -> None:
        table = (reference or Reference()).tables.get(CLOCKS, {})
        skews = {name: Skew(*orjson.loads(text)) for name, text in table.items()}
        self._ahead = {tuple(name.split("\x1f", 2)): skew.ahead for name, skew in skews.items() if skew.ahead}
        self._oldest = oldest // _MILLISECOND if oldest else None

    def process(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with ``ordered_at`` where it differs from ``time``, and tags that say why."""
        time, ingested = batch.column("time"), batch.column("ingested_at")
        odd = pc.or_(pc.greater(time, pc.add(ingested, AHEAD // _MILLISECOND)), pc.less(time, FIRST))
        if self._oldest is not None:
            odd = pc.or_(odd, pc.less(time, pc.subtract(ingested, self._oldest)))
        if not self._ahead and not pc.any(odd).as_py():
            return batch
        return self._corrected(batch, time.to_pylist(), ingested.to_pylist())

    def _corrected(self, batch: pa.RecordBatch, times: list[int], ingested: list[int]) -> pa.RecordBatch:
        owners = zip(*(batch.column(name).to_pylist() for name in ("tenant", "source", "entity.host")), strict=True)
        ordered: list[int | None] = [None] * batch.num_rows
        tags: dict[int, list[str]] = {}
        for row, (owner, time, now) in enumerate(zip(owners, times, ingested, strict=True)):
            ahead = self._ahead.get((owner[0], owner[1], owner[2] or ""), 0)
            if ahead:
                tags[row] = [f"clock.ahead={ahead}"]
                ordered[row] = time - ahead
            if time - ahead > now + AHEAD // _MILLISECOND:
                tags[row] = [*tags.get(row, ()), "time=future"]
                ordered[row] = now
            elif time < FIRST or (self._oldest is not None and time < now - self._oldest):
                tags[row] = [*tags.get(row, ()), "time=ancient"]
                ordered[row] = now
        at = batch.schema.get_field_index("ordered_at")
        return with_tags(batch.set_column(at, batch.schema.field(at), pa.array(ordered, pa.int64())), tags)
