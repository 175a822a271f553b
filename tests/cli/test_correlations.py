"""Sigma correlations through ``detect`` and ``investigate``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

Run = Callable[..., Any]

FAILED = """title: Failed login
name: failed
logsource: {product: okta, service: okta}
detection:
    s: {eventType: user.session.start, outcome.result: FAILURE}
    condition: s
"""
MANY = """title: Many failed logins
level: high
correlation:
    type: event_count
    rules: failed
    group-by: actor.alternateId
    timespan: 10m
    condition: {gte: 3}
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.ndjson"
    path.write_bytes(b"".join(orjson.dumps(_login(minute)) + b"\n" for minute in range(3)))
    return path


def _login(minute: int) -> dict[str, Any]:
    return {
        "uuid": f"login-{minute}",
        "version": "0",
        "severity": "INFO",
        "published": f"2026-03-17T12:{minute:02}:00.000Z",
        "eventType": "user.session.start",
        "displayMessage": "User login to Okta",
        "actor": {"id": "00u1", "type": "User", "alternateId": "ann@example.com", "displayName": "Ann"},
        "client": {"ipAddress": "203.0.113.7"},
        "outcome": {"result": "FAILURE"},
    }


def test_brief_has_a_line_for_each_contributing_event(run: Run, tmp_path: Path, log: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(f"{FAILED}---\n{MANY}")
    ran = run("detect", log, "--rules", rules, "--brief")
    assert (ran.status, ran.err) == (0, "")
    assert [(one["path"], one["line"], one["event"], one["level"]) for one in ran.lines] == [
        (str(log), minute + 1, f"okta_system_log:login-{minute}", "high") for minute in range(3)
    ]
    assert len({one["rule"] for one in ran.lines}) == 1


def test_rules_of_files_of_their_own_speak_too(run: Run, tmp_path: Path, log: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "many.yml").write_text(MANY)
    (folder / "failed.yml").write_text(FAILED)
    ran = run("detect", log, "--rules", folder)
    titles = [one["finding_info"]["title"] for one in ran.lines]
    assert titles == ["Failed login", "Failed login", "Failed login", "Many failed logins"]


def test_investigate_has_the_correlation_among_its_findings(run: Run, tmp_path: Path, log: Path) -> None:
    rules, out = tmp_path / "rules.yml", tmp_path / "out"
    rules.write_text(f"{FAILED}---\n{MANY}")
    ran = run("investigate", log, "--rules", rules, "--out", out)
    assert ran.status == 0, ran.err
    found = [orjson.loads(line) for line in (out / "findings.ndjson").read_bytes().splitlines()]
    (many,) = [one for one in found if one["finding_info"]["title"] == "Many failed logins"]
    assert len(many["unmapped"]["event_uids"]) == 3
    assert "user:ann@example.com" in {entity["id"] for entity in many["unmapped"]["entities"]}
    assert not [one for one in found if one["finding_info"]["title"] == "Failed login"]
