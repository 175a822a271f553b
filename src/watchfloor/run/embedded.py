"""The data plane over finite input, in this process: bytes in, events in the lake, findings out."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.clock import Clock
from watchfloor.deadletter import DeadLetter
from watchfloor.detect.sigma import SigmaDetector
from watchfloor.enrich import Enricher, IdentityGraph, learn
from watchfloor.event import LIGHT
from watchfloor.finding import Finding
from watchfloor.ingest import read
from watchfloor.normalize import Normalizer
from watchfloor.operator import KeyedOperator, Reference
from watchfloor.run.correlated import run_correlations
from watchfloor.run.keyed import OnFailure, run_keyed
from watchfloor.store.lake import Lake, LakeWriter

HOUR = 3_600_000

OnBytes = Callable[[str, int, int], None]
"""(path, bytes read, bytes there are; 0 if unknown)."""


class Observed(msgspec.Struct):
    """What the stateless pass saw. ``hours`` counts events by the start of their hour (ms, UTC).

    ``matches`` are those of the rules that correlations refer to.
    """

    findings: list[Finding] = msgspec.field(default_factory=list)
    matches: list[pa.RecordBatch] = msgspec.field(default_factory=list)
    sources: Counter[str] = msgspec.field(default_factory=Counter)
    hours: Counter[int] = msgspec.field(default_factory=Counter)
    first: int | None = None
    last: int | None = None

    def count(self, events: pa.RecordBatch) -> None:
        """Add a batch to the figures."""
        if not events.num_rows:
            return
        times = events.column("time")
        low, high = (value.as_py() for value in pc.min_max(times).values())
        self.first = low if self.first is None else min(self.first, low)
        self.last = high if self.last is None else max(self.last, high)
        self.sources.update(events.column("source").to_pylist())
        self.hours.update(time // HOUR * HOUR for time in times.to_pylist())


class Embedded(msgspec.Struct, frozen=True):
    """The stages of the data plane, ready to run."""

    normalizer: Normalizer
    detector: SigmaDetector
    keyed: tuple[KeyedOperator[Any], ...]
    lake: Lake

    def stateless(
        self,
        paths: Iterable[str | Path],
        *,
        tenant: str,
        clock: Clock,
        graph: IdentityGraph,
        on_dead_letter: Callable[[DeadLetter], None],
        on_bytes: OnBytes | None = None,
    ) -> Observed:
        """Read, normalize, tag and match everything once; events rest in the lake, identity links in ``graph``."""
        observed = Observed()
        enricher = Enricher()
        with self.lake.writer() as writer:
            for raw in read(
                list(paths), tenant=tenant, clock=clock, on_dead_letter=on_dead_letter, on_progress=on_bytes
            ):
                normalized = self.normalizer.process(raw)
                for letter in normalized.dead_letters:
                    on_dead_letter(letter)
                self._batch(enricher.process(normalized.events), observed, graph, writer)
        return observed

    def _batch(self, events: pa.RecordBatch, observed: Observed, graph: IdentityGraph, writer: LakeWriter) -> None:
        learn(graph, events)
        observed.count(events)
        detected = self.detector.process(events)
        observed.findings += detected.findings
        if detected.matches.num_rows:
            observed.matches.append(detected.matches)
        writer.append(events)

    def correlated(self, observed: Observed, *, on_failure: OnFailure | None = None) -> Iterator[Finding]:
        """The findings of Sigma correlations over the matches that the stateless pass saw, which are let go."""
        matches, observed.matches = observed.matches, []
        yield from run_correlations(
            self.detector.correlations, matches, silent=self.detector.silent, on_failure=on_failure
        )

    def stateful(self, tenant: str, reference: Reference, *, on_failure: OnFailure | None = None) -> Iterator[Finding]:
        """The findings of the keyed operators over the lake, in event-time order and with identities resolved."""
        enricher = Enricher(reference)

        def scan() -> Iterator[pa.RecordBatch]:
            return map(enricher.process, self.lake.in_order(tenant, LIGHT))

        if self.keyed:
            yield from run_keyed(self.keyed, scan, reference, on_failure=on_failure)
