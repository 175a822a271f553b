"""A case: findings that belong together, explained, with proposed actions. OCSF Incident Finding, class 2005.

Correlation opens cases, triage assesses them, policy decides on the proposals, evidence packs them; they meet here.
"""

from typing import Any, Literal

import msgspec

from watchfloor.event import OCSF_VERSION, Entity
from watchfloor.finding import LEVELS, SEVERITY_ID, Finding, Level, Term

Verdict = Literal["permit", "needs-approval", "deny"]
Disposition = Literal["true-positive", "benign-true-positive", "false-positive", "inconclusive"]
DISPOSITIONS: tuple[Disposition, ...] = ("true-positive", "benign-true-positive", "false-positive", "inconclusive")

TACTICS = (
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
)
"""ATT&CK's enterprise tactics, in the order of an attack."""


class Risk(msgspec.Struct, frozen=True):
    """A probability in [0, 1] that the case is a true attack, and the terms it unfolds into."""

    value: float
    terms: tuple[Term, ...] = ()


class TimelineEntry(msgspec.Struct, frozen=True):
    """One line of a case's timeline: when (ms, UTC), what, how grave, which findings and events show it."""

    time: int
    end: int
    text: str
    level: Level
    tactic: str | None
    finding_uids: tuple[str, ...]
    event_uids: tuple[str, ...]
    count: int = 1


class Link(msgspec.Struct, frozen=True):
    """An edge of a case's entity graph: who is connected to whom, by what, seen how often."""

    source: str
    target: str
    words: str
    count: int = 1


class Sentence(msgspec.Struct, frozen=True):
    """A sentence of a narrative and the event uids that prove it."""

    text: str
    cites: tuple[str, ...]


class Rejection(msgspec.Struct, frozen=True):
    """A sentence that was written and not shown, the event uids that it cites, and what they do not prove."""

    text: str
    cites: tuple[str, ...]
    reasons: tuple[str, ...]


class Hypothesis(msgspec.Struct, frozen=True):
    """What the case could be, how probable, and what speaks for it, in words."""

    name: str
    probability: float
    words: str
    supports: tuple[str, ...] = ()


class Assessment(msgspec.Struct, frozen=True):
    """What triage says of a case. Every sentence cites, and its citations prove it; those rejected are kept apart."""

    headline: str
    sentences: tuple[Sentence, ...]
    hypotheses: tuple[Hypothesis, ...] = ()
    checks: tuple[str, ...] = ()
    author: str = "deterministic"
    rejected: tuple[Rejection, ...] = ()


class Decision(msgspec.Struct, frozen=True):
    """Policy's answer to one step: the verdict, the policies that determined it, why, and what else is possible."""

    verdict: Verdict
    policies: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """One step of a proposed playbook: an action on a target, and the decision about it."""

    name: str
    action: str
    target: str
    decision: Decision
    words: str = ""
    undo: str | None = None


class Proposal(msgspec.Struct, frozen=True):
    """A playbook that applies to a case, bound to a target."""

    playbook: str
    title: str
    target: str
    why: str
    steps: tuple[Step, ...]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Findings that share entities in a plausible order. Times in ms, UTC."""

    uid: str
    tenant: str
    title: str
    level: Level
    start: int
    end: int
    findings: tuple[Finding, ...]
    entities: tuple[Entity, ...]
    tactics: tuple[str, ...]
    risk: Risk
    timeline: tuple[TimelineEntry, ...] = ()
    links: tuple[Link, ...] = ()
    why_together: tuple[str, ...] = ()
    assessment: Assessment | None = None
    proposals: tuple[Proposal, ...] = ()

    def to_ocsf(self, *, now: int) -> dict[str, Any]:
        """The OCSF 2005 object of section 12 of the design; ``now`` is when it is written (ms, UTC)."""
        assessment = self.assessment or Assessment(self.title, ())
        return {
            "class_uid": 2005,
            "category_uid": 2,
            "activity_id": 1,
            "type_uid": 200501,
            "severity_id": SEVERITY_ID[self.level],
            "status_id": 1,
            "time": self.end,
            "start_time": self.start,
            "end_time": self.end,
            "message": assessment.headline,
            "assignee_group": {"name": "unassigned"},
            "metadata": {
                "uid": self.uid,
                "version": OCSF_VERSION,
                "tenant_uid": self.tenant,
                "processed_time": now,
                "product": {"name": "Watchfloor", "vendor_name": "Watchfloor"},
            },
            "finding_info_list": [finding.to_ocsf(now=now)["finding_info"] for finding in self.findings],
            "unmapped": {
                "title": self.title,
                "finding_uids": [finding.uid for finding in self.findings],
                "entities": msgspec.to_builtins(self.entities),
                "tactics": list(self.tactics),
                "risk": msgspec.to_builtins(self.risk),
                "why_together": list(self.why_together),
                "timeline": msgspec.to_builtins(self.timeline),
                "links": msgspec.to_builtins(self.links),
                "sentences": msgspec.to_builtins(assessment.sentences),
                "rejected": msgspec.to_builtins(assessment.rejected),
                "hypotheses": msgspec.to_builtins(assessment.hypotheses),
                "checks": list(assessment.checks),
                "proposals": [_proposal(proposal) for proposal in self.proposals],
            },
        }


def first_to_read(case: Case) -> tuple[float, float, int, int, str]:
    """The order of cases wherever they stand: by falling risk, then gravity, then time.

    A risk is capped and rounded, so that many cases share one; the sum of their terms still tells them apart.
    """
    terms = sum(term.value for term in case.risk.terms)
    return -case.risk.value, -terms, -LEVELS.index(case.level), case.start, case.uid


def _proposal(proposal: Proposal) -> dict[str, Any]:
    return {
        "playbook": proposal.playbook,
        "title": proposal.title,
        "target": proposal.target,
        "why": proposal.why,
        "steps": [
            {
                "action": step.action,
                "target": step.target,
                "decision": step.decision.verdict,
                "policies": list(step.decision.policies),
                "reasons": list(step.decision.reasons),
                "alternatives": list(step.decision.alternatives),
                "approvals": list(step.decision.approvals),
                "undo": step.undo,
            }
            for step in proposal.steps
        ],
    }
