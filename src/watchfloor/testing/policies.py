"""The laws of policies, run on the built-in ones and on yours: what must hold of any set of policies.

The laws over requests take one request; :func:`check_policies` runs them over many random ones (it needs hypothesis).
"""

from collections.abc import Callable

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchfloor.finding import LEVELS
from watchfloor.policy.engine import DEFAULT_DENY, FAIL_CLOSED, PolicyEngine
from watchfloor.policy.request import ROLES, Actor, Approval, Circumstances, PolicyRequest, Resource

Law = Callable[[PolicyEngine, PolicyRequest], None]

RANK = {"deny": 0, "needs-approval": 1, "permit": 2}
"""Verdicts, strictest first."""


def check_policies(engine: PolicyEngine, *, examples: int = 100) -> None:
    """All laws, over the engine's policies and over random requests for each of its actions.

    Raises:
        AssertionError: A law is broken; hypothesis shows the smallest request that breaks it.
    """
    check_words(engine)

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(requests(engine))
    def hold(request: PolicyRequest) -> None:
        for law in LAWS:
            law(engine, request)

    hold()


def check_words(engine: PolicyEngine) -> None:
    """Every policy has an id and a reason; every forbid and every gate says what can be done instead."""
    assert engine.policies, "no policy is loaded"
    for policy in engine.policies.values():
        assert policy.id, f"{policy.place}: no id"
        assert len(policy.reason.split()) >= 3, f"{policy.id}: the reason explains nothing"
        if policy.effect == "forbid" or policy.needs:
            assert len(policy.alternative.split()) >= 3, f"{policy.id}: no alternative"


def check_answer(engine: PolicyEngine, request: PolicyRequest) -> None:
    """A decision names what determined it and why; a denial offers something; approvals come with their verdict."""
    decision = engine.decide(request)
    assert decision.policies, "no policy is named"
    assert len(decision.reasons) == len(decision.policies), "a policy without its reason"
    assert set(decision.policies) <= {*engine.policies, DEFAULT_DENY, FAIL_CLOSED}, "an unknown policy is named"
    assert (decision.verdict == "needs-approval") == bool(decision.approvals), "approvals do not fit the verdict"
    if decision.verdict == "deny":
        assert decision.alternatives, "a denial without an alternative"


def check_alternatives(engine: PolicyEngine, request: PolicyRequest) -> None:
    """An alternative that names an action would be permitted or approvable."""
    for text in engine.decide(request).alternatives:
        name = text.partition(" ")[0]
        if name in engine.actions:
            verdict = engine.rule(msgspec.structs.replace(request, action=name)).verdict
            assert verdict != "deny", f"{name} is offered and would be denied"
            assert f"({verdict})" in text, f"{name} is offered as something else than {verdict}"


def check_kill_switch(engine: PolicyEngine, request: PolicyRequest) -> None:
    """With the kill switch on, everything is denied."""
    assert engine.rule(_with(request, kill_switch=True)).verdict == "deny", "the kill switch does not stop it"


def check_approvals_help(engine: PolicyEngine, request: PolicyRequest) -> None:
    """One more person's approval never makes the answer stricter."""
    before = RANK[engine.rule(request).verdict]
    for role in ROLES:
        more = (*request.context.approvals, Approval("person:one-more@example.com", role))
        after = RANK[engine.rule(_with(request, approvals=more)).verdict]
        assert after >= before, f"an approval as {role} makes the answer stricter"


def check_approvals_open(engine: PolicyEngine, request: PolicyRequest) -> None:
    """The approvals that a decision asks for are enough, and each of them is needed."""
    ruling = engine.rule(request)
    people = [
        Approval(f"person:{role}-{n}@example.com", role) for role in ROLES for n in range(ruling.needs.get(role, 0))
    ]
    if ruling.verdict != "needs-approval":
        assert not people, "approvals are asked for, but do not decide"
        return
    given_now = request.context.approvals
    assert engine.rule(_with(request, approvals=(*given_now, *people))).verdict == "permit", "they are not enough"
    for one in people:
        fewer = [other for other in people if other != one]
        verdict = engine.rule(_with(request, approvals=(*given_now, *fewer))).verdict
        assert verdict != "permit", f"the approval as {one.role} is not needed"


