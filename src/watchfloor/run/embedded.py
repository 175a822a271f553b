"""The data plane over finite input: bytes in, events in the lake, findings out."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.clock import Clock
from watchfloor.compose import chain
from watchfloor.deadletter import DeadLetter
from watchfloor.detect.noise import NoiseFilter
from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.kernel import SlowRegex
from watchfloor.enrich import Enricher, IdentityGraph, learn
from watchfloor.enrich.assets import Assets
from watchfloor.enrich.duplicates import Duplicates
from watchfloor.enrich.indicators import Indicators
from watchfloor.event import LIGHT
from watchfloor.finding import Finding
from watchfloor.operator import KeyedOperator, Reference
from watchfloor.run.alerts import alerts, latest
from watchfloor.run.chain import Chained, add_slow
from watchfloor.run.correlated import run_correlations
from watchfloor.run.keyed import OnFailure, run_keyed
from watchfloor.run.noise import Noise
from watchfloor.run.sightings import sightings
from watchfloor.run.workers import OnBytes, Workers
from watchfloor.store.lake import Lake

HOUR = 3_600_000


class Observed(msgspec.Struct):
    """What the stateless pass saw. ``hours`` counts events by the start of their hour (ms, UTC).

    ``matches`` are those of the rules that correlations refer to, ``slow`` by their patterns the regular expressions
    that ran out of time; ``filtered`` says by noise filter how many events were dropped, and how many kept as samples.
    """

    findings: list[Finding] = msgspec.field(default_factory=list)
    matches: list[pa.RecordBatch] = msgspec.field(default_factory=list)
    slow: dict[str, SlowRegex] = msgspec.field(default_factory=dict)
    sources: Counter[str] = msgspec.field(default_factory=Counter)
    hours: Counter[int] = msgspec.field(default_factory=Counter)
    filtered: dict[str, tuple[int, int]] = msgspec.field(default_factory=dict)
    first: int | None = None
    last: int | None = None

    def add(self, done: Chained) -> None:
        """Add what became of a batch."""
        self.count(done.events)
        self.findings += done.findings
        if done.matches.num_rows:
            self.matches.append(done.matches)
        add_slow(self.slow, done.slow)

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

    workers: Workers
    rules: RuleSet
    keyed: tuple[KeyedOperator[Any], ...]
    lake: Lake
    reference: Reference = Reference()
    filters: tuple[NoiseFilter, ...] = ()

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
        """Read, normalize, tag and match everything once; events rest in the lake, identity links in ``graph``.

        An event that was delivered before is not there twice.

        What other products report as an alert is a finding, too, and so is a sighting of a known indicator.
        """
        observed, duplicates, indicators = Observed(), Duplicates(), Indicators(self.reference)
        noise = Noise(self.filters, self.keyed)
        told: list[Finding] = []
        reading = self.workers.read(paths, tenant=tenant, clock=clock, on_dead_letter=on_dead_letter, on_bytes=on_bytes)
        with self.lake.writer() as writer:
            for read in reading:
                new = duplicates.process(noise.process(read.events, read.noisy), read.findings)
                done = msgspec.structs.replace(read, events=new.events, findings=new.findings)
                learn(graph, done.events)
                observed.add(done)
                told += alerts(done.events)
                told += sightings(done.events, indicators)
                writer.append(done.events)
        observed.findings += latest(told)
        observed.filtered = {one.name: (noise.dropped[one.name], noise.sampled[one.name]) for one in self.filters}
        return observed

    def correlated(self, observed: Observed, *, on_failure: OnFailure | None = None) -> Iterator[Finding]:
        """The findings of Sigma correlations over the matches that the stateless pass saw, which are let go."""
        matches, observed.matches = observed.matches, []
        yield from run_correlations(self.rules.correlations, matches, silent=self.rules.silent, on_failure=on_failure)

    def stateful(self, tenant: str, reference: Reference, *, on_failure: OnFailure | None = None) -> Iterator[Finding]:
        """The findings of the keyed operators over the lake, in event-time order and with identities resolved."""
        enriched = chain(Enricher(reference), Assets(reference))

        def scan() -> Iterator[pa.RecordBatch]:
            return map(enriched.process, self.lake.in_order(tenant, LIGHT))

        if self.keyed:
            yield from run_keyed(self.keyed, scan, reference, on_failure=on_failure)
