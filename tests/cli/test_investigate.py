"""``investigate`` and ``demo`` as the shell sees it: what it writes, what it refuses, where its words go."""

from pathlib import Path

import pytest
from tests.cli.conftest import Run

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
    assert "okta.ndjson:2" in run("deadletters", "list", "--data", out).err


def test_a_folder_of_somebody_else_is_status_2_and_untouched(run: Run, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "report.html").write_text("mine")
    ran = run("demo", "--out", tmp_path / "theirs")
    assert (ran.status, ran.out) == (2, "")
    (line,) = [line for line in ran.err.splitlines() if line.strip()]
    assert line == f"watchfloor: {tmp_path / 'theirs'}: not empty and not a Watchfloor folder; name a new one"
    assert [(one.name, one.read_text()) for one in (tmp_path / "theirs").iterdir()] == [("report.html", "mine")]
