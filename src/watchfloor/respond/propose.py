"""Proposals: the playbooks that apply to a case, bound to its targets, each step with policy's decision.

Policy is asked through :class:`Desk`, a port: response knows what to do, policy whether it may be done, and neither
imports the other.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from watchfloor.case import Case, Decision, Proposal, Step
from watchfloor.event import Entity
from watchfloor.respond.action import Action
from watchfloor.respond.library import Library
from watchfloor.respond.playbook import ActionStep, Playbook
from watchfloor.respond.targets import Target, Traits, implicated
from watchfloor.respond.workflow import walk

MAX_PROPOSALS = 12
"""How many proposals one case gets; a person reads them."""

_PART = {
    "user": "acted in {findings}",
    "host": "is where {findings} happened",
    "app": "is the application in {findings}",
    "address": "is the address in {findings}",
}


class Described(Protocol):
    """What the desk knows of an entity."""

    @property
    def principal(self) -> str:
        """What stands behind an account: person, service, machine or built-in."""


class Hearing(Protocol):
    """Questions about one target of a case."""

    def decide(self, action: Action, fallback: Sequence[Action]) -> Decision:
        """Policy's decision on one action; ``fallback`` are the actions to offer if it is not simply permitted."""
        ...


class Desk(Protocol):
    """Whom to ask; :class:`watchfloor.policy.desk.Desk` is one."""

    def describe(self, entity: Entity, traits: frozenset[str]) -> Described:
        """What is known of an entity; ``traits`` are what events say of it."""
        ...

    def hear(self, case: Case, target: Entity, *, ahead: int, traits: frozenset[str]) -> Hearing:
        """A hearing about one target; ``ahead`` counts the targets of this case that come before it."""
        ...


class _Binding(msgspec.Struct, frozen=True):
    """A playbook, a target it applies to, and how many targets come before (``ahead``) and do not fit (``beyond``)."""

    case: Case
    playbook: Playbook
    target: Target
    ahead: int
    beyond: int


def propose(case: Case, library: Library, desk: Desk, traits: Traits) -> tuple[Proposal, ...]:
    """What could be done about a case: at most :data:`MAX_PROPOSALS`, in the order of playbooks and of implication.

    ``traits`` are what the case's events say of its accounts. A playbook that contains something, but finds nothing to
    contain at a target, is not proposed for it.
    """
    bindings = [one for playbook in library.playbooks for one in _bindings(case, playbook, desk, traits)]
    proposals = (_proposal(binding, library, desk) for binding in bindings)
    return tuple(proposal for proposal in proposals if proposal is not None)[:MAX_PROPOSALS]


def _bindings(case: Case, playbook: Playbook, desk: Desk, traits: Traits) -> list[_Binding]:
    targets = [one for one in implicated(case, playbook.applies.entity, traits) if _concerns(playbook, one, desk)]
    within = targets[: playbook.blast_radius.max_targets]
    beyond = len(targets) - len(within)
    return [_Binding(case, playbook, target, ahead, beyond) for ahead, target in enumerate(within)]


def _concerns(playbook: Playbook, target: Target, desk: Desk) -> bool:
    if not playbook.applies.holds(target.facts):
        return False
    if target.entity.type != "user":
        return True
    return desk.describe(target.entity, target.facts.traits).principal in playbook.applies.principals


def _proposal(binding: _Binding, library: Library, desk: Desk) -> Proposal | None:
    playbook, target = binding.playbook, binding.target
    run = [(name, step) for name, step, _ in walk(playbook, lambda condition: condition.holds(target.facts))]
    whole = {library.actions[step.action].kind for _, step, _ in walk(playbook, lambda _: True)}
    bound = {library.actions[step.action].kind for _, step in run}
    if "contain" in whole - bound:
        return None
    hearing = desk.hear(binding.case, target.entity, ahead=binding.ahead, traits=target.facts.traits)
    return Proposal(
        playbook=playbook.id,
        title=f"{playbook.name}: {target.label}",
        target=target.entity.id,
        why=_why(binding),
        steps=tuple(_step(binding, name, step, library, hearing) for name, step in run),
    )


def _step(binding: _Binding, name: str, step: ActionStep, library: Library, hearing: Hearing) -> Step:
    action = library.actions[step.action]
    fallback = [library.actions[other] for other in step.fallback]
    return Step(
        name=name,
        action=action.id,
        target=binding.target.entity.id,
        decision=hearing.decide(action, fallback),
        words=_words(binding.playbook, step, action),
        undo=action.undo,
    )


def _words(playbook: Playbook, step: ActionStep, action: Action) -> str:
    text = f"{step.name}. {action.impact.words}"
    ttl = playbook.ttl(step, action)
    if ttl is not None:
        return f"{text} Undone by {action.undo} after {ttl}."
    if not action.reversible and action.kind == "contain":
        return f"{text} Cannot be undone: {action.restore}"
    return text


def _why(binding: _Binding) -> str:
    target, count = binding.target, len(binding.target.findings)
    gravest = target.findings[0].rule
    findings = "1 finding" if count == 1 else f"{count} findings"
    part = _PART[target.entity.type].format(findings=findings)
    sources = ", ".join(sorted(target.facts.sources)) or "the logs"
    text = (
        f"{target.label} {part}, the gravest {gravest.level} ({gravest.title[:200]}), seen in {sources}; "
        f"the case's risk is {binding.case.risk.value:.2f}. Before acting: {' '.join(binding.playbook.pre_checks)}"
    )
    if binding.beyond:
        return f"{text} {binding.beyond} more targets are left out: the playbook's blast radius is reached."
    return text
