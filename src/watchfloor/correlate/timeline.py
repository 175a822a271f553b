"""A case's timeline: what happened in order, repeats folded."""

from collections.abc import Sequence

from watchfloor.case import TACTICS, TimelineEntry
from watchfloor.event import Entity
from watchfloor.finding import Finding

FOLD_WITHIN = 30 * 60_000
"""Repeats of a rule on the same entities this close (ms) are one entry with a count."""


def timeline(findings: Sequence[Finding]) -> tuple[TimelineEntry, ...]:
    """The entries of findings in time order."""
    open_entries: dict[tuple[str, tuple[Entity, ...]], list[Finding]] = {}
    folded: list[list[Finding]] = []
    for finding in findings:
        key = (finding.rule.id, _subject(finding))
        entry = open_entries.get(key)
        if entry is not None and finding.start - entry[-1].end <= FOLD_WITHIN:
            entry.append(finding)
        else:
            entry = open_entries[key] = [finding]
            folded.append(entry)
    return tuple(_entry(members) for members in folded)


def _subject(finding: Finding) -> tuple[Entity, ...]:
    return tuple(entity for entity in finding.entities if entity.type in {"user", "host"})


def _entry(members: list[Finding]) -> TimelineEntry:
    first = members[0]
    return TimelineEntry(
        time=first.start,
        end=max(finding.end for finding in members),
        text=first.summary or first.rule.title,
        level=first.rule.level,
        tactic=tactic_of(first),
        finding_uids=tuple(finding.uid for finding in members),
        event_uids=tuple(dict.fromkeys(uid for finding in members for uid in finding.event_uids)),
        count=sum(max(len(finding.event_uids), 1) for finding in members),
    )


def tactic_of(finding: Finding) -> str | None:
    """The latest of the finding's tactics in the order of an attack: what it most says about how far things went."""
    known = [tactic for tactic in TACTICS if tactic in finding.rule.tactics]
    return known[-1] if known else None


def tactics(findings: Sequence[Finding]) -> tuple[str, ...]:
    """The ATT&CK tactics that findings of at least low level show, in the order of an attack."""
    seen = {tactic for finding in findings if finding.rule.level != "informational" for tactic in finding.rule.tactics}
    return tuple(tactic for tactic in TACTICS if tactic in seen)
