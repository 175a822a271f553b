"""The stateless part of the data plane: raw records in; events and what rules see in them out."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec
import pyarrow as pa

from watchfloor.deadletter import DeadLetter
from watchfloor.detect.sigma import SigmaDetector
from watchfloor.detect.sigma.correlation_detector import Detected
from watchfloor.detect.sigma.kernel import SlowRegex
from watchfloor.enrich.enrichment import enrichment
from watchfloor.event import EVENT_SCHEMA
from watchfloor.finding import Finding
from watchfloor.normalize import Normalizer, Source
from watchfloor.operator import Reference
from watchfloor.run.matching import matched

Of = Literal["all", "matched", "matched and tagged", "named"]
"""Which records become events, and how much of them.

All, tagged with their entities; those that a rule is true of; these, tagged; or no more of these than names them, with
findings that have no summary.
"""


class Chained(msgspec.Struct, frozen=True):
    """What became of a raw batch.

    ``events`` has columns of :data:`~watchfloor.event.EVENT_SCHEMA`, ``matches`` are those of rules that correlations
    refer to, ``slow`` the regular expressions that ran out of time on it.
    """

    events: pa.RecordBatch
    findings: list[Finding]
    matches: pa.RecordBatch
    dead_letters: list[DeadLetter]
    slow: tuple[SlowRegex, ...] = ()


_NOTHING = Reference()
_Done = tuple[pa.RecordBatch, Detected, list[DeadLetter]]


class Chain:
    """Pure but for the time that regular expressions take: the same raw batch gives the same result.

    Args:
        source: The name of the one source that every record is of; else recognised by content.
        reference: What enrichment knows.

    Raises:
        InputError: There is no source of that name.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        detector: SigmaDetector,
        *,
        source: str | None = None,
        of: Of = "all",
        reference: Reference = _NOTHING,
    ) -> None:
        self._normalizer = Normalizer(sources, detector.plan, source=source, seek=detector.seek_keywords)
        self._enrichment = enrichment(reference)
        self._detector = detector
        self._of = of
        self._timeouts: dict[str, int] = {}

    def process(self, raw: pa.RecordBatch) -> Chained:
        """Normalize, tag and match a batch of :data:`watchfloor.event.RAW_SCHEMA`."""
        events, detected, letters = self._all(raw) if self._of == "all" else self._matched(raw)
        has = frozenset(events.schema.names)
        told = [name for name in EVENT_SCHEMA.names if name in has]
        return Chained(events.select(told), detected.findings, detected.matches, letters, tuple(self._slow()))

    def _all(self, raw: pa.RecordBatch) -> _Done:
        normalized = self._normalizer.process(raw)
        events = self._enrichment.process(normalized.events)
        return events, self._detector.process(events), normalized.dead_letters

    def _matched(self, raw: pa.RecordBatch) -> _Done:
        named = self._of == "named"
        found = matched(raw, self._normalizer, self._detector, identities=named)
        events = self._enrichment.process(found.events) if self._of == "matched and tagged" else found.events
        return events, self._detector.detected(events, found.rules, summarize=not named), found.dead_letters

    def _slow(self) -> Iterator[SlowRegex]:
        for one in self._detector.slow_regexes:
            before = self._timeouts.get(one.pattern, 0)
            if one.timeouts > before:
                self._timeouts[one.pattern] = one.timeouts
                yield msgspec.structs.replace(one, timeouts=one.timeouts - before)


def add_slow(known: dict[str, SlowRegex], more: Iterable[SlowRegex]) -> None:
    """Add regular expressions that ran out of time to those known, by pattern."""
    for one in more:
        known[one.pattern] = known[one.pattern] + one if one.pattern in known else one
