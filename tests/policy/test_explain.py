import msgspec

from watchfloor.policy.engine import PolicyEngine
from watchfloor.policy.explain import explain, lines
from watchfloor.policy.request import Circumstances, PolicyRequest, Resource
from watchfloor.respond.library import Library

ALICE = Resource("user", "user:alice@example.com")
STRONG = Circumstances(level="high", risk=0.9, sources=2)


def test_what_would_change_the_answer(engine: PolicyEngine) -> None:
    weak = msgspec.structs.replace(STRONG, sources=1)
    changes = explain(engine, PolicyRequest("okta_clear_sessions", ALICE, context=weak)).changes
    assert [(change.words, change.verdict) for change in changes] == [
        ("approval by 1 analyst", "permit"),
        ("a second independent source that shows it", "permit"),
    ]


def test_every_change_is_milder(engine: PolicyEngine) -> None:
    stopped = Circumstances(kill_switch=True, targets_last_hour=12, risk=0.9)
    explanation = explain(engine, PolicyRequest("host_isolate", Resource("host", "host:ws-17"), context=stopped))
    assert [because.policy for because in explanation.because] == ["blast-radius", "kill-switch"]
    assert not explanation.changes


def test_a_known_criticality_takes_fewer_people(engine: PolicyEngine) -> None:
    changes = explain(engine, PolicyRequest("host_isolate", Resource("host", "host:ws-17"), context=STRONG)).changes
    assert ("1 incident_commander",) in [change.approvals for change in changes]


def test_a_permit_has_nothing_to_change(engine: PolicyEngine, library: Library) -> None:
    request = PolicyRequest("okta_clear_sessions", ALICE, context=STRONG)
    explanation = explain(engine, request, [library.actions["capture_events"]])
    assert explanation.decision.verdict == "permit"
    assert (explanation.changes, explanation.decision.alternatives) == ((), ())


def test_the_text_names_policies_places_and_alternatives(engine: PolicyEngine, library: Library) -> None:
    resource = Resource("user", "user:x", is_break_glass=True)
    request = PolicyRequest("okta_suspend_user", resource, context=STRONG)
    first, *others = lines(explain(engine, request, [library.actions["okta_clear_sessions"]]))
    assert first == "okta_suspend_user on user:x, asked by agent:watchfloor: deny"
    assert any("accounts.cedar:" in line for line in others)
    assert any(line.startswith("  instead       okta_clear_sessions (permit)") for line in others)
