"""``rules explain``: a rule held against an event, as text, as JSON and as a page."""

import io
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.cli.test_rules_check import RULE

EVENT = (
    '{"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "UtcTime": "2026-03-17 10:00:00.000",'
    ' "Computer": "ws-1", "Image": "C:\\\\cmd.exe"}\n'
)


@pytest.fixture
def rule(tmp_path: Path) -> Path:
    path = tmp_path / "rules" / "a.yml"
    path.parent.mkdir()
    path.write_text(RULE)
    return path


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.ndjson"
    path.write_text(EVENT + EVENT.replace("cmd.exe", "calc.exe") + "{broken}\n")
    return path


def test_text_says_which_test_met_what(run: Run, rule: Path, events: Path) -> None:
    ran = run("rules", "explain", rule, f"{events}:1")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("✓ A <script> rule (6f3b4bd0-1111-4222-8333-444455556666) matches\n")
    assert '✓ Image endswith cmd.exe: met by "C:\\cmd.exe"' in ran.out


def test_a_rule_by_id_and_an_event_that_does_not_match(run: Run, rule: Path, events: Path) -> None:
    ran = run(
        "rules", "explain", "6f3b4bd0-1111-4222-8333-444455556666", f"{events}:2", "--rules", rule.parent, "--json"
    )
    assert ran.status == 0
    (said,) = ran.lines
    assert (said["matches"], said["of_log_source"]) == (False, True)


def test_the_page_is_self_contained(run: Run, rule: Path, events: Path, tmp_path: Path) -> None:
    page = tmp_path / "explained.html"
    assert run("rules", "explain", rule, f"{events}:1", "--html", page).status == 0
    text = page.read_text(encoding="utf-8")
    assert "The rule matches the event" in text
    assert "A &lt;script&gt; rule" in text
    assert "http" not in text.partition("</style>")[2]


def test_an_event_from_standard_input(run: Run, rule: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(EVENT.encode())))
    assert run("rules", "explain", rule, "-").out.startswith("✓")


@pytest.mark.parametrize("place", [":3", ":1[4]", ".gone:1"])
def test_an_event_that_is_not_there_is_status_2(run: Run, rule: Path, events: Path, place: str) -> None:
    ran = run("rules", "explain", rule, f"{events}{place}")
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
