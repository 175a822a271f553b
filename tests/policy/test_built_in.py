"""The built-in policies keep the laws, and their cases pass; a new folder is tested without a line here."""

import pytest

from watchfloor.catalog import BUILT_IN
from watchfloor.policy.check import PolicyCase, load_cases, policy_report, run_case
from watchfloor.policy.engine import PolicyEngine
from watchfloor.respond.library import Library
from watchfloor.testing.policies import check_policies

CASES, ERRORS = load_cases((BUILT_IN,))


def test_every_policy_loads_and_is_met_by_a_case(library: Library) -> None:
    report = policy_report((BUILT_IN,), library.actions.values())
    assert not [str(error) for error in (*report.errors, *ERRORS)]
    assert not report.untested
    assert report.passed


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(engine: PolicyEngine, case: PolicyCase) -> None:
    assert not run_case(engine, case).problem


def test_policies_keep_the_laws(engine: PolicyEngine) -> None:
    check_policies(engine)
