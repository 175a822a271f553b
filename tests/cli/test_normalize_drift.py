"""``normalize --drift``: the first run learns, later ones tell what differs, and the events go through all the same."""

from pathlib import Path

import orjson
from tests.cli.conftest import Run

EVENT = {
    "published": "2026-03-17T09:14:00.000Z",
    "eventType": "user.session.start",
    "version": "0",
    "actor": {"id": "00u1example", "type": "User", "alternateId": "alice@example.com", "displayName": "Alice"},
    "client": {"ipAddress": "192.0.2.10"},
    "outcome": {"result": "SUCCESS"},
}


def log(path: Path, count: int, **more: object) -> Path:
    rows = (EVENT | {"uuid": f"00000000-0000-4000-8000-{number:012}"} | more for number in range(count))
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)) + b"\n")
    return path


def test_the_second_run_tells_what_is_new(run: Run, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    first = run("normalize", log(tmp_path / "a.json", 200), "--drift", profile)
    assert (first.status, first.err, len(first.lines)) == (0, "", 200)
    second = run("normalize", log(tmp_path / "b.json", 50, transactionRisk="high\x1b[31m"), "--drift", profile)
    assert (second.status, len(second.lines)) == (0, 50)
    (told, count) = second.err.splitlines()
    assert told.startswith("okta_system_log: okta.system_log user.session.start: new path: transactionRisk (text); ")
    assert count == "okta_system_log: schema drift: 1"
    assert run("normalize", log(tmp_path / "c.json", 50, transactionRisk="low"), "--drift", profile).err == ""


def test_names_in_records_cannot_write_to_the_terminal(run: Run, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    run("normalize", log(tmp_path / "a.json", 200), "--drift", profile)
    told = run("normalize", log(tmp_path / "b.json", 50, **{"x\x1b[31m\nroot": 1}), "--drift", profile).err
    assert "\x1b" not in told
    assert len(told.splitlines()) == 2


def test_a_file_that_is_no_profile_is_refused(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(b"[]")
    refused = run("normalize", log(tmp_path / "a.json", 1), "--drift", other)
    assert refused.status == 2
    assert "other.json: not a profile" in refused.err
    assert other.read_bytes() == b"[]"
