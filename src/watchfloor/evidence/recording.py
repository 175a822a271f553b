"""What a case leaves in the chain: its assessment, and each decision that policy took for it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from watchfloor.case import Case, Proposal, Step
from watchfloor.evidence.chain import Chain, Entry, Record

ASSESSMENT = "assessment"
DECISION = "decision"


def record_case(chain: Chain, case: Case, *, at: int) -> tuple[Record, ...]:
    """Append what the chain does not have yet of a case's assessment and decisions; returns the new records.

    Recording a case twice changes nothing. A changed assessment or decision is appended beside the old one: the last
    one counts, and both remain.
    """
    latest = {_matter(record.kind, record.body): record.body for record in chain.about(case.tenant, case.uid)}
    new = [entry for entry in _entries(case) if latest.get(_matter(entry.kind, entry.body)) != entry.body]
    return chain.extend(new, at=at)


def assessment_body(case: Case) -> dict[str, Any] | None:
    """The content of ``assessment.json``."""
    if case.assessment is None:
        return None
    body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(case.assessment))
    return body


def _entries(case: Case) -> Iterator[Entry]:
    body = assessment_body(case)
    if body is not None:
        yield Entry(case.tenant, ASSESSMENT, case.uid, body)
    for proposal in case.proposals:
        for number, step in enumerate(proposal.steps):
            yield Entry(case.tenant, DECISION, case.uid, _decision(proposal, number, step))


def _decision(proposal: Proposal, number: int, step: Step) -> dict[str, Any]:
    return {
        "playbook": proposal.playbook,
        "proposed_for": proposal.target,
        "why": proposal.why,
        "step": number,
        "name": step.name,
        "action": step.action,
        "target": step.target,
        "words": step.words,
        "undo": step.undo,
        "verdict": step.decision.verdict,
        "policies": list(step.decision.policies),
        "reasons": list(step.decision.reasons),
        "alternatives": list(step.decision.alternatives),
        "approvals": list(step.decision.approvals),
    }


def _matter(kind: str, body: dict[str, Any]) -> tuple[object, ...]:
    """What a record is about within its case; of two records on one matter, the later one counts."""
    if kind != DECISION:
        return (kind,)
    return (kind, body["playbook"], body["proposed_for"], body["step"], body["target"])
