"""Findings that somebody has decided not to see: parted from the others before cases are made of them, and kept.

Which findings those are is not for a run to know: it is given a function.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from watchfloor.detect.sigma.correlation_matches import texts_of
from watchfloor.finding import Finding

FINDINGS_A_QUERY = 2_000

Values = Callable[[str], Sequence[str]]
"""The values of an event's column."""

EventOf = Callable[[str], Values | None]
"""An event by its uid, as far as it is at hand."""

ByUid = Callable[[str, Iterable[str]], Iterable[Mapping[str, Any]]]
"""The events of a tenant with these uids: columns by name."""


class Hidden(msgspec.Struct, frozen=True):
    """A finding that a suppression hides."""

    suppression: str
    finding: Finding

    def to_ocsf(self, *, now: int) -> dict[str, Any]:
        """The finding's OCSF object with the suppression's id; ``now`` is when it is written (ms, UTC)."""
        written = self.finding.to_ocsf(now=now)
        written["unmapped"]["suppression"] = self.suppression
        return written


class Hiding(msgspec.Struct, frozen=True):
    """What hides findings of some rules (ids): a function that gives the hidden ones, by some columns of events."""

    rules: frozenset[str]
    columns: frozenset[str]
    hidden: Callable[[Sequence[Finding], EventOf], list[Hidden]]


def hide(findings: Sequence[Finding], hiding: Hiding, by_uid: ByUid, tenant: str) -> tuple[list[Finding], list[Hidden]]:
    """The findings that stay, in their order, and those that are hidden; ``by_uid`` has their events."""
    concerned = [one for one in findings if one.rule.id in hiding.rules]
    hidden: list[Hidden] = []
    for start in range(0, len(concerned), FINDINGS_A_QUERY):
        lot = concerned[start : start + FINDINGS_A_QUERY]
        hidden += hiding.hidden(lot, _events(lot, hiding.columns, by_uid, tenant))
    gone = {id(one.finding) for one in hidden}
    return [one for one in findings if id(one) not in gone], hidden


def _events(findings: Sequence[Finding], columns: frozenset[str], by_uid: ByUid, tenant: str) -> EventOf:
    """The events of findings, read once one of them is asked for."""

    @cache
    def rows() -> dict[str, Mapping[str, Any]]:
        wanted = dict.fromkeys(uid for finding in findings for uid in finding.event_uids)
        return {row["metadata.uid"]: {column: row[column] for column in columns} for row in by_uid(tenant, wanted)}

    def event_of(uid: str) -> Values | None:
        row = rows().get(uid)
        return None if row is None else lambda column: texts_of(row.get(column))

    return event_of
