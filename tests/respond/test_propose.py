from datetime import UTC, datetime

import msgspec
import pytest

from watchfloor.case import Case, Proposal
from watchfloor.event import Entity
from watchfloor.policy.desk import Desk
from watchfloor.policy.engine import PolicyEngine
from watchfloor.respond.library import Library
from watchfloor.respond.propose import MAX_PROPOSALS, propose
from watchfloor.respond.targets import implicated
from watchfloor.testing.playbooks import ShortCase, ShortFinding, build_case

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def finding(*entities: str, source: str = "okta_system_log", level: str = "high") -> ShortFinding:
    return msgspec.convert(
        {
            "level": level,
            "source": source,
            "entities": entities,
            "tactics": ["credential-access"],
            "title": "Odd sign-in",
        },
        ShortFinding,
    )


def case_of(*findings: ShortFinding, risk: float = 0.9) -> Case:
    return build_case(ShortCase(risk, findings))


@pytest.fixture
def desk(engine: PolicyEngine) -> Desk:
    return Desk(engine=engine, now=NOW)


def targets(proposals: tuple[Proposal, ...], playbook: str) -> list[str]:
    return [one.target for one in proposals if one.playbook == playbook]


def test_a_proposal_says_why_and_what_each_step_does(library: Library, desk: Desk) -> None:
    case = case_of(finding("user:alice@example.com"), finding("user:alice@example.com", level="medium"))
    (proposal,) = propose(case, library, desk, {})
    assert proposal.title == "Contain an account: alice@example.com"
    assert proposal.why.startswith(
        "alice@example.com acted in 2 findings, the gravest high (Odd sign-in), seen in okta_system_log; "
        "the case's risk is 0.90. Before acting: The account exists"
    )
    steps = {step.name: step for step in proposal.steps}
    suspend = steps["suspend_okta_user"]
    assert (suspend.action, suspend.target, suspend.undo) == (
        "okta_suspend_user",
        "user:alice@example.com",
        "okta_unsuspend_user",
    )
    assert suspend.words.endswith("Undone by okta_unsuspend_user after 8h.")
    assert suspend.decision.approvals == ("1 incident_commander",)
    assert suspend.decision.alternatives[0].startswith("okta_clear_sessions (needs-approval)")


def test_evidence_comes_first(library: Library, desk: Desk) -> None:
    case = case_of(finding("user:alice@example.com", "host:ws-17", source="windows"))
    for proposal in propose(case, library, desk, {}):
        assert library.actions[proposal.steps[0].action].kind == "collect"


def test_only_the_subject_of_a_finding_is_a_target(library: Library, desk: Desk) -> None:
    case = case_of(finding("user:mallory", "user:victim", "host:ws-17", "host:fs-02", source="windows"))
    proposals = propose(case, library, desk, {})
    assert targets(proposals, "contain_account") == ["user:mallory"]
    assert targets(proposals, "isolate_host") == ["host:ws-17"]


def test_a_retracted_finding_implicates_nobody(library: Library, desk: Desk) -> None:
    case = case_of(finding("user:alice@example.com"))
    gone = (msgspec.structs.replace(case.findings[0], status="retracted"),)
    assert propose(msgspec.structs.replace(case, findings=gone), library, desk, {}) == ()


def test_a_case_without_findings_proposes_nothing(library: Library, desk: Desk) -> None:
    assert propose(case_of(), library, desk, {}) == ()


def test_nothing_to_contain_is_no_proposal(library: Library, desk: Desk) -> None:
    assert propose(case_of(finding("user:alice@example.com", source="linux_auditd")), library, desk, {}) == ()


def test_proposals_are_bounded_and_the_rest_is_counted(library: Library, desk: Desk) -> None:
    many = [finding(f"user:u{n}@example.com", f"host:h{n:02}", source="windows") for n in range(40)]
    proposals = propose(case_of(*many), library, desk, {})
    assert len(targets(proposals, "contain_account")) == 5
    assert len(targets(proposals, "isolate_host")) == 3
    assert len(proposals) <= MAX_PROPOSALS
    assert "35 more targets are left out" in proposals[0].why


def test_the_order_of_findings_does_not_matter(library: Library, desk: Desk) -> None:
    case = case_of(*(finding(f"user:u{n % 3}@example.com", f"host:h{n % 2}", source="windows") for n in range(9)))
    turned = msgspec.structs.replace(case, findings=case.findings[::-1], entities=case.entities[::-1])
    assert propose(turned, library, desk, {}) == propose(case, library, desk, {})


def test_the_case_knows_the_name_better_than_the_finding(library: Library, desk: Desk) -> None:
    case = case_of(finding("user:00u1"))
    named = msgspec.structs.replace(case, entities=(Entity("user", "user:00u1", "Alice Example"),))
    (proposal,) = propose(named, library, desk, {})
    assert (proposal.target, proposal.title) == ("user:00u1", "Contain an account: Alice Example")


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\u202egnp.exe", "\0", "x" * 10_000, '") permit(', ""])
def test_hostile_names_are_bound_and_short(library: Library, desk: Desk, name: str) -> None:
    case = case_of(finding(f"user:{name}"))
    for proposal in propose(case, library, desk, {}):
        assert proposal.target == f"user:{name}"
        assert len(proposal.title) < 300
        assert len(proposal.why) < 1_500


def test_implicated_by_level_then_number(library: Library, desk: Desk) -> None:
    case = case_of(finding("user:a"), finding("user:b"), finding("user:b"), finding("user:c", level="critical"))
    assert [one.entity.id for one in implicated(case, "user", {})] == ["user:c", "user:b", "user:a"]
    assert targets(propose(case, library, desk, {}), "contain_account") == ["user:c", "user:b", "user:a"]


def test_targets_of_one_case_use_up_the_hours_budget_together(library: Library, engine: PolicyEngine) -> None:
    busy = Desk(engine=engine, now=NOW, touched={"contain": 3})
    case = case_of(*(finding(f"host:h{n}", source="windows_event_log") for n in range(3)))
    verdicts = [proposal.steps[-1].decision.verdict for proposal in propose(case, library, busy, {})]
    assert verdicts == ["needs-approval", "needs-approval", "deny"]
