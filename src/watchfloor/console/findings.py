"""The findings of a case, one row a rule: a rule that fired two hundred times is still one thing to understand."""

from collections.abc import Iterable, Mapping

import msgspec

from watchfloor.console.model import KnownTechnique
from watchfloor.finding import LEVELS, Finding, Level

SHOWN_TECHNIQUES = 6


class RuleRow(msgspec.Struct, frozen=True):
    """A rule, how often it fired and on how many events, its techniques by name, and when it may be wrong."""

    title: str
    level: Level
    id: str
    path: str
    findings: int
    events: int
    techniques: tuple[str, ...]
    false_positives: tuple[str, ...]
    runbook: str


def by_rule(findings: Iterable[Finding], techniques: Mapping[str, KnownTechnique]) -> tuple[RuleRow, ...]:
    """The rows, gravest first, then by how often."""
    grouped: dict[str, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.rule.id, []).append(finding)
    rows = [_row(group, techniques) for group in grouped.values()]
    return tuple(sorted(rows, key=lambda row: (-LEVELS.index(row.level), -row.findings, row.title, row.id)))


def _row(group: list[Finding], techniques: Mapping[str, KnownTechnique]) -> RuleRow:
    rule = group[0].rule
    return RuleRow(
        title=rule.title,
        level=rule.level,
        id=rule.id,
        path=rule.path,
        findings=len(group),
        events=len({uid for finding in group for uid in finding.event_uids}),
        techniques=tuple(technique_name(uid, techniques) for uid in rule.techniques[:SHOWN_TECHNIQUES]),
        false_positives=rule.false_positives[:3],
        runbook=rule.runbook or "",
    )


def technique_name(uid: str, techniques: Mapping[str, KnownTechnique]) -> str:
    """A technique's id and name.

    >>> technique_name("T1078", {"T1078": KnownTechnique("Valid Accounts")})
    'T1078 Valid Accounts'
    """
    known = techniques.get(uid)
    return f"{uid} {known.name}" if known else uid
