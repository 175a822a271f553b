"""The laws of actions and playbooks, run on the built-in ones and on yours; and the cases of playbook folders.

``content/playbooks/NAME/cases/*.yml`` holds a ``case`` in short (``risk`` and ``findings``) and the ``proposals`` that
the playbook makes for it: each a ``target`` and the ``steps`` in order, with the verdict on each.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from watchfloor.case import Case, Proposal, Risk
from watchfloor.catalog import read_yaml
from watchfloor.event import entity_of
from watchfloor.finding import LEVELS, Finding, Level, Rule
from watchfloor.policy.desk import Desk
from watchfloor.policy.engine import PolicyEngine
from watchfloor.policy.inventory import Inventory
from watchfloor.policy.request import Resource
from watchfloor.respond.action import Action, seconds
from watchfloor.respond.condition import Trait
from watchfloor.respond.library import Library
from watchfloor.respond.playbook import ActionStep, Playbook
from watchfloor.respond.propose import propose
from watchfloor.respond.workflow import problems, walk

MONTH = 31 * 86400
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class ShortFinding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A finding in short; ``entities`` are ids in the order of their roles."""

    level: Level
    source: str
    entities: tuple[str, ...]
    title: str = "Something was seen"
    use_case: str | None = None
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()


class ShortCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case in short; ``traits`` are what its events say of accounts, by entity id."""

    risk: float
    findings: tuple[ShortFinding, ...]
    traits: dict[str, tuple[Trait, ...]] = {}


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A proposal in short: its target, and the verdict on each step, in order."""

    target: str
    steps: dict[str, str]


class PlaybookCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case and what the playbook proposes for it; ``resources`` are what the inventory declares."""

    case: ShortCase
    proposals: tuple[Expected, ...]
    resources: tuple[Resource, ...] = ()


def check_action(action: Action, actions: Mapping[str, Action]) -> None:
    """An action can be taken back or says how people do, and the undo of its undo is the action itself.

    Raises:
        AssertionError: A law is broken.
    """
    assert action.permissions or action.connector == "manual", f"{action.id}: no permissions"
    if action.undo is not None:
        assert actions[action.undo].undo == action.id, f"{action.id}: the undo of its undo is something else"
        assert action.reversible, f"{action.id}: irreversible, and yet it has an undo"
    if action.kind == "contain":
        ends = action.self_restoring or (action.undo is not None and action.ttl is not None)
        assert ends == action.reversible, f"{action.id}: a reversible containment ends by itself or has undo and ttl"
        assert action.reversible or action.restore, f"{action.id}: nobody is told how to bring back what it removes"
    if action.undo is not None and action.kind == "contain":
        assert actions[action.undo].kind == "revert", f"{action.id}: its undo is no revert"


def check_playbook(playbook: Playbook, actions: Mapping[str, Action]) -> None:
    """A playbook keeps evidence first, ends what it starts, and touches few targets.

    Raises:
        AssertionError: A law is broken.
    """
    assert not list(problems(playbook, actions)), "its workflow is wrong"
    evidence = False
    for name, step, branch in walk(playbook, lambda _: True):
        action = actions[step.action]
        evidence = evidence or (action.kind == "collect" and not branch)
        if action.kind == "contain":
            assert evidence, f"{name}: changes the target before its evidence is kept"
    for name, other in playbook.workflow.items():
        if isinstance(other, ActionStep):
            _check_end(playbook, name, other, actions[other.action])
    assert playbook.blast_radius.max_targets <= 20, "it may touch too many targets"


def _check_end(playbook: Playbook, name: str, step: ActionStep, action: Action) -> None:
    ttl = playbook.ttl(step, action)
    if action.kind == "contain" and action.undo is not None:
        assert ttl is not None, f"{name}: a containment without a time to live"
        assert 0 < seconds(ttl) <= MONTH, f"{name}: its time to live is longer than a month"
        assert name in playbook.rollback, f"{name}: not in the rollback"


def run_case(playbook: Playbook, path: Path, library: Library, engine: PolicyEngine) -> None:
    """Propose the playbook for the case of a file, and compare.

    Raises:
        ContentError: The file does not load.
        AssertionError: Other targets, steps or verdicts than expected.
    """
    expected = msgspec.convert(read_yaml(path), PlaybookCase)
    inventory = Inventory({resource.id: resource for resource in expected.resources})
    desk = Desk(engine=engine, inventory=inventory, now=NOON)
    only = msgspec.structs.replace(library, playbooks=(playbook,))
    traits = {account: frozenset(one) for account, one in expected.case.traits.items()}
    found = [_in_short(proposal) for proposal in propose(build_case(expected.case), only, desk, traits)]
    assert found == [(one.target, list(one.steps.items())) for one in expected.proposals], f"{path}: {found}"


def _in_short(proposal: Proposal) -> tuple[str, list[tuple[str, str]]]:
    return proposal.target, [(step.name, step.decision.verdict) for step in proposal.steps]


def build_case(short: ShortCase) -> Case:
    """The whole case of a short one."""
    findings = tuple(_finding(number, one) for number, one in enumerate(short.findings))
    entities = dict.fromkeys(entity for finding in findings for entity in finding.entities)
    tactics = dict.fromkeys(tactic for one in short.findings for tactic in one.tactics)
    return Case(
        uid="case-1",
        tenant="default",
        title="A case",
        level=max((one.level for one in short.findings), key=LEVELS.index, default="informational"),
        start=0,
        end=len(findings),
        findings=findings,
        entities=tuple(entities),
        tactics=tuple(tactics),
        risk=Risk(short.risk),
    )


def _finding(number: int, short: ShortFinding) -> Finding:
    return Finding(
        uid=f"finding-{number}",
        tenant="default",
        rule=Rule(
            id=f"rule-{number}",
            title=short.title,
            level=short.level,
            use_case=short.use_case,
            tactics=short.tactics,
            techniques=short.techniques,
        ),
        start=number,
        end=number,
        event_uids=(f"event-{number}",),
        entities=tuple(entity_of(name) for name in short.entities),
        source=short.source,
    )
