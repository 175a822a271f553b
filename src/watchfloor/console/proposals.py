"""Proposed playbooks as a card shows them: each step in words, with the decision about it."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec
import regex

from watchfloor.case import Decision, Proposal, Step, Verdict

_VERDICTS: tuple[Verdict, ...] = ("permit", "needs-approval", "deny")
_IDENTIFIER = regex.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")


class StepView(msgspec.Struct, frozen=True):
    """A step; ``target`` is empty where it is the playbook's own."""

    name: str
    action: str
    target: str
    words: str
    undo: str
    decision: Decision


class ProposalView(msgspec.Struct, frozen=True):
    """A playbook with its target in the title; ``decisions`` counts its steps by verdict."""

    title: str
    why: str
    steps: tuple[StepView, ...]
    decisions: tuple[tuple[Verdict, int], ...]


def proposal_views(proposals: Iterable[Proposal], names: Mapping[str, str]) -> tuple[ProposalView, ...]:
    """The views of proposals; ``names`` are the names of entities by id."""
    return tuple(_proposal(proposal, names) for proposal in proposals)


def plain(identifier: str) -> str:
    """An identifier as words; anything else as it is.

    >>> plain("disable_ad_account"), plain("Suspend the account")
    ('Disable ad account', 'Suspend the account')
    """
    if not _IDENTIFIER.fullmatch(identifier):
        return identifier
    return identifier.replace("_", " ").replace("-", " ").capitalize()


def _proposal(proposal: Proposal, names: Mapping[str, str]) -> ProposalView:
    target = names.get(proposal.target, proposal.target)
    steps = tuple(_step(step, proposal.target, names) for step in proposal.steps)
    title = proposal.title if target in proposal.title else f"{proposal.title}: {target}"
    verdicts = Counter(step.decision.verdict for step in proposal.steps)
    decisions = tuple((verdict, verdicts[verdict]) for verdict in _VERDICTS if verdicts[verdict])
    return ProposalView(title, proposal.why, steps, decisions)


def _step(step: Step, own: str, names: Mapping[str, str]) -> StepView:
    target = "" if step.target == own else names.get(step.target, step.target)
    return StepView(plain(step.name), step.action, target, step.words, step.undo or "", step.decision)
