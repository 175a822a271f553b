"""The cases of the policy folders: requests with the decision that is expected of them, run as tests.

``content/policies/NAME/cases/*.yml`` holds ``cases``, a list of ``name``, ``request``, ``verdict``, ``policies`` and,
where they matter, ``approvals``.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from watchfloor.case import Verdict
from watchfloor.catalog import folders, read_yaml
from watchfloor.errors import ContentError
from watchfloor.policy.engine import PolicyEngine
from watchfloor.policy.request import DeclaredAction, PolicyRequest


class PolicyCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One expectation. ``policies`` are the ids that determine the decision, in any order."""

    name: str
    request: PolicyRequest
    verdict: Verdict
    policies: tuple[str, ...]
    approvals: tuple[str, ...] | None = None
    path: str = ""


class CaseResult(msgspec.Struct, frozen=True):
    """A case and what was wrong with the decision; an empty ``problem`` is a pass."""

    case: PolicyCase
    problem: str = ""


class PolicyReport(msgspec.Struct, frozen=True):
    """What ``policy check`` found: policies and their errors, results of the cases, policies that no case meets."""

    policies: tuple[str, ...]
    errors: tuple[ContentError, ...]
    results: tuple[CaseResult, ...]
    untested: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything loads, every case passes and every policy is met by one."""
        return not self.errors and not self.untested and not any(result.problem for result in self.results)


def policy_report(roots: Iterable[Path], actions: Iterable[DeclaredAction]) -> PolicyReport:
    """Load the policies of the content roots and run their cases."""
    places = tuple(roots)
    engine, errors = PolicyEngine.load(places, actions)
    cases, broken = load_cases(places)
    met = {name for case in cases for name in case.policies}
    return PolicyReport(
        policies=tuple(engine.policies),
        errors=(*errors, *broken),
        results=tuple(run_case(engine, case) for case in cases),
        untested=tuple(name for name in engine.policies if name not in met),
    )


def load_cases(roots: Iterable[Path]) -> tuple[tuple[PolicyCase, ...], tuple[ContentError, ...]]:
    """The cases of all policy folders, and the files that do not load."""
    cases: list[PolicyCase] = []
    errors: list[ContentError] = []
    for folder in folders("policies", under=roots):
        for path in sorted(folder.path.glob("cases/*.yml")):
            try:
                found = msgspec.convert(read_yaml(path).get("cases"), tuple[PolicyCase, ...])
            except msgspec.ValidationError as error:
                errors.append(ContentError(str(path), f"cases: {error}"))
            except ContentError as error:
                errors.append(error)
            else:
                cases.extend(msgspec.structs.replace(case, path=str(path)) for case in found)
    return tuple(cases), tuple(errors)


def run_case(engine: PolicyEngine, case: PolicyCase) -> CaseResult:
    """Decide the case's request and compare."""
    decision = engine.decide(case.request)
    if decision.verdict != case.verdict:
        return CaseResult(case, f"expected {case.verdict}, got {decision.verdict} by {', '.join(decision.policies)}")
    if sorted(decision.policies) != sorted(case.policies):
        return CaseResult(case, f"expected {', '.join(case.policies)}; determined by {', '.join(decision.policies)}")
    if case.approvals is not None and decision.approvals != case.approvals:
        return CaseResult(case, f"expected approvals {', '.join(case.approvals)}; got {', '.join(decision.approvals)}")
    return CaseResult(case)


def read_request(path: Path) -> PolicyRequest:
    """A request file, as ``policy explain`` takes it: the fields of :class:`PolicyRequest`.

    Raises:
        ContentError: It cannot be read or is no request.
    """
    try:
        return msgspec.convert(read_yaml(path), PolicyRequest)
    except msgspec.ValidationError as error:
        raise ContentError(str(path), str(error)) from error
