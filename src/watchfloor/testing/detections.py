"""The laws of a detection, run on each folder of ``content/detections`` and on yours.

``cases/NAME.hit.ndjson`` holds raw events that must be found: each of them by a Sigma rule, at least once in the file
by a detection that keeps state. ``cases/NAME.miss.ndjson`` holds raw events that must not be.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from watchfloor.catalog import Folder
from watchfloor.detect.keyed import operators_of
from watchfloor.detect.sigma import SigmaDetector
from watchfloor.detect.sigma.load import load_rules
from watchfloor.enrich import IDENTITY, Enricher, IdentityGraph, learn
from watchfloor.event import LIGHT
from watchfloor.finding import Finding, Rule
from watchfloor.native import DecodePlan
from watchfloor.normalize import Normalizer, Source, load_sources
from watchfloor.operator import KeyedOperator
from watchfloor.run.correlated import run_correlations
from watchfloor.testing.operators import check_keyed, run_keyed
from watchfloor.testing.sources import raw_batch, sample_records


class Detection(msgspec.Struct, frozen=True):
    """One detection folder, loaded: its Sigma rules or its keyed operators."""

    folder: Folder
    sigma: SigmaDetector | None
    keyed: tuple[KeyedOperator[Any], ...]

    def find(self, records: Sequence[bytes]) -> list[Finding]:
        """The findings of raw records alone."""
        events = self.events(records)
        found = list(_sigma_findings(self.sigma, events)) if self.sigma else []
        for operator in self.keyed:
            found += run_keyed(operator, [events.select(LIGHT)])
        return found

    def events(self, records: Sequence[bytes]) -> pa.RecordBatch:
        """Raw records as tagged events in event-time order."""
        plan = self.sigma.plan if self.sigma else DecodePlan()
        result = Normalizer(_sources(), plan).process(raw_batch(records))
        assert not result.dead_letters, f"{self.folder.name}: {[letter.reason for letter in result.dead_letters]}"
        graph = IdentityGraph()
        learn(graph, result.events)
        order = pa.compute.sort_indices(result.events, sort_keys=[("time", "ascending"), ("metadata.uid", "ascending")])
        reference = graph.publish()
        assert IDENTITY in reference.tables
        return Enricher(reference).process(result.events.take(order))


def _sigma_findings(detector: SigmaDetector, events: pa.RecordBatch) -> Iterator[Finding]:
    detected = detector.process(events)
    yield from detected.findings
    yield from run_correlations(detector.correlations, [detected.matches], silent=detector.silent)


@lru_cache(maxsize=1)
def _sources() -> tuple[Source, ...]:
    return load_sources()[0]


def load_detection(folder: Folder) -> Detection:
    """A detection folder.

    Raises:
        ContentError: It does not load.
    """
    sigma = None
    if (folder.path / "detection.yml").exists():
        rules = load_rules([folder.path / "detection.yml"])
        if rules.errors:
            raise rules.errors[0]
        sigma = SigmaDetector(rules)
    keyed = operators_of(folder.path / "detection.py") if (folder.path / "detection.py").exists() else ()
    return Detection(folder, sigma, keyed)


def case_files(folder: Folder, kind: str) -> list[Path]:
    """The case files of a kind, ``hit`` or ``miss``."""
    return sorted((folder.path / "cases").glob(f"*.{kind}.ndjson"))


def check_detection(detection: Detection) -> None:
    """All laws of one detection.

    Raises:
        AssertionError: A law is broken; the message names the case.
    """
    hits, misses = case_files(detection.folder, "hit"), case_files(detection.folder, "miss")
    assert hits, f"{detection.folder.name} has no hit"
    assert misses, f"{detection.folder.name} has no miss"
    rules: dict[str, Rule] = {}
    for path in hits:
        found = _hits(detection, path)
        rules.update((finding.rule.id, finding.rule) for finding in found)
    for path in misses:
        found = detection.find(sample_records(path))
        assert not found, f"{path}: found {[finding.summary for finding in found[:3]]}"
    for rule in rules.values():
        _is_complete(rule, detection.folder.name)
    for operator in detection.keyed:
        for path in (*hits, *misses):
            check_keyed(operator, detection.events(sample_records(path)).select(LIGHT))


def _hits(detection: Detection, path: Path) -> list[Finding]:
    records = sample_records(path)
    found = detection.find(records)
    assert found, f"{path}: nothing is found"
    if not detection.keyed:
        lines = {origin.line for finding in found for origin in finding.origins}
        missed = sorted(set(range(1, len(records) + 1)) - lines)
        assert not missed, f"{path}: lines {missed} are not found"
    return found


def _is_complete(rule: Rule, name: str) -> None:
    lacking = [
        field
        for field in ("id", "title", "description", "use_case", "tactics", "techniques", "false_positives", "runbook")
        if not getattr(rule, field)
    ]
    assert not lacking, f"{name}: the rule {rule.title!r} lacks {lacking}"


def broken_laws(folders: Iterable[Folder]) -> dict[str, str]:
    """The detections that break a law, each with the first one it breaks."""
    broken: dict[str, str] = {}
    for folder in folders:
        try:
            check_detection(load_detection(folder))
        except Exception as error:  # noqa: BLE001 - a detection is anybody's code; its error is its verdict
            broken[folder.name] = str(error) or type(error).__name__
    return broken
