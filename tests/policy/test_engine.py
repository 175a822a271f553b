from pathlib import Path

import pytest

from watchfloor.catalog import BUILT_IN
from watchfloor.policy.engine import DEFAULT_DENY, FAIL_CLOSED, PAGE, PolicyEngine
from watchfloor.policy.request import Approval, Circumstances, PolicyRequest, Resource
from watchfloor.respond.library import Library
from watchfloor.testing.policies import check_approvals_help, check_kill_switch

ALICE = Resource("user", "user:alice@example.com")
STRONG = Circumstances(level="high", risk=0.9, sources=2)
NAMED = """
@id("all") @reason("Everything is allowed.") permit (principal, action, resource);
@id("not-alice") @reason("Alice is on duty.") @alternative("Ask Alice about it.")
forbid (principal, action, resource == User::"user:alice@example.com");
"""


def engine_of(root: Path, library: Library, text: str) -> PolicyEngine:
    (root / "policies" / "mine" / "mine.cedar").write_text(text)
    engine, errors = PolicyEngine.load((root,), library.actions.values())
    assert not [str(error) for error in errors]
    return engine


def test_without_policies_everything_is_denied(tmp_path: Path, library: Library) -> None:
    engine, errors = PolicyEngine.load((tmp_path,), library.actions.values())
    decision = engine.decide(PolicyRequest("capture_events", ALICE, context=STRONG))
    assert not errors
    assert decision.verdict == "deny"
    assert decision.policies == (DEFAULT_DENY,)
    assert decision.reasons == ("No policy permits capture_events to agent:watchfloor (responder).",)
    assert decision.alternatives == (PAGE,)


def test_a_denial_names_policies_reasons_and_open_alternatives(engine: PolicyEngine) -> None:
    decision = engine.decide(
        PolicyRequest("okta_suspend_user", Resource("user", "user:x", is_break_glass=True), context=STRONG)
    )
    assert decision.verdict == "deny"
    assert decision.policies == ("never-suspend-break-glass",)
    assert "lock everybody out" in decision.reasons[0]
    assert decision.alternatives[0].startswith("okta_clear_sessions (permit): ")


def test_an_alternative_that_is_denied_itself_is_not_offered(policies: Path, library: Library) -> None:
    engine = engine_of(
        policies,
        library,
        """
        @id("never") @reason("It is never done here.") @alternative("Clear the sessions.") @instead("revoke-sessions")
        forbid (principal, action in Action::"contain", resource);
        """,
    )
    decision = engine.decide(PolicyRequest("okta_suspend_user", ALICE, context=STRONG))
    assert decision.alternatives == (PAGE,)


def test_a_permit_may_ask_for_approvals(policies: Path, library: Library) -> None:
    engine = engine_of(
        policies,
        library,
        """
        @id("two-analysts") @reason("Two analysts may do it.") @alternative("Wait for the second one.")
        @needs("2 analyst")
        permit (principal, action, resource) when { context.approvals.analyst >= 2 };
        @id("one-commander") @reason("One commander may do it.") @alternative("Find two analysts.")
        @needs("1 incident_commander")
        permit (principal, action, resource) when { context.approvals.incident_commander >= 1 };
        """,
    )
    one = Circumstances(approvals=(Approval("person:bob@example.com", "analyst"),))
    assert engine.decide(PolicyRequest("okta_suspend_user", ALICE)).approvals == ("1 incident_commander",)
    assert engine.decide(PolicyRequest("okta_suspend_user", ALICE, context=one)).verdict == "needs-approval"


def test_approvals_already_given_are_not_asked_for_again(policies: Path, library: Library) -> None:
    engine = engine_of(
        policies,
        library,
        """
        @id("two-analysts") @reason("Two analysts may do it.") @alternative("Wait for the second one.")
        @needs("2 analyst")
        permit (principal, action, resource) when { context.approvals.analyst >= 2 };
        """,
    )
    one = Circumstances(approvals=(Approval("person:bob@example.com", "analyst"),))
    assert engine.decide(PolicyRequest("okta_suspend_user", ALICE)).approvals == ("2 analyst",)
    assert engine.decide(PolicyRequest("okta_suspend_user", ALICE, context=one)).approvals == ("1 analyst",)


def test_approvals_that_others_make_unnecessary_are_not_asked_for(policies: Path, library: Library) -> None:
    engine = engine_of(
        policies,
        library,
        """
        @id("all") @reason("Everything is allowed.") permit (principal, action, resource);
        @id("looked-at") @reason("Somebody has looked at it.") @alternative("Have a look at it.") @needs("1 analyst")
        forbid (principal, action, resource)
        unless { context.approvals.analyst >= 1 || context.approvals.incident_commander >= 1 };
        @id("commanded") @reason("A commander decides this.") @alternative("Do nothing at all.")
        @needs("1 incident_commander")
        forbid (principal, action, resource) unless { context.approvals.incident_commander >= 1 };
        """,
    )
    decision = engine.decide(PolicyRequest("okta_suspend_user", ALICE))
    assert (decision.policies, decision.approvals) == (("commanded",), ("1 incident_commander",))


