"""Which telemetry a detection needs: its log source; of one that keeps state, the kinds of events of its hits."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from watchfloor.catalog import Folder
from watchfloor.detect.keyed import operators_of
from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.columns import OCSF, ocsf_class
from watchfloor.detect.sigma.correlation import TEMPORAL
from watchfloor.errors import ContentError, RecordError
from watchfloor.finding import Rule
from watchfloor.native import LogSource
from watchfloor.normalize import Source
from watchfloor.operator import KeyedOperator
from watchfloor.rulecraft.fields import named
from watchfloor.rulecraft.telemetry import Kind, Telemetry, serves
from watchfloor.rulecraft.trial import trial
from watchfloor.testing.detections import case_files
from watchfloor.testing.sources import sample_records


class Need(msgspec.Struct, frozen=True):
    """What a rule needs: events of one of the log sources, of ``every`` one of them if it joins several.

    A detection that keeps state has no log source: it needs events of one of the ``kinds``, source and OCSF class.
    """

    rule: Rule
    logsources: tuple[LogSource, ...] = ()
    every: bool = False
    kinds: frozenset[tuple[str, int]] = frozenset()

    @property
    def telemetry(self) -> tuple[object, ...]:
        """What it needs, without whose need it is."""
        return self.logsources, self.every, self.kinds

    @property
    def words(self) -> str:
        """What it needs, in words."""
        if self.logsources:
            return (" and " if self.every else " or ").join(map(named, self.logsources))
        return " or ".join(sorted({source for source, _ in self.kinds})) or "nothing that is known"

    def takes(self, kind: Kind) -> bool:
        """Whether events of a kind are among what it needs."""
        if (kind.source, kind.class_uid) in self.kinds:
            return True
        return any(_is_of(one, kind) for one in self.logsources)

    def events(self, telemetry: Telemetry) -> int:
        """How many events it can look at; none if it lacks what it needs."""
        if self.every and not all(telemetry.count(partial(_is_of, one)) for one in self.logsources):
            return 0
        return telemetry.count(self.takes)


def _is_of(logsource: LogSource, kind: Kind) -> bool:
    if logsource.product == OCSF:
        return ocsf_class(logsource) in {None, kind.class_uid}
    return serves(kind, logsource)


def needs_of_rules(ruleset: RuleSet) -> Iterator[Need]:
    """What the rules and correlations need that speak for themselves."""
    logsources: dict[str, tuple[LogSource, ...]] = {one.rule.id: (one.logsource,) for one in ruleset.rules}
    for rule in ruleset.rules:
        if rule.rule.id not in ruleset.silent:
            yield Need(rule.rule, (rule.logsource,))
    for linked in ruleset.correlations:  # each comes after those that it refers to
        read = dict.fromkeys(one for feed in linked.feeds for one in logsources.get(feed.rule, ()))
        logsources[linked.id] = tuple(read)
        if linked.id not in ruleset.silent:
            yield Need(linked.correlation.rule, tuple(read), every=linked.correlation.kind in TEMPORAL)


def needs_of_folders(folders: Iterable[Folder], sources: Sequence[Source]) -> Iterator[Need]:
    """What detections that keep state need, as the hits in their folders show; of one without hits nothing is known."""
    for folder in folders:
        path = folder.path / "detection.py"
        if path.exists():
            try:
                operators = operators_of(path)
            except ContentError:
                continue  # who loads the content says so
            needed: dict[str, Need] = {}
            for rule, kinds in _shown(case_files(folder, "hit"), operators, sources):
                known = needed.get(rule.id, Need(rule))
                needed[rule.id] = msgspec.structs.replace(known, kinds=known.kinds | kinds)
            yield from needed.values()


def _shown(
    cases: Iterable[Path], operators: Sequence[KeyedOperator[Any]], sources: Sequence[Source]
) -> Iterator[tuple[Rule, frozenset[tuple[str, int]]]]:
    """The rules that cases are hits of, each with the kinds of events of its case."""
    for case in cases:
        try:
            tried = trial(sample_records(case), sources, RuleSet(), operators)
        except RecordError:
            continue  # the tests of the detection say so
        columns = (tried.events.column(name).to_pylist() for name in ("source", "class_uid"))
        kinds = frozenset(zip(*columns, strict=True))
        for finding in tried.findings:
            yield finding.rule, kinds
