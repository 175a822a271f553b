"""The matches of one rule over history, as labels judge them, and those that its own tests demand."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import pyarrow as pa

from watchfloor.clock import Clock
from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.errors import ContentError, RecordError
from watchfloor.learn import Label
from watchfloor.normalize import Source
from watchfloor.rulecraft.authored import Authored
from watchfloor.rulecraft.regression import regression_tests
from watchfloor.rulecraft.replay import Replayed, replay
from watchfloor.rulecraft.trial import trial
from watchfloor.testing.sources import sample_records

MAX_OPEN = 5_000
"""How many matches that nobody has judged are looked at; of further ones only the number is known."""

Verdict = Literal["wrong", "right", "open"]


class Match(msgspec.Struct, frozen=True):
    """A match: the record, where it was read, whom it is about, and how it was judged."""

    raw: bytes
    place: str
    entities: tuple[str, ...]
    verdict: Verdict


class Judged(msgspec.Struct, frozen=True):
    """The matches of a rule; ``more`` is how many further ones nobody has judged."""

    matches: tuple[Match, ...]
    more: int = 0

    def of(self, verdict: Verdict) -> list[Match]:
        """Those that were judged so."""
        return [one for one in self.matches if one.verdict == verdict]


def judged(rule: CompiledRule, history: Iterable[Replayed], labels: Mapping[str, Label]) -> Judged:
    """The matches of the rule in a replay.

    A true positive is right and a false positive wrong. What is benign, though rightly found, may be taken away and
    need not be: it is open, like what is inconclusive or has no label.
    """
    found: list[Match] = []
    opened = 0
    for batch in history:
        rows = None if batch.events is None else _rows(batch.events)
        for finding in batch.findings:
            row = None if rows is None else rows.get(finding.key)
            if finding.rule.id != rule.rule.id or row is None or batch.events is None:
                continue
            verdict = _verdict(labels.get(finding.uid))
            opened += verdict == "open"
            if verdict != "open" or opened <= MAX_OPEN:
                raw = batch.events.column("raw")[row].as_py()
                origin = finding.origins[0]
                entities = tuple(one.id for one in finding.entities)
                found.append(Match(raw, f"{origin.path}:{origin.line}", entities, verdict))
    return Judged(tuple(found), max(0, opened - MAX_OPEN))


def _rows(events: pa.RecordBatch) -> dict[str, int]:
    return {uid: row for row, uid in enumerate(events.column("metadata.uid").to_pylist())}


def _verdict(label: Label | None) -> Verdict:
    known: dict[str, Verdict] = {"true-positive": "right", "false-positive": "wrong"}
    return "open" if label is None else known.get(label.disposition, "open")


def hits(
    rule: CompiledRule, text: Authored, ruleset: RuleSet, sources: Sequence[Source], *, clock: Clock
) -> list[Match]:
    """What the rule must find by its own tests: the hits beside it, and the samples of its regression tests."""
    folder = Path(rule.rule.path).parent / "cases"
    records = [(case, record) for case in sorted(folder.glob("*.hit.ndjson")) for record in sample_records(case)]
    found = [Match(record, str(case), (), "right") for case, record in records if _finds(rule, record, sources)]
    for test in regression_tests([text], ruleset):
        if not isinstance(test, ContentError) and test.least:
            replayed = replay([test.sample], RuleSet((rule,)), sources, clock=clock)
            found += (msgspec.structs.replace(one, verdict="right") for one in judged(rule, replayed, {}).matches)
    return found


def _finds(rule: CompiledRule, record: bytes, sources: Sequence[Source]) -> bool:
    try:
        return bool(trial([record], sources, RuleSet((rule,))).findings)
    except RecordError:
        return False
