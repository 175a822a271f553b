"""The stateless part of the data plane: raw records in; events and what rules see in them out."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import pyarrow as pa

from watchfloor.costs import cost
from watchfloor.deadletter import DeadLetter
from watchfloor.detect.sigma import SigmaDetector
from watchfloor.detect.sigma.correlation_detector import Detected
from watchfloor.detect.sigma.kernel import Matches, SlowRegex
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
    refer to, ``slow`` the regular expressions that ran out of time on it, ``noisy`` by row of ``events`` the number of
    the noise filter that is true of it, where no rule is.
    """

    events: pa.RecordBatch
    findings: list[Finding]
    matches: pa.RecordBatch
    dead_letters: list[DeadLetter]
    slow: tuple[SlowRegex, ...] = ()
    noisy: dict[int, int] = {}


_NOTHING = Reference()
_Done = tuple[pa.RecordBatch, Detected, list[DeadLetter]]


class Chain:
    """Pure but for the time that regular expressions take: the same raw batch gives the same result.

    Args:
        source: The name of the one source that every record is of; else recognised by content.
        reference: What enrichment knows.
        filters: How many of the detector's rules, the last ones, are noise filters.
        geo: MaxMind DB files.

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
        filters: int = 0,
        geo: Sequence[Path] = (),
    ) -> None:
        self._normalizer = Normalizer(sources, detector.plan, source=source, seek=detector.seek_keywords)
        self._geo = tuple(geo)
        self.know(reference)
        self._detector = detector
        self._of = of
        self._rules = detector.count - filters
        self._timeouts: dict[str, int] = {}

    def know(self, reference: Reference) -> None:
        """Enrich with this from the next batch on."""
        self._enrichment = enrichment(reference, files=self._geo)

    def process(self, raw: pa.RecordBatch) -> Chained:
        """Normalize, tag and match a batch of :data:`watchfloor.event.RAW_SCHEMA`."""
        noisy: dict[int, int] = {}
        events, detected, letters = self._all(raw, noisy) if self._of == "all" else self._matched(raw)
        has = frozenset(events.schema.names)
        told = [name for name in EVENT_SCHEMA.names if name in has]
        return Chained(events.select(told), detected.findings, detected.matches, letters, tuple(self._slow()), noisy)

    def _all(self, raw: pa.RecordBatch, noisy: dict[int, int]) -> _Done:
        with cost("decode and normalize"):
            normalized = self._normalizer.process(raw)
        events = self._enrichment.process(normalized.events)
        with cost("match"):
            matches = self._without_filters(self._detector.match(events), noisy)
        with cost("tell findings"):
            found = events.take(pa.array(list(matches), pa.int64()))
            detected = self._detector.detected(found, list(matches.values()))
        return events, detected, normalized.dead_letters

    def _without_filters(self, matches: Matches, noisy: dict[int, int]) -> Matches:
        """The matches of rules; ``noisy`` gets the rows of which filters alone are true."""
        if self._rules == self._detector.count:
            return matches
        rules: Matches = {}
        for row, numbers in matches.items():
            true = [number for number in numbers if number < self._rules]
            if true:
                rules[row] = true
            else:
                noisy[row] = numbers[0] - self._rules
        return rules

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