def test_needs_that_do_not_open_the_step_give_a_denial(policies: Path, library: Library) -> None:
    engine = engine_of(
        policies,
        library,
        """
        @id("all") @reason("Everything is allowed.") permit (principal, action, resource);
        @id("liar") @reason("A commander decides this.") @alternative("Do nothing at all.") @needs("1 analyst")
        forbid (principal, action, resource) unless { context.approvals.incident_commander >= 1 };
        """,
    )
    decision = engine.decide(PolicyRequest("okta_suspend_user", ALICE))
    assert (decision.verdict, decision.policies) == ("deny", (FAIL_CLOSED,))
    assert "liar" in decision.reasons[0]


def test_a_policy_that_cannot_be_evaluated_denies(policies: Path, library: Library) -> None:
    # Cedar skips a policy that fails; a forbid that is skipped would be a hole.
    engine = engine_of(
        policies,
        library,
        """
        @id("all") @reason("Everything is allowed.") permit (principal, action, resource);
        @id("overflow") @reason("The sum is too large.") @alternative("Count less of it.")
        forbid (principal, action, resource) when { context.sources + 9223372036854775807 > 0 };
        """,
    )
    decision = engine.decide(PolicyRequest("okta_suspend_user", ALICE, context=STRONG))
    assert (decision.verdict, decision.policies) == ("deny", (FAIL_CLOSED,))


def test_a_broken_file_stops_changes_and_not_evidence(policies: Path, library: Library) -> None:
    (policies / "policies" / "mine" / "mine.cedar").write_text("forbid (principal action);")
    engine, errors = PolicyEngine.load((BUILT_IN, policies), library.actions.values())
    assert len(errors) == 1
    changed = engine.decide(PolicyRequest("okta_clear_sessions", ALICE, context=STRONG))
    assert (changed.verdict, changed.policies) == ("deny", (FAIL_CLOSED,))
    assert "mine.cedar:1" in changed.reasons[0]
    assert engine.decide(PolicyRequest("capture_events", ALICE, context=STRONG)).verdict == "permit"


def test_laws_catch_a_kill_switch_that_is_left_out(policies: Path, library: Library) -> None:
    engine = engine_of(
        policies, library, '@id("all") @reason("Everything is allowed.") permit (principal, action, resource);'
    )
    with pytest.raises(AssertionError, match="kill switch"):
        check_kill_switch(engine, PolicyRequest("open_ticket", ALICE))


def test_laws_catch_an_approval_that_hinders(policies: Path, library: Library) -> None:
    engine = engine_of(
        policies,
        library,
        """
        @id("all") @reason("Everything is allowed.") permit (principal, action, resource);
        @id("stop") @reason("The kill switch is on.") @alternative("Do it by hand.")
        forbid (principal, action, resource) when { context.kill_switch };
        @id("odd") @reason("Approvals frighten us.") @alternative("Ask nobody at all.")
        forbid (principal, action, resource) when { context.approvals.analyst > 0 };
        """,
    )
    with pytest.raises(AssertionError, match="stricter"):
        check_approvals_help(engine, PolicyRequest("open_ticket", ALICE))


@pytest.mark.parametrize(
    "text", ["", "\0", "user:\u202eevil", '"; permit(principal,action,resource); //', "x" * 10_000]
)
def test_hostile_ids_are_only_names(policies: Path, library: Library, engine: PolicyEngine, text: str) -> None:
    resource = Resource("user", text, is_break_glass=True)
    assert engine.decide(PolicyRequest("okta_suspend_user", resource, context=STRONG)).verdict == "deny"
    assert engine.decide(PolicyRequest("capture_events", resource, context=STRONG)).verdict == "permit"
    named = engine_of(policies, library, NAMED)
    assert named.decide(PolicyRequest("okta_suspend_user", resource)).verdict == "permit"


def test_a_policy_may_name_a_resource(policies: Path, library: Library) -> None:
    engine = engine_of(policies, library, NAMED)
    bob = Resource("user", "user:bob@example.com")
    verdicts = [engine.decide(PolicyRequest("okta_suspend_user", one)).verdict for one in (bob, ALICE, bob)]
    assert verdicts == ["permit", "deny", "permit"]


def test_an_id_that_is_not_unicode_is_denied_where_ids_matter(policies: Path, library: Library) -> None:
    decision = engine_of(policies, library, NAMED).decide(PolicyRequest("capture_events", Resource("user", "\ud800")))
    assert (decision.verdict, decision.policies) == ("deny", (FAIL_CLOSED,))


@pytest.mark.parametrize("risk", [float("nan"), float("inf"), -1.0])
def test_a_risk_that_is_no_probability_counts_as_none(engine: PolicyEngine, risk: float) -> None:
    request = PolicyRequest("okta_clear_sessions", ALICE, context=Circumstances(risk=risk, sources=9))
    assert engine.decide(request).verdict == "needs-approval"


def test_a_misfit_action_is_named_and_never_permitted() -> None:
    class Typo:
        id, kind, operation, connector = "okta_suspend_user", "contain", "suspend-acount", "okta"
        targets, reversible, impact_level = ("user",), True, "low"

    engine, errors = PolicyEngine.load((BUILT_IN,), (Typo(),))
    assert ["suspend-acount" in str(error) for error in errors] == [True]
    assert engine.decide(PolicyRequest("okta_suspend_user", ALICE, context=STRONG)).policies == (DEFAULT_DENY,)
