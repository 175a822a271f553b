"""Targets: the entities of a case that are implicated, not those that merely occur in it.

A finding's *subject* of a type is its first entity of that type: entities stand in the order of
:data:`watchfloor.event.ENTITY_ROLES`, so the actor comes before the account it acted on, and the host where it happened
before the machine at the other end. The victim of a password reset is therefore never the target of a containment.
"""

from collections.abc import Mapping

import msgspec

from watchfloor.case import Case
from watchfloor.event import Entity
from watchfloor.finding import LEVELS, Finding
from watchfloor.respond.condition import Facts

MAX_NAME = 200
Traits = Mapping[str, frozenset[str]]
"""What the events say of accounts, by entity id; see :data:`watchfloor.respond.condition.Trait`."""


class Target(msgspec.Struct, frozen=True):
    """An implicated entity, the findings it is the subject of (gravest first), and what they say together."""

    entity: Entity
    findings: tuple[Finding, ...]
    facts: Facts

    @property
    def label(self) -> str:
        """Its name, at most 200 characters."""
        name = self.entity.name or self.entity.id
        return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"


def subject(finding: Finding, kind: str) -> Entity | None:
    """The finding's first entity of a type."""
    return next((entity for entity in finding.entities if entity.type == kind), None)


def implicated(case: Case, kind: str, traits: Traits) -> list[Target]:
    """The case's targets of a type, most implicated first: by gravest level, number of findings, id."""
    found: dict[str, list[Finding]] = {}
    known: dict[str, Entity] = {entity.id: entity for entity in case.entities}
    for finding in case.findings:
        entity = subject(finding, kind)
        if entity is not None and finding.status != "retracted":
            known.setdefault(entity.id, entity)
            found.setdefault(entity.id, []).append(finding)
    targets = [_target(case, known[name], findings, traits.get(name, frozenset())) for name, findings in found.items()]
    return sorted(targets, key=lambda one: (-LEVELS.index(one.facts.level), -len(one.findings), one.entity.id))


def _target(case: Case, entity: Entity, findings: list[Finding], traits: frozenset[str]) -> Target:
    gravest = sorted(findings, key=lambda one: (-LEVELS.index(one.rule.level), one.start, one.uid))
    facts = Facts(
        sources=frozenset(one.source for one in findings if one.source),
        use_cases=frozenset(one.rule.use_case for one in findings if one.rule.use_case),
        tactics=frozenset(tactic for one in findings for tactic in one.rule.tactics),
        techniques=frozenset(technique for one in findings for technique in one.rule.techniques),
        traits=traits,
        level=gravest[0].rule.level,
        risk=case.risk.value,
    )
    return Target(entity, tuple(gravest), facts)
