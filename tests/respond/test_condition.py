import pytest

from watchfloor.respond.condition import Applies, Condition, Facts

FACTS = Facts(
    sources=frozenset({"okta_system_log"}),
    use_cases=frozenset({"mfa_fatigue"}),
    tactics=frozenset({"credential-access"}),
    techniques=frozenset({"T1098.005"}),
    traits=frozenset({"role-session", "admin"}),
    level="high",
    risk=0.5,
)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Condition(), True),
        (Condition(sources=("aws", "okta")), True),
        (Condition(sources=("okta_system_log",)), True),
        (Condition(sources=("okt",)), False),
        (Condition(techniques=("T1098",)), True),
        (Condition(techniques=("T1098.001",)), False),
        (Condition(techniques=("T109",)), False),
        (Condition(traits=("root", "admin")), True),
        (Condition(traits=("root",)), False),
        (Condition(min_level="high"), True),
        (Condition(min_level="critical"), False),
        (Condition(min_risk=0.5), True),
        (Condition(min_risk=0.51), False),
        (Condition(sources=("okta",), tactics=("impact",)), False),
        (Condition(use_cases=("mfa_fatigue",), tactics=("credential-access",)), True),
    ],
)
def test_every_field_must_hold(condition: Condition, *, holds: bool) -> None:
    assert condition.holds(FACTS) is holds


@pytest.mark.parametrize(
    ("applies", "holds"),
    [
        (Applies(entity="user"), True),
        (Applies(entity="user", use_cases=("login_risk",), tactics=("credential-access",)), True),
        (Applies(entity="user", use_cases=("mfa_fatigue",), techniques=("T1528",)), True),
        (Applies(entity="user", use_cases=("login_risk",), techniques=("T1098",)), True),
        (Applies(entity="user", use_cases=("login_risk",), tactics=("impact",), techniques=("T1528",)), False),
        (Applies(entity="user", use_cases=("mfa_fatigue",), min_risk=0.6), False),
        (Applies(entity="user", use_cases=("mfa_fatigue",), sources=("aws",)), False),
    ],
)
def test_one_purpose_is_enough(applies: Applies, *, holds: bool) -> None:
    assert applies.holds(FACTS) is holds
