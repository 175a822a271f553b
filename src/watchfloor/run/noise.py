"""Drops what noise filters are about, counts it by filter, and keeps one of some: which one follows from its uid.

Whatever a filter says, no event is dropped that a rule is true of, that a detection with state looks at, that is an
alert of another product or a sighting of an indicator: no filter can blind a live detection, whichever came first.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.noise import NoiseFilter
from watchfloor.enrich.indicators import TAG
from watchfloor.enrich.tags import with_tags
from watchfloor.operator import KeyedOperator
from watchfloor.run.alerts import ALERTS

SAMPLE = "filter.sample"


class Noise:
    """Filters at work; ``dropped``, ``sampled`` and ``spared`` count events by the filter's name.

    Args:
        filters: In the order of the numbers that events come with.
        keyed: The detections with state that run.
    """

    def __init__(self, filters: Sequence[NoiseFilter], keyed: Sequence[KeyedOperator[Any]] = ()) -> None:
        self._filters = tuple(filters)
        self._keyed = tuple(keyed)
        self.dropped: Counter[str] = Counter()
        self.sampled: Counter[str] = Counter()
        self.spared: Counter[str] = Counter()

    def followed_by(self, filters: Sequence[NoiseFilter], keyed: Sequence[KeyedOperator[Any]]) -> "Noise":
        """Other filters, which count on from here."""
        noise = Noise(filters, keyed)
        noise.dropped, noise.sampled, noise.spared = self.dropped, self.sampled, self.spared
        return noise

    def process(self, events: pa.RecordBatch, noisy: Mapping[int, int]) -> pa.RecordBatch:
        """The events without noise; ``noisy`` has for rows that no rule is true of the number of their filter."""
        if not noisy:
            return events
        looked_at = self._looked_at(events, sorted(noisy))
        uids = events.column("metadata.uid")
        gone = set()
        tags: dict[int, list[str]] = {}
        for row, number in noisy.items():
            one = self._filters[number]
            if row in looked_at:
                self.spared[one.name] += 1
            elif _is_sample(uids[row].as_py(), one.keep_one_in):
                self.sampled[one.name] += 1
                tags[row] = [f"{SAMPLE}={one.name}"]
            else:
                self.dropped[one.name] += 1
                gone.add(row)
        tagged = with_tags(events, tags)
        return tagged.take(pa.array([row for row in range(events.num_rows) if row not in gone], pa.int64()))

    def _looked_at(self, events: pa.RecordBatch, rows: Sequence[int]) -> set[int]:
        """Those of some rows that are anybody's business."""
        some = events.take(pa.array(rows, pa.int64()))
        kinds = zip(some.column("class_uid").to_pylist(), some.column("tags").to_pylist(), strict=True)
        found = {
            row
            for row, (kind, tags) in zip(rows, kinds, strict=True)
            if kind in ALERTS or any(tag.startswith(TAG) for tag in tags or ())
        }
        for operator in self._keyed:
            selected = pc.and_(
                pc.fill_null(operator.select(some), fill_value=False), some.column(operator.key).is_valid()
            )
            found.update(row for row, wanted in zip(rows, selected.to_pylist(), strict=True) if wanted)
        return found


def _is_sample(uid: str, keep_one_in: int) -> bool:
    digest = hashlib.blake2b(uid.encode(), digest_size=8, person=b"watchfloor-noise").digest()
    return int.from_bytes(digest, "big") % keep_one_in == 0
