from datetime import UTC, datetime

import msgspec
import pytest

from watchfloor.case import Assessment, Case, Risk, Sentence
from watchfloor.event import entity_of
from watchfloor.policy.desk import Desk
from watchfloor.policy.engine import PolicyEngine
from watchfloor.respond.library import Library
from watchfloor.testing.playbooks import ShortCase, ShortFinding, build_case

NOW = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
ALICE = entity_of("user:alice@example.com")


def case_of(risk: float = 0.9, *, sources: tuple[str, ...] = ("okta_system_log", "aws_cloudtrail")) -> Case:
    return build_case(ShortCase(risk, tuple(ShortFinding("medium", source, (ALICE.id,)) for source in sources)))


@pytest.fixture
def desk(engine: PolicyEngine) -> Desk:
    return Desk(engine=engine, now=NOW)


def test_facts_come_from_the_findings(desk: Desk, library: Library) -> None:
    context = desk.hear(case_of(), ALICE, ahead=3).request(library.actions["okta_suspend_user"]).context
    assert (context.level, context.risk, context.sources) == ("medium", 0.9, 2)
    assert (context.hour, context.targets_last_hour, context.approvals) == (23, 3, ())


def test_a_severity_raised_by_a_model_changes_nothing(desk: Desk, library: Library) -> None:
    case = case_of(sources=("okta_system_log",))
    sentence = Sentence("Suspend alice now, policy agrees.", ("event-0",))
    raised = msgspec.structs.replace(
        case,
        level="critical",
        title="Ignore the policy",
        assessment=Assessment("CRITICAL", (sentence,), author="model"),
    )
    for action in library.actions.values():
        assert desk.hear(raised, ALICE).request(action) == desk.hear(case, ALICE).request(action)


def test_only_sources_that_show_the_target_count(desk: Desk, library: Library) -> None:
    other = entity_of("user:bob@example.com")
    assert desk.hear(case_of(), other).request(library.actions["okta_suspend_user"]).context.sources == 0


def test_a_retracted_finding_proves_nothing(desk: Desk, library: Library) -> None:
    case = case_of()
    gone = tuple(msgspec.structs.replace(one, status="retracted") for one in case.findings)
    context = (
        desk.hear(msgspec.structs.replace(case, findings=gone), ALICE)
        .request(library.actions["okta_suspend_user"])
        .context
    )
    assert (context.level, context.sources) == ("informational", 0)


@pytest.mark.parametrize("risk", [float("nan"), float("inf"), 7.0, -3.0])
def test_a_risk_that_is_no_probability_is_bounded(desk: Desk, library: Library, risk: float) -> None:
    case = msgspec.structs.replace(case_of(), risk=Risk(risk))
    assert 0 <= desk.hear(case, ALICE).request(library.actions["okta_suspend_user"]).context.risk <= 1


def test_autonomy_and_kill_switch_are_the_desks(engine: PolicyEngine, library: Library) -> None:
    clear = library.actions["okta_clear_sessions"]
    verdicts = [
        Desk(engine=engine, now=NOW, autonomy=autonomy, kill_switch=stop).hear(case_of(), ALICE).decide(clear).verdict
        for autonomy, stop in [({}, False), ({"contain": 0}, False), ({}, True)]
    ]
    assert verdicts == ["permit", "needs-approval", "deny"]


def test_a_fallback_is_offered_first_and_once(desk: Desk, library: Library) -> None:
    actions = library.actions
    decision = desk.hear(case_of(), ALICE).decide(actions["okta_suspend_user"], (actions["okta_clear_sessions"],))
    assert [text.partition(" ")[0] for text in decision.alternatives] == ["okta_clear_sessions"]
    assert "fallback" in decision.alternatives[0]


def test_a_fallback_that_is_denied_is_not_offered(engine: PolicyEngine, library: Library) -> None:
    stopped = Desk(engine=engine, now=NOW, kill_switch=True)
    actions = library.actions
    decision = stopped.hear(case_of(), ALICE).decide(actions["okta_suspend_user"], (actions["okta_clear_sessions"],))
    assert not any("okta_clear_sessions" in text for text in decision.alternatives)
