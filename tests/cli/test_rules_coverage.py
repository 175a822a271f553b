"""``rules coverage``: over logs or a data folder, as a table, JSON, a page and a layer."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.cli.conftest import Run
from tests.cli.test_rules_explain import EVENT


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.ndjson"
    path.write_text(EVENT)
    return path


def test_over_logs(run: Run, log: Path, tmp_path: Path) -> None:
    html, layer = tmp_path / "coverage.html", tmp_path / "layer.json"
    ran = run("rules", "coverage", log, "--json", "--html", html, "--layer", layer)
    assert ran.status == 0, ran.err
    said: Any = ran.lines[0]
    assert sum(said["counts"].values()) == len(said["techniques"]) == 691
    assert min(said["counts"].values()) > 0
    assert said["blind"]["product okta, service okta"] > 0
    assert "691 techniques of ATT&CK 18.1" in ran.err
    assert str(log) in html.read_text(encoding="utf-8")
    covered = {one["technique"] for one in said["techniques"] if one["state"] == "covered"}
    scored = {one["techniqueID"] for one in orjson.loads(layer.read_bytes())["techniques"] if one["score"]}
    assert covered == scored


def test_over_a_data_folder(run: Run, log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("investigate", log, "--out", out).status == 0
    over_logs, over_lake = (run("rules", "coverage", *over) for over in ((log,), ("--data", out)))
    assert (over_lake.status, over_lake.out) == (0, over_logs.out)
    assert "Reconnaissance" in over_lake.out


@pytest.mark.parametrize("more", [("--data", "nowhere"), ("gone.ndjson",), ("{log}", "--data", "elsewhere")])
def test_what_gives_no_telemetry_is_status_2(run: Run, log: Path, more: tuple[str, ...]) -> None:
    ran = run("rules", "coverage", *(one.format(log=log) for one in more))
    assert (ran.status, ran.out) == (2, "")