def check_nobody_approves_alone(engine: PolicyEngine, request: PolicyRequest) -> None:
    """Approvals of the proposer, of the actor and of agents change nothing."""
    before = engine.rule(request)
    for nobody in (request.actor.id, request.context.proposer, "agent:triage"):
        own = tuple(Approval(nobody, role) for role in ROLES)
        after = engine.rule(_with(request, approvals=(*request.context.approvals, *own)))
        assert after == before, f"{nobody} approves what is not theirs to approve"


def check_irreversible(engine: PolicyEngine, request: PolicyRequest) -> None:
    """No evidence and no autonomy lets an irreversible containment run without a person."""
    action = engine.actions.get(request.action)
    if action is None or action.reversible or action.kind != "contain":
        return
    sure = _with(request, approvals=(), risk=1.0, level="critical", sources=99, autonomy=3)
    assert engine.rule(sure).verdict != "permit", "an irreversible action runs alone on strong evidence"


def check_undeclared(engine: PolicyEngine, request: PolicyRequest) -> None:
    """An action that is not declared is denied."""
    other = msgspec.structs.replace(request, action="no_such_action")
    assert engine.rule(other).verdict == "deny", "an undeclared action is not denied"


LAWS: tuple[Law, ...] = (
    check_answer,
    check_alternatives,
    check_kill_switch,
    check_approvals_help,
    check_approvals_open,
    check_nobody_approves_alone,
    check_irreversible,
    check_undeclared,
)


def requests(engine: PolicyEngine) -> st.SearchStrategy[PolicyRequest]:
    """Random requests for the engine's actions, on targets that they apply to, with hostile ids among them."""
    return st.sampled_from(sorted(engine.actions)).flatmap(
        lambda name: st.builds(
            PolicyRequest,
            action=st.just(name),
            resource=_resources(engine.actions[name].targets),
            actor=st.sampled_from(
                [Actor("agent:watchfloor", ("responder",)), Actor("person:ann@example.com", ("responder",), "person")]
            ),
            context=_CIRCUMSTANCES,
        )
    )


def _resources(targets: tuple[str, ...]) -> st.SearchStrategy[Resource]:
    ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    return st.builds(
        Resource,
        type=st.sampled_from(targets),
        id=ids.map(lambda text: f"x:{text}"),
        criticality=st.sampled_from(["low", "medium", "high", "critical", "unknown"]),
        environment=st.sampled_from(["unknown", "production", "test"]),
        principal=st.sampled_from(["person", "service", "machine", "built-in"]),
        is_admin=st.booleans(),
        is_break_glass=st.booleans(),
        is_server=st.booleans(),
        is_domain_controller=st.booleans(),
    )


_APPROVALS = st.builds(
    Approval,
    by=st.sampled_from(["person:bob@example.com", "person:carol@example.com", "person:ann@example.com", "agent:other"]),
    role=st.sampled_from(ROLES),
)

_CIRCUMSTANCES = st.builds(
    Circumstances,
    level=st.sampled_from(LEVELS),
    risk=st.floats(0, 1),
    sources=st.integers(0, 5),
    autonomy=st.integers(0, 3),
    approvals=st.lists(_APPROVALS, max_size=3).map(tuple),
    proposer=st.sampled_from(["agent:watchfloor", "person:carol@example.com"]),
    hour=st.integers(0, 23),
    targets_last_hour=st.integers(0, 20),
    kill_switch=st.sampled_from([False, False, False, True]),
)


def _with(request: PolicyRequest, **facts: object) -> PolicyRequest:
    return msgspec.structs.replace(request, context=msgspec.structs.replace(request.context, **facts))
