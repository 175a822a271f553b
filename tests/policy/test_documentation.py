"""The policy and the case of ``docs/policy.md`` load and pass."""

import re
from pathlib import Path
from textwrap import dedent

from watchfloor.catalog import BUILT_IN
from watchfloor.policy.check import policy_report
from watchfloor.respond.library import Library

PAGE = Path(__file__).parents[2] / "docs" / "policy.md"


def block(language: str) -> str:
    match = re.search(rf"^ *```{language}\n(.*?)^ *```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert match
    return dedent(match[1])


def test_the_example_of_the_documentation_runs(policies: Path, library: Library) -> None:
    folder = policies / "policies" / "mine"
    (folder / "tills.cedar").write_text(block("cedar"))
    (folder / "cases" / "tills.yml").write_text(block("yaml"))
    report = policy_report((BUILT_IN, policies), library.actions.values())
    assert not report.errors
    assert [(result.case.name, result.problem) for result in report.results if "till" in result.case.name] == [
        ("a till at noon", "")
    ]
    assert report.passed
