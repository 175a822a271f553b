"""Playbooks: what to do about a target, in the vocabulary of CACAO 2.0, from ``content/playbooks/NAME/playbook.yml``.

From CACAO come the workflow and its steps (start, action, parallel, if-condition, end; ``on_completion``, or
``on_success`` with ``on_failure``; each branch ends in an end step of its own, and the branching step goes on with its
``on_completion``), commands, agents and targets. Steps are keyed by plain names; an export adds CACAO's uuids. Ours are
``applies`` (the trigger), ``pre_checks``, ``fallback``, ``rollback``, ``time_to_live`` and ``blast_radius``.

Source: OASIS, CACAO Security Playbooks Version 2.0, sections 3 and 4.
"""

from typing import Annotated, Literal

import msgspec

from watchfloor.respond.action import Action, Duration, Name, Words
from watchfloor.respond.condition import Applies, Condition

PlaybookType = Literal[
    "attack", "detection", "engagement", "investigation", "mitigation", "notification", "prevention", "remediation"
]


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CACAO command whose text is the name of a declared action."""

    command: str
    type: Literal["watchfloor"] = "watchfloor"


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="start"):
    """Where the workflow begins."""

    on_completion: str


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="end"):
    """Where the workflow, or one branch of it, ends."""


class ActionStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="action"):
    """One action on the subject. ``fallback`` are actions to offer where policy refuses this one."""

    name: Words
    commands: Annotated[tuple[Command, ...], msgspec.Meta(min_length=1, max_length=1)]
    description: str = ""
    agent: Literal["watchfloor"] = "watchfloor"
    targets: Annotated[tuple[Literal["subject"], ...], msgspec.Meta(min_length=1, max_length=1)] = ("subject",)
    on_completion: str | None = None
    on_success: str | None = None
    on_failure: str | None = None
    fallback: tuple[str, ...] = ()
    ttl: Duration | None = None

    @property
    def action(self) -> str:
        """The name of the step's action."""
        return self.commands[0].command


class Parallel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="parallel"):
    """Branches that do not wait for each other."""

    next_steps: Annotated[tuple[str, ...], msgspec.Meta(min_length=2)]
    on_completion: str


class IfCondition(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type", tag="if-condition"
):
    """A decision point: one branch, or the other, or none."""

    condition: Condition
    on_true: str
    on_completion: str
    on_false: str | None = None


WorkflowStep = Start | End | ActionStep | Parallel | IfCondition


class BlastRadius(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many targets of one case the playbook may be bound to."""

    max_targets: Annotated[int, msgspec.Meta(ge=1, le=20)]


class Playbook(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A playbook.

    ``rollback`` names the steps to undo, in that order; ``pre_checks`` are what a person looks at first.
    """

    type: Literal["playbook"]
    spec_version: Literal["cacao-2.0"]
    id: Name
    name: Words
    description: Words
    playbook_types: Annotated[tuple[PlaybookType, ...], msgspec.Meta(min_length=1)]
    playbook_activities: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    applies: Applies
    pre_checks: Annotated[tuple[Words, ...], msgspec.Meta(min_length=1)]
    workflow_start: str
    workflow: Annotated[dict[str, WorkflowStep], msgspec.Meta(max_length=64)]
    rollback: tuple[str, ...]
    time_to_live: Duration
    blast_radius: BlastRadius

    def ttl(self, step: ActionStep, action: Action) -> str | None:
        """How long the step's effect lasts before it is undone; ``None`` where there is nothing to undo."""
        return (step.ttl or action.ttl or self.time_to_live) if action.undo and action.kind == "contain" else None
