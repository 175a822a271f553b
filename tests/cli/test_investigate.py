"""``investigate`` and ``demo`` as the shell sees it: what it writes, what it refuses, where its words go."""

from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Run
from tests.conftest import Investigation

from watchfloor.settings import DataFolder
from watchfloor.simulate import Summary

LOG = (
    b'{"uuid":"00000000-0000-4000-8000-000000000001","published":"2026-03-17T09:14:00.000Z","version":"0",'
    b'"eventType":"user.session.start","displayMessage":"User login","outcome":{"result":"SUCCESS"},'
    b'"actor":{"id":"00u1","type":"User","alternateId":"alice@example.com"},"client":{"ipAddress":"192.0.2.10"}}\n'
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "okta.ndjson"
    path.write_bytes(LOG + b"{\n")
    return path


def test_it_makes_a_data_folder_and_says_nothing_to_machines(run: Run, log: Path, tmp_path: Path) -> None:
    out = tmp_path / "case-42"
    ran = run("investigate", log, "--out", out)
    assert (ran.status, ran.out) == (0, "")
    assert {"report.html", "cases.ndjson", "findings.ndjson", "packs", "keys"} <= {one.name for one in out.iterdir()}
    assert run("cases", "list", "--data", out).status == 0
    assert "okta.ndjson:2" in run("deadletters", "list", "--data", out).out


def test_rules_are_kept_for_the_next_run_which_finds_the_same(
    run: Run, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rule = tmp_path / "rule.yml"
    rule.write_text(
        "title: A login\nid: 5f0b5c1e-0000-4000-8000-000000000001\nlogsource: {product: okta, service: okta}\n"
        "detection: {one: {eventType: user.session.start}, condition: one}\nlevel: high\n"
    )
    kept = tmp_path / "cache" / "watchfloor" / "rules"
    found = []
    for out in (tmp_path / "first", tmp_path / "second"):
        assert run("investigate", log, "--rules", rule, "--out", out).status == 0
        found.append(
            [orjson.loads(line)["finding_info"]["uid"] for line in (out / "findings.ndjson").read_bytes().splitlines()]
        )
        assert len(list(kept.iterdir())) == 1
    assert found[0] == found[1]
    assert len(found[0]) == 1


def test_a_folder_of_somebody_else_is_status_2_and_untouched(run: Run, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "report.html").write_text("mine")
    ran = run("demo", "--out", tmp_path / "theirs")
    assert (ran.status, ran.out) == (2, "")
    (line,) = [line for line in ran.err.splitlines() if line.strip()]
    assert line == f"watchfloor: {tmp_path / 'theirs'}: not empty and not a Watchfloor folder; name a new one"
    assert [(one.name, one.read_text()) for one in (tmp_path / "theirs").iterdir()] == [("report.html", "mine")]


def test_what_cannot_be_written_is_one_line(run: Run, log: Path, tmp_path: Path) -> None:
    assert run("investigate", log, "--out", tmp_path / "out").status == 0
    (tmp_path / "out" / "report.html").unlink()
    (tmp_path / "out" / "report.html").mkdir()
    (tmp_path / "out" / "report.html" / "kept").touch()
    ran = run("investigate", log, "--out", tmp_path / "out")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines()[-1] == f"watchfloor: {tmp_path / 'out' / 'report.html'}: Is a directory"
    DataFolder(tmp_path / "demo").prepare()
    (tmp_path / "demo" / "logs").write_text("in the way")
    ran = run("demo", "--out", tmp_path / "demo")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines()[-1].startswith(f"watchfloor: {tmp_path / 'demo' / 'logs'}")


def decisions(folder: Path, target: str) -> set[str]:
    cases = [orjson.loads(line) for line in (folder / "cases.ndjson").read_bytes().splitlines()]
    steps = [step for case in cases for one in case["unmapped"]["proposals"] for step in one["steps"]]
    return {step["decision"] for step in steps if step["target"] == target}


def test_an_inventory_says_what_a_name_does_not(
    run: Run, simulated: Summary, investigated: Investigation, tmp_path: Path
) -> None:
    """An account that is declared to be for emergencies is not suspended, whatever its name."""
    proposed = [one for case in investigated.outcome.cases for one in case.proposals]
    person = next(one.target for one in proposed if one.playbook == "contain_account")
    before = decisions(investigated.folder.path, person)
    assert "needs-approval" in before
    assert "deny" not in before
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(f"resources: [{{type: user, id: '{person}', is_break_glass: true}}]\n")
    out = tmp_path / "out"
    assert run("investigate", simulated.logs, "--out", out, "--inventory", inventory).status == 0
    assert "deny" in decisions(out, person)
    inventory.write_text("resources: [{type: user}]\n")
    ran = run("investigate", simulated.logs, "--out", tmp_path / "new", "--inventory", inventory)
    assert (ran.status, ran.out) == (2, "")
    assert f"{inventory}: resources" in ran.err
    assert not (tmp_path / "new").exists()
