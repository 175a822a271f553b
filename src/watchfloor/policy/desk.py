"""The desk: asks the engine on behalf of a case, with what is known of the target and of the moment.

A severity raised by a model never enters the question: the level is the gravest level among the rules of the case's
findings, the risk is the case's computed probability, and the assessment is not read.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isfinite

import msgspec

from watchfloor.case import Case, Decision
from watchfloor.event import Entity
from watchfloor.finding import LEVELS, Level
from watchfloor.policy.engine import PolicyEngine
from watchfloor.policy.inventory import Inventory
from watchfloor.policy.request import WATCHFLOOR, Actor, Circumstances, DeclaredAction, PolicyRequest, Resource


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, when, and what is allowed to run by itself.

    ``autonomy`` is the rung of the ladder for each action class (1 where none is given); ``touched`` counts the
    resources that each class touched in the last hour.
    """

    engine: PolicyEngine
    now: datetime
    inventory: Inventory = Inventory()
    actor: Actor = WATCHFLOOR
    autonomy: Mapping[str, int] = {}
    touched: Mapping[str, int] = {}
    kill_switch: bool = False

    def describe(self, entity: Entity, traits: frozenset[str] = frozenset()) -> Resource:
        """What is known of an entity; ``traits`` are what events say of it."""
        return self.inventory.describe(entity, traits)

    def hear(self, case: Case, target: Entity, *, ahead: int = 0, traits: frozenset[str] = frozenset()) -> "Hearing":
        """A hearing about one target of a case; ``ahead`` counts the case's targets that come before it."""
        risk = case.risk.value
        return Hearing(
            desk=self,
            resource=self.describe(target, traits),
            level=_level(case),
            risk=min(max(risk, 0.0), 1.0) if isfinite(risk) else 0.0,
            sources=_sources(case, target),
            ahead=ahead,
        )


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """Questions about one target of a case, whose facts were gathered once."""

    desk: Desk
    resource: Resource
    level: Level
    risk: float
    sources: int
    ahead: int

    def decide(self, action: DeclaredAction, fallback: Sequence[DeclaredAction] = ()) -> Decision:
        """The decision on one action; alternatives begin with those of ``fallback`` that would be allowed."""
        request = self.request(action)
        decision = self.desk.engine.decide(request)
        if decision.verdict == "permit":
            return decision
        offers = offered(self.desk.engine, request, fallback)
        rest = [text for text in decision.alternatives if text.partition(" ")[0] not in offers]
        return msgspec.structs.replace(decision, alternatives=(*offers.values(), *rest))

    def request(self, action: DeclaredAction) -> PolicyRequest:
        """The question about one action."""
        desk = self.desk
        return PolicyRequest(
            action=action.id,
            resource=self.resource,
            actor=desk.actor,
            context=Circumstances(
                level=self.level,
                risk=self.risk,
                sources=self.sources,
                autonomy=desk.autonomy.get(action.kind, 1),
                proposer=desk.actor.id,
                hour=desk.now.hour,
                targets_last_hour=desk.touched.get(action.kind, 0) + self.ahead,
                kill_switch=desk.kill_switch,
            ),
        )


def offered(engine: PolicyEngine, request: PolicyRequest, fallback: Sequence[DeclaredAction]) -> dict[str, str]:
    """The fallback actions that would be permitted or approvable in place of the request's, with their verdicts."""
    offers: dict[str, str] = {}
    for other in fallback:
        ruling = engine.rule(msgspec.structs.replace(request, action=other.id))
        if ruling.verdict != "deny":
            offers[other.id] = f"{other.id} ({ruling.verdict}): the playbook's fallback for {request.action}."
    return offers


def _level(case: Case) -> Level:
    levels = [LEVELS.index(one.rule.level) for one in case.findings if one.status != "retracted"]
    return LEVELS[max(levels, default=0)]


def _sources(case: Case, target: Entity) -> int:
    """How many log sources show the target; a source that could not be told counts for none."""
    return len(
        {
            one.source
            for one in case.findings
            if one.source and one.status != "retracted" and any(entity.id == target.id for entity in one.entities)
        }
    )
