"""Suppressions: findings that somebody has decided not to see, for an entity, for a reason, for a time.

A suppression hides a finding from those who read findings; it never stops a detection. Each hidden finding is handed
back with the suppression that hid it, to be counted and kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

import msgspec
import pyarrow as pa

from watchfloor.clock import Clock
from watchfloor.detect.sigma.condition import Glob
from watchfloor.detect.sigma.matching import matcher
from watchfloor.finding import Finding
from watchfloor.rulecraft.cells import column_values
from watchfloor.run.hiding import EventOf, Hidden, Hiding, Values


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """What is hidden, by whom, why and until when.

    It hides findings of ``rules`` (ids) about one of ``entities``, if there are any, whose every event fulfils all of
    ``fields``, if there are any: columns of :data:`watchfloor.event.EVENT_SCHEMA` with patterns of which one must
    match. ``hides`` and ``keeps`` are its test: raw records that it must and must not hide. It ends with ``expires``.
    """

    id: str
    rules: tuple[str, ...]
    owner: str
    reason: str
    expires: date
    entities: tuple[str, ...] = ()
    fields: Mapping[str, tuple[Glob, ...]] = {}
    hides: tuple[bytes, ...] = ()
    keeps: tuple[bytes, ...] = ()
    path: Path = Path()
    line: int | None = None

    def has_expired(self, now: datetime) -> bool:
        """Whether its last day, in UTC, is over."""
        return now >= datetime.combine(self.expires, time.max, UTC)

    def hides_finding(self, finding: Finding, event_of: EventOf) -> bool:
        """Whether the finding is in its scope; one whose events are not at hand is not, if the scope names fields."""
        if finding.rule.id not in self.rules:
            return False
        if self.entities and subjects(finding).isdisjoint(self.entities):
            return False
        return not self.fields or (
            bool(finding.event_uids) and all(self._covers(event_of(uid)) for uid in finding.event_uids)
        )

    def _covers(self, values: Values | None) -> bool:
        return values is not None and all(
            any(matcher(glob)(text) for glob in globs for text in values(column))
            for column, globs in self.fields.items()
        )


def subjects(finding: Finding) -> frozenset[str]:
    """Whom a finding is about: of each type of entity the first, which did it or where it happened.

    The account that an attacker acts on is not its subject: a suppression for a victim must not hide the attacker.
    """
    first: dict[str, str] = {}
    for entity in finding.entities:
        first.setdefault(entity.type, entity.id)
    return frozenset(first.values())


def _nothing(_uid: str) -> None:
    return None


def apply(
    suppressions: Sequence[Suppression], findings: Iterable[Finding], now: datetime, event_of: EventOf = _nothing
) -> tuple[list[Finding], list[Hidden]]:
    """The findings that stay, and those that a suppression hides; one that has expired hides nothing."""
    by_rule: dict[str, list[Suppression]] = {}
    for one in suppressions:
        if not one.has_expired(now):
            for rule in one.rules:
                by_rule.setdefault(rule, []).append(one)
    kept: list[Finding] = []
    hidden: list[Hidden] = []
    for finding in findings:
        among = by_rule.get(finding.rule.id, ())
        found = next((one for one in among if one.hides_finding(finding, event_of)), None)
        if found is None:
            kept.append(finding)
        else:
            hidden.append(Hidden(found.id, finding))
    return kept, hidden


def hiding(suppressions: Sequence[Suppression], clock: Clock) -> Hiding:
    """The suppressions as a run takes them; each hides until it expires."""

    def hidden(findings: Sequence[Finding], event_of: EventOf) -> list[Hidden]:
        return apply(suppressions, findings, clock(), event_of)[1]

    rules = frozenset(rule for one in suppressions for rule in one.rules)
    return Hiding(rules, frozenset(column for one in suppressions for column in one.fields), hidden)


def events_of(batch: pa.RecordBatch | None) -> EventOf:
    """The events of a batch, by uid."""
    if batch is None:
        return _nothing
    rows = {uid: row for row, uid in enumerate(batch.column("metadata.uid").to_pylist())}

    def event_of(uid: str) -> Values | None:
        row = rows.get(uid)
        return None if row is None else (lambda column: column_values(batch, column, row))

    return event_of
