"""The rules of a set and what correlations need of them: findings of those that speak, matches of those referred to."""

from collections.abc import Sequence

import msgspec
import pyarrow as pa

from watchfloor.detect.sigma import kernel
from watchfloor.detect.sigma.correlation_matches import Taps
from watchfloor.detect.sigma.ruleset import RuleSet
from watchfloor.event import NATIVE
from watchfloor.finding import Finding
from watchfloor.native import DecodePlan


class Detected(msgspec.Struct, frozen=True):
    """What a batch shows: the findings of its events, and matches (``MATCH_SCHEMA``) for the correlations."""

    findings: list[Finding]
    matches: pa.RecordBatch


class SigmaDetector(kernel.SigmaDetector):
    """A set of rules as a function from a batch of events to findings and matches.

    Rules that only serve correlations have matches, no findings.
    """

    def __init__(self, ruleset: RuleSet) -> None:
        super().__init__(ruleset)
        self.correlations = ruleset.correlations
        self.silent = ruleset.silent
        self._taps = Taps(ruleset.correlations)

    @property
    def plan(self) -> DecodePlan:
        """The vendor fields that the rules read, and those by which correlations group and count."""
        native = (one.removeprefix(NATIVE) for one in self._taps.columns if one.startswith(NATIVE))
        return super().plan | DecodePlan(frozenset(native))

    def detect(self, batch: pa.RecordBatch) -> list[Finding]:
        """The findings of a batch: one a rule and event."""
        return self.process(batch).findings

    def process(self, batch: pa.RecordBatch) -> Detected:
        """The findings and matches of a batch, in the order of its rows."""
        matches = self.match(batch)
        return self.detected(batch.take(pa.array(list(matches), pa.int64())), list(matches.values()))

    def detected(self, events: pa.RecordBatch, matches: Sequence[Sequence[int]], *, summarize: bool = True) -> Detected:
        """The findings and matches of events, for each of which ``matches`` has the rules that are true of it."""
        found = self.tell(events, matches, summarize=summarize)
        spoken = [one for one in found if one.rule.id not in self.silent] if self.silent else found
        return Detected(spoken, self._taps.rows(events, self._hits(events, found)))

    def _hits(self, batch: pa.RecordBatch, found: list[Finding]) -> list[tuple[int, str]]:
        tapped = [one for one in found if one.rule.id in self._taps]
        if not tapped:
            return []
        # Of an event delivered twice, the first row counts.
        rows: dict[str, int] = {}
        for row, uid in enumerate(batch.column("metadata.uid").to_pylist()):
            rows.setdefault(uid, row)
        return [(rows[one.key], one.rule.id) for one in tapped]
