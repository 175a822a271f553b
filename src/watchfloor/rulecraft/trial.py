"""Runs detections over a few raw records, as an investigation runs them over its input."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.enrich import Enricher, IdentityGraph, learn
from watchfloor.errors import RecordError
from watchfloor.event import LIGHT
from watchfloor.finding import Finding
from watchfloor.normalize import Normalizer, Source
from watchfloor.operator import KeyedOperator
from watchfloor.run.correlated import run_correlations
from watchfloor.run.keyed import run_keyed
from watchfloor.testing.sources import raw_batch


class Trial(msgspec.Struct, frozen=True):
    """Records as events with the entities that each of them states, and what was found in them."""

    events: pa.RecordBatch
    findings: list[Finding]


def trial(
    records: Sequence[bytes], sources: Sequence[Source], ruleset: RuleSet, keyed: Sequence[KeyedOperator[Any]] = ()
) -> Trial:
    """The findings of rules, of correlations and of detections that keep state, in these records alone.

    Raises:
        RecordError: A record is no event of these sources.
    """
    detector = SigmaDetector(ruleset)
    normalized = Normalizer(sources, detector.plan).process(raw_batch(records))
    if normalized.dead_letters:
        raise RecordError(normalized.dead_letters[0].reason)
    events = Enricher().process(normalized.events)
    detected = detector.process(events)
    findings = list(detected.findings)
    findings += run_correlations(detector.correlations, [detected.matches], silent=detector.silent)
    if keyed:
        graph = IdentityGraph()
        learn(graph, events)
        reference = graph.publish()
        order = [("time", "ascending"), ("metadata.uid", "ascending")]
        ordered = events.take(pa.compute.sort_indices(events, sort_keys=order)).select(LIGHT)
        resolved = Enricher(reference).process(ordered)
        findings += run_keyed(keyed, lambda: [resolved], reference)
    return Trial(events, findings)
