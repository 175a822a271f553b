"""The comparison with other products' mappings says what agrees, and where a pair is wrong."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

pytestmark = pytest.mark.slow

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "normalize_pairs.py"
RECORD = {"actor": "alice-dev", "org": "Example-Org", "action": "repo.create", "created_at": 1773736200000}
EXPECTED = {
    "@timestamp": "2026-03-17T08:30:00.000Z",
    "event": {"action": "repo.create", "category": ["configuration"], "type": ["creation"]},
    "user": {"name": "alice-dev"},
}


def table(logs: Path, stream: str, records: list[Any], expected: list[Any], *options: str) -> dict[str, list[str]]:
    """The lines of the printed tables by their first word."""
    folder = logs / "ecs_pairs" / "elastic"
    folder.mkdir(parents=True)
    lines = b"\n".join(map(orjson.dumps, records)) + b"\n"
    (folder / f"{stream}.native.jsonl").write_bytes(lines)
    labels = b"\n".join(orjson.dumps({"expected_ecs": one}) for one in expected) + b"\n"
    (folder / f"{stream}.labels.jsonl").write_bytes(labels)
    command = [sys.executable, str(BENCHMARK), str(logs), "--half", "all", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own script
    return {words[0]: words[1:] for line in done.stdout.splitlines() if (words := line.split())}


def test_a_pair_that_agrees(tmp_path: Path) -> None:
    found = table(tmp_path, "github.audit", [RECORD], [EXPECTED], "--product", "github_audit")
    assert found["github_audit"] == ["1", *(["1/1", "100%"] * 3), "-", "1/1", "100%", "-", "1/1", "100%"]


def test_each_fact_that_differs_counts(tmp_path: Path) -> None:
    wrong = {
        "@timestamp": "2026-03-17T08:30:05.000Z",
        "event": {"action": "repo.create", "category": ["process"], "type": ["start"], "outcome": "failure"},
        "user": {"name": "bob-dev"},
        "source": {"ip": "192.0.2.1"},
    }
    found = table(tmp_path, "github.audit", [RECORD], [wrong], "--product", "github_audit")
    assert found["github_audit"] == ["1", *(["1/1", "100%"] * 2), *(["0/1", "0%"] * 5)]


def test_the_activity_may_not_be_the_opposite(tmp_path: Path) -> None:
    deletion = EXPECTED | {"event": {"action": "repo.create", "category": ["configuration"], "type": ["deletion"]}}
    found = table(tmp_path, "github.audit", [RECORD], [deletion], "--product", "github_audit")
    assert found["github_audit"][-5:-3] == ["0/1", "0%"]


def test_a_fragment_is_completed_and_said(tmp_path: Path) -> None:
    expected = {"event": {"action": "ITEM_TRASH", "category": ["file", "database"], "type": ["deletion"]}}
    found = table(tmp_path, "box_events.events", [{"event_type": "ITEM_TRASH"}], [expected], "--product", "box")
    assert found["box"][:5] == ["1", "1/1", "100%", "1/1", "100%"]
    assert found["box"][-4:] == ["1/1", "100%", "-", "-"]
    assert found["1"][:3] == ["box,", "what:", "process,"]


def test_what_becomes_no_event_agrees_on_nothing(tmp_path: Path) -> None:
    found = table(tmp_path, "github.audit", [{"a": 1}], [EXPECTED], "--product", "github_audit")
    assert found["github_audit"][1:3] == ["0/1", "0%"]
    assert found["github_audit"][-2:] == ["0/1", "0%"]


def test_what_is_not_recognised_by_itself_is_read_as_one_of_its_source(tmp_path: Path) -> None:
    record = {"message": "door 3 was opened", "created_at": 1773736200000}
    found = table(tmp_path, "github.audit", [record], [EXPECTED], "--product", "github_audit")
    assert found["github_audit"] == [
        *("1", "0/1", "0%"),
        *("1/1", "100%"),
        *("0/1", "0%", "-", "0/1", "0%", "-"),
        *("1/1", "100%"),
    ]


def test_an_error_of_the_pair_is_left_out_and_said(tmp_path: Path) -> None:
    record = {
        "CreationTime": "2026-03-17T10:00:00",
        "Id": "1",
        "Operation": "Set-Mailbox",
        "RecordType": 1,
        "UserId": "alice@example.com",
        "UserType": 2,
        "Workload": "Exchange",
        "ResultStatus": "True",
    }
    web = {"event": {"action": "Set-Mailbox", "category": ["web"], "type": ["info"]}}
    found = table(tmp_path, "o365.audit", [record], [web], "--product", "m365_unified_audit")
    assert found["m365_unified_audit"][-4:-2] == ["1/1", "100%"]
    assert found["1"][:2] == ["m365_unified_audit,", "what:"]


def test_differences_are_shown_of_the_tuning_half_alone(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARK), str(tmp_path), "--differences", "3"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    assert refused.returncode == 2
    assert "--half tune" in refused.stderr
