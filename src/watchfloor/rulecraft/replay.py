"""Runs rules over history: real files, read, normalized, tagged and matched as an investigation does it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa

from watchfloor.clock import Clock
from watchfloor.deadletter import DeadLetter
from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.enrich import Enricher
from watchfloor.finding import Finding
from watchfloor.ingest import read
from watchfloor.normalize import Normalizer, Source
from watchfloor.run.correlated import run_correlations
from watchfloor.settings import DEFAULT_TENANT


class Replayed(msgspec.Struct, frozen=True):
    """A batch of events and what the rules found in it; what correlations found comes last, with no events."""

    events: pa.RecordBatch | None
    findings: list[Finding]


def replay(
    paths: Sequence[str | Path],
    ruleset: RuleSet,
    sources: Sequence[Source],
    *,
    clock: Clock,
    on_dead_letter: Callable[[DeadLetter], None] = lambda _letter: None,
    source: str | None = None,
) -> Iterator[Replayed]:
    """What the rules find in files, batch by batch; identities are as each event states them."""
    detector = SigmaDetector(ruleset)
    normalizer, enricher = Normalizer(sources, detector.plan, source=source, seek=detector.seek_keywords), Enricher()
    matches: list[pa.RecordBatch] = []
    for raw in read(paths, tenant=DEFAULT_TENANT, clock=clock, on_dead_letter=on_dead_letter):
        normalized = normalizer.process(raw)
        for letter in normalized.dead_letters:
            on_dead_letter(letter)
        events = enricher.process(normalized.events)
        detected = detector.process(events)
        if detected.matches.num_rows:
            matches.append(detected.matches)
        yield Replayed(events, detected.findings)
    correlated = list(run_correlations(detector.correlations, matches, silent=detector.silent))
    if correlated:
        yield Replayed(None, correlated)
