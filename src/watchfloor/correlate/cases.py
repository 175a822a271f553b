"""Groups of findings to cases: which deserve one, what it is called, how it is explained."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from watchfloor.case import Case, first_to_read
from watchfloor.correlate.grouping import EntityAt, Group, Windows, group, latest, resolve
from watchfloor.correlate.risk import DEFAULT, Weights, risk
from watchfloor.correlate.timeline import tactics, timeline
from watchfloor.event import Entity
from watchfloor.finding import LEVELS, Finding


class Correlated(msgspec.Struct, frozen=True):
    """Cases in the order of :func:`watchfloor.case.first_to_read`, and the findings that no case holds."""

    cases: tuple[Case, ...]
    loose: tuple[Finding, ...]


def correlate(
    findings: Iterable[Finding],
    *,
    entity_at: EntityAt | None = None,
    precision: Mapping[str, float] | None = None,
    windows: Windows | None = None,
    weights: Weights = DEFAULT,
) -> Correlated:
    """Cases of findings.

    A group becomes a case if one finding is decisive (high or critical, or said so by its rule), or if two rules of at
    least medium level fired that serve different tactics or read different sources.

    Args:
        findings: Any number of revisions in any order.
        entity_at: The person or host that an entity id stands for at a time (ms).
        precision: Rule id to its precision in [0, 1], from labels.
        windows: How far apart findings of one case may be.
        weights: The constants of the risk.
    """
    known = latest(findings if entity_at is None else (resolve(finding, entity_at) for finding in findings))
    groups, loose = group(known, windows)
    cases = [_case(one, precision, weights) for one in groups if deserves_a_case(one.findings)]
    left = [finding for one in groups if not deserves_a_case(one.findings) for finding in one.findings]
    ordered = sorted(cases, key=first_to_read)
    return Correlated(tuple(ordered), tuple(sorted((*left, *loose), key=lambda finding: (finding.start, finding.uid))))


def deserves_a_case(findings: Sequence[Finding]) -> bool:
    """Whether findings that belong together are worth somebody's attention; see :func:`correlate`."""
    if any(finding.rule.decisive or finding.rule.level in {"high", "critical"} for finding in findings):
        return True
    strong = [finding for finding in findings if finding.rule.level == "medium"]
    if len({finding.rule.id for finding in strong}) < 2:
        return False
    # The tactics that a rule lists are what it may mean: only another rule's make a second one.
    return len({finding.rule.tactics for finding in strong}) >= 2 or len({finding.source for finding in strong}) >= 2


def _case(members: Group, precision: Mapping[str, float] | None, weights: Weights) -> Case:
    findings = members.findings
    end = max(finding.end for finding in findings)
    entities = _entities(findings)
    strongest = max(findings, key=lambda finding: (LEVELS.index(finding.rule.level), finding.rule.decisive))
    return Case(
        uid=_uid(findings),
        tenant=findings[0].tenant,
        title=_title(strongest, entities),
        level=strongest.rule.level,
        start=findings[0].start,
        end=end,
        findings=findings,
        entities=entities,
        tactics=tactics(findings),
        risk=risk(findings, now=end, precision=precision, weights=weights),
        timeline=timeline(findings),
        why_together=_why(members),
    )


def _uid(findings: Sequence[Finding]) -> str:
    """A case is named by its first finding: what joins it later does not change its name."""
    first = findings[0]
    return hashlib.blake2b(
        f"{first.tenant}\0{first.uid}".encode(), digest_size=8, person=b"watchfloor-case"
    ).hexdigest()


def _entities(findings: Sequence[Finding]) -> tuple[Entity, ...]:
    """The entities of a case: people first, then machines, then the rest, each by how many findings name it."""
    order = ("user", "host", "app", "resource", "address")
    counts = Counter(entity for finding in findings for entity in finding.entities)
    rank = {kind: position for position, kind in enumerate(order)}
    return tuple(sorted(counts, key=lambda entity: (rank.get(entity.type, len(rank)), -counts[entity], entity.id)))


def _title(strongest: Finding, entities: Sequence[Entity]) -> str:
    whom = _whom(strongest, entities)
    return f"{strongest.rule.title}: {whom}" if whom else strongest.rule.title


def _whom(strongest: Finding, entities: Sequence[Entity]) -> str:
    named = [entity for entity in entities if entity.type in {"user", "host"}] or list(entities)
    own = {entity.id for entity in strongest.entities}
    people = [entity.name for entity in named if entity.type == "user"][:1]
    places = [entity.name for entity in named if entity.type == "host" and entity.id in own][:1]
    return " on ".join([*people, *places]) or (named[0].name if named else "")


def _why(members: Group) -> tuple[str, ...]:
    total = len(members.findings)
    if total == 1:
        return ("A single finding, strong enough by itself.",)
    shared = Counter(entity for finding in members.findings for entity in finding.entities)
    joined = [entity for entity in members.joined_by if shared[entity] > 1][:4]
    return tuple(
        f"{shared[entity]} of {total} findings concern the same {entity.type}, {entity.name}." for entity in joined
    )
