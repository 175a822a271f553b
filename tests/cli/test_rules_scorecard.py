"""``rules scorecard``: labels of a data folder in, advice about each rule out."""

from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Run
from tests.cli.test_rules_check import MANY, RULE
from tests.cli.test_rules_explain import EVENT


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yml").write_text(RULE)
    (folder / "many.yml").write_text(MANY)
    return folder


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.ndjson"
    path.write_text("".join(EVENT.replace("10:00:00", f"10:{at:02}:00") for at in range(30)))
    return path


def labelled(run: Run, rules: Path, history: Path, path: Path) -> Path:
    """Labels as an analyst leaves them: each finding of the rule is a false positive."""
    found = run("detect", history, "--rules", rules / "a.yml").lines
    line = {"disposition": "false-positive", "by": "alice", "at": "2026-03-18T09:00:00Z", "reason": "ours"}
    path.write_bytes(b"".join(orjson.dumps(line | {"uid": one["finding_info"]["uid"]}) + b"\n" for one in found))  # type: ignore[index]
    return path


def test_each_rule_and_correlation_has_a_card(run: Run, rules: Path, history: Path, tmp_path: Path) -> None:
    labels = labelled(run, rules, history, tmp_path / "labels.ndjson")
    ran = run("rules", "scorecard", rules, history, "--labels", labels, "--json", "--cost")
    assert ran.status == 0, ran.err
    first, second = ran.lines
    assert (first["title"], first["advice"], first["matches"], first["a_day"]) == ("A <script> rule", "retire", 30, 30)
    assert first["right"]["of"] == 30  # type: ignore[index]
    assert first["cpu_us"] >= 0  # type: ignore[operator]
    assert first["age"] > 0  # type: ignore[operator]
    assert (second["title"], second["advice"], second["cpu_us"]) == ("Many shells", "keep", None)
    assert "2 rules over 30 events: 1 retire, 0 tune, 1 keep" in ran.err


def test_without_labels_the_table_is_what_was_asked_for(run: Run, rules: Path, history: Path) -> None:
    ran = run("rules", "scorecard", rules, history)
    assert (ran.status, ran.err) == (0, "")
    assert "it says 30 a day, and nobody has judged any" in ran.out
    assert "0 retire, 1 tune, 1 keep" in ran.out


def test_labels_that_are_none_are_status_2(run: Run, rules: Path, history: Path, tmp_path: Path) -> None:
    for labels in (history, tmp_path / "gone"):
        ran = run("rules", "scorecard", rules, history, "--labels", labels)
        assert (ran.status, ran.out) == (2, "")
        assert str(labels) in ran.err
