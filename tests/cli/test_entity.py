"""``entity``: a directory in, who is who out, with the reasons; and what people decide."""

from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Run

CSV = "id,mail,account,okta_id\n1,alice@example.com,CORP\\alice,00u1\n2,bob@example.com,CORP\\bob,\n"


@pytest.fixture
def data(run: Run, tmp_path: Path) -> Path:
    people = tmp_path / "people.csv"
    people.write_text(CSV)
    ran = run("entity", "import", people, "--data", tmp_path / "data")
    assert (ran.status, ran.out) == (0, "")
    assert ran.err == "2 people: 2 new, 0 changed, 0 gone; version 1\n"
    return tmp_path / "data"


def shown(run: Run, data: Path, name: str, *more: str) -> str:
    ran = run("entity", "show", name, "--json", "--data", data, *more)
    assert ran.status == 0, ran.err
    return str(orjson.loads(ran.out)["entity"])


def test_a_name_is_shown_with_the_entity_and_its_evidence(run: Run, data: Path) -> None:
    ran = run("entity", "show", "CORP\\alice", "--data", data)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("user:alice@example.com\n")
    assert "user:okta:00u1" in ran.out
    assert "directory, people.csv:2" in ran.out


def test_people_merge_and_split_and_each_takes_the_other_back(run: Run, data: Path) -> None:
    why = ("--by", "carol", "--reason", "one person, two desks", "--data", data)
    assert shown(run, data, "bob@example.com") == "user:bob@example.com"
    ran = run("entity", "split", "alice@example.com", "CORP\\alice", *why)
    assert ran.status == 0
    assert "are two" in ran.err
    assert shown(run, data, "CORP\\alice") == r"user:corp\alice"
    assert run("entity", "merge", "alice@example.com", "CORP\\alice", *why).status == 0
    assert shown(run, data, "CORP\\alice") == "user:alice@example.com"
    assert shown(run, data, "CORP\\alice", "--version", "2") == r"user:corp\alice"
    assert len(run("entity", "history", "--data", data).out.splitlines()) == 3


def test_a_merge_that_the_directory_contradicts_is_followed_since_people_decide(run: Run, data: Path) -> None:
    ran = run("entity", "merge", "alice@example.com", "bob@example.com", "--by", "c", "--reason", "r", "--data", data)
    assert ran.status == 0
    assert shown(run, data, "bob@example.com") == "user:bob@example.com"
    assert shown(run, data, "alice@example.com") == shown(run, data, "CORP\\alice") == "user:bob@example.com"


@pytest.mark.parametrize("name", ["nobody@example.com", "", "\u202e'; --", "x" * 100_000])
def test_a_name_that_nobody_has_is_status_2_and_one_line(run: Run, data: Path, name: str) -> None:
    ran = run("entity", "show", name, "--data", data)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert "\u202e" not in ran.err


def test_a_folder_that_is_none_is_status_2(run: Run, tmp_path: Path) -> None:
    assert run("entity", "show", "x", "--data", tmp_path / "none").status == 2
    assert run("entity", "import", tmp_path / "none.csv", "--data", tmp_path / "d").status == 2


def test_a_directory_joins_what_events_of_an_investigation_name(run: Run, data: Path, tmp_path: Path) -> None:
    log = tmp_path / "okta.ndjson"
    login = {
        "eventType": "user.session.start",
        "published": "2026-03-17T08:00:00Z",
        "uuid": "1",
        "actor": {"id": "00u1", "type": "User", "alternateId": "alice.second@example.com"},
    }
    log.write_bytes(orjson.dumps(login))
    assert run("investigate", log, "--out", data).status == 0
    ran = run("entity", "show", "alice.second@example.com", "--data", data)
    assert ran.out.startswith("user:alice@example.com\n")
    assert "event okta_system_log:1, seen 2026-03-17T08:00:00" in ran.out
