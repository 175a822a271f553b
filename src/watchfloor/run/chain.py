"""The stateless part of the data plane: raw records in; events, tagged, and what rules see in them out."""

from collections.abc import Iterator, Sequence

import msgspec
import pyarrow as pa

from watchfloor.deadletter import DeadLetter
from watchfloor.detect.sigma import SigmaDetector
from watchfloor.detect.sigma.kernel import SlowRegex
from watchfloor.enrich import Enricher
from watchfloor.event import EVENT_SCHEMA
from watchfloor.finding import Finding
from watchfloor.normalize import Normalizer, Source


class Chained(msgspec.Struct, frozen=True):
    """What became of a raw batch.

    ``events`` has :data:`~watchfloor.event.EVENT_SCHEMA`, ``matches`` are those of rules that correlations refer to;
    ``slow`` are the regular expressions that ran out of time on it.
    """

    events: pa.RecordBatch
    findings: list[Finding]
    matches: pa.RecordBatch
    dead_letters: list[DeadLetter]
    slow: tuple[SlowRegex, ...] = ()


class Chain:
    """Pure but for the time that regular expressions take: the same raw batch gives the same result.

    Args:
        source: The name of the one source that every record is of; else recognised by content.

    Raises:
        InputError: There is no source of that name.
    """

    def __init__(self, sources: Sequence[Source], detector: SigmaDetector, *, source: str | None = None) -> None:
        self._normalizer = Normalizer(sources, detector.plan, source=source)
        self._enricher = Enricher()
        self._detector = detector
        self._timeouts: dict[str, int] = {}

    def process(self, raw: pa.RecordBatch) -> Chained:
        """Normalize, tag and match a batch of :data:`watchfloor.event.RAW_SCHEMA`."""
        normalized = self._normalizer.process(raw)
        events = self._enricher.process(normalized.events)
        detected = self._detector.process(events)
        return Chained(
            events.select(EVENT_SCHEMA.names),
            detected.findings,
            detected.matches,
            normalized.dead_letters,
            tuple(self._slow()),
        )

    def _slow(self) -> Iterator[SlowRegex]:
        for one in self._detector.slow_regexes:
            before = self._timeouts.get(one.pattern, 0)
            if one.timeouts > before:
                self._timeouts[one.pattern] = one.timeouts
                yield msgspec.structs.replace(one, timeouts=one.timeouts - before)
