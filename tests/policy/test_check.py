from pathlib import Path

import pytest

from watchfloor.errors import ContentError
from watchfloor.policy.check import policy_report, read_request
from watchfloor.respond.library import Library

POLICY = '@id("tell") @reason("People are told.") permit (principal, action in Action::"notify", resource);\n'
CASE = """
cases:
  - name: a ticket
    request: {action: open_ticket, resource: {type: user, id: "user:a"}}
    verdict: VERDICT
    policies: [POLICY]
"""


@pytest.mark.parametrize(
    ("verdict", "policy", "problem"),
    [("permit", "tell", ""), ("deny", "tell", "expected deny"), ("permit", "other", "determined by tell")],
)
def test_a_case_passes_or_says_why_not(
    policies: Path, library: Library, verdict: str, policy: str, problem: str
) -> None:
    (policies / "policies" / "mine" / "mine.cedar").write_text(POLICY)
    (policies / "policies" / "mine" / "cases" / "a.yml").write_text(
        CASE.replace("VERDICT", verdict).replace("POLICY", policy)
    )
    report = policy_report((policies,), library.actions.values())
    assert problem in report.results[0].problem
    assert bool(report.results[0].problem) == bool(problem)
    assert report.passed == (not problem)


def test_a_policy_without_a_case_does_not_pass(policies: Path, library: Library) -> None:
    (policies / "policies" / "mine" / "mine.cedar").write_text(POLICY)
    report = policy_report((policies,), library.actions.values())
    assert report.untested == ("tell",)
    assert not report.passed


@pytest.mark.parametrize("text", ["cases: [{name: x}]", "cases: {", "- a", "other: 1", "cases:\n  - {risk: 2}"])
def test_a_broken_case_file_is_named(policies: Path, library: Library, text: str) -> None:
    path = policies / "policies" / "mine" / "cases" / "a.yml"
    path.write_text(text)
    report = policy_report((policies,), library.actions.values())
    assert [error.path for error in report.errors] == [str(path)]


def test_a_request_file(tmp_path: Path) -> None:
    path = tmp_path / "request.yml"
    path.write_text('action: host_isolate\nresource: {type: host, id: "host:ws-17"}\ncontext: {risk: 0.5}\n')
    request = read_request(path)
    assert (request.action, request.resource.id, request.context.risk) == ("host_isolate", "host:ws-17", 0.5)
    path.write_text("action: host_isolate\nresource: {type: host, id: a}\ncontext: {risk: 5}\n")
    with pytest.raises(ContentError, match="risk"):
        read_request(path)
