"""``rules backtest``: figures of history, the difference against a baseline, and gates."""

from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Run
from tests.cli.test_rules_check import MANY, RULE
from tests.cli.test_rules_explain import EVENT

SUPPRESSIONS = f"""\
suppressions:
  - &one
    id: known-shell
    rule: 6f3b4bd0-1111-4222-8333-444455556666
    owner: soc@example.com
    reason: It is ours.
    expires: 9998-12-31
    scope: {{entities: ["host:ws-1"]}}
    test:
      hides: {EVENT.strip()}
      keeps: {EVENT.strip().replace("ws-1", "ws-2")}
  - {{<<: *one, id: old, expires: 2020-01-01}}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yml").write_text(RULE)
    return folder


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "history.ndjson"
    day = EVENT.replace("2026-03-17", "2026-03-18").replace("C:", "D:")
    path.write_text(EVENT + day + day.replace("ws-1", "ws-2") + EVENT.replace("cmd", "calc") + "{no}\n")
    return path


def test_figures_by_rule_day_entity_and_value(run: Run, rules: Path, history: Path) -> None:
    ran = run("rules", "backtest", rules, history, "--json", "--cost")
    assert ran.status == 0
    (said,) = ran.lines
    assert (said["events"], said["matches"]) == (4, 3)
    assert isinstance(said["rules"], list)
    (rule,) = said["rules"]
    assert rule["days"] == {"2026-03-17": 1, "2026-03-18": 2}
    assert rule["entities"] == {"host:ws-1": 2, "host:ws-2": 1}
    assert rule["noisiest"][0] == {"field": "Image", "value": "D:\\cmd.exe", "matches": 2}
    assert rule["cpu_us"] >= 0
    assert "3 matches of 1 of 1 rules in 4 events; 1 records could not be read" in ran.err


def test_correlations_count_as_in_detect(run: Run, rules: Path, history: Path) -> None:
    (rules / "many.yml").write_text(MANY)
    ran = run("rules", "backtest", rules, history, "--json")
    (said,) = ran.lines
    assert isinstance(said["rules"], list)
    assert {rule["title"]: (rule["matches"], rule["entities"]) for rule in said["rules"]} == {
        "A <script> rule": (3, {"host:ws-1": 2, "host:ws-2": 1}),
        "Many shells": (1, {"host:ws-1": 1}),
    }
    assert len(run("detect", history, "--rules", rules).lines) == 4


def test_what_only_serves_a_correlation_is_no_rule_of_a_backtest(run: Run, rules: Path, history: Path) -> None:
    (rules / "a.yml").write_text(f"{RULE}---\n{MANY}")
    (said,) = run("rules", "backtest", rules, history, "--json").lines
    assert isinstance(said["rules"], list)
    assert [(rule["title"], rule["matches"]) for rule in said["rules"]] == [("Many shells", 1)]
    (rules / "a.yml").write_text(f"{RULE}---\n{MANY}".replace("gte: 2", "gte: 20"))
    (said,) = run("rules", "backtest", rules, history, "--json").lines
    assert isinstance(said["rules"], list)
    assert [(rule["title"], rule["matches"]) for rule in said["rules"]] == [("Many shells", 0)]


def test_rules_that_do_not_load_are_named(run: Run, rules: Path, history: Path) -> None:
    (rules / "broken.yml").write_text("title: x\ndetection: {condition: a}\n")
    ran = run("rules", "backtest", rules, history)
    assert ran.status == 0
    assert f"not loaded: {rules / 'broken.yml'}" in ran.err
    (rules / "a.yml").unlink()
    assert run("rules", "backtest", rules, history).status == 2


def test_a_baseline_and_its_gates(run: Run, rules: Path, history: Path, tmp_path: Path) -> None:
    stored = tmp_path / "baseline.json"
    assert run("rules", "backtest", rules, history, "--write-baseline", stored, "--max-total", 3).status == 0
    (rules / "a.yml").write_text(RULE.replace("endswith: cmd.exe", "startswith: 'C:'"))
    ran = run("rules", "backtest", rules, history, "--baseline", stored, "--json")
    assert ran.status == 0
    (said,) = ran.lines
    assert isinstance(said["changes"], list)
    assert [(one["new"], one["lost"]) for one in said["changes"]] == [(1, 2)]
    gates = ("--baseline", stored, "--max-new-matches", 0, "--fail-on-lost", "--max-total", 1)
    ran = run("rules", "backtest", rules, history, *gates)
    assert ran.status == 1
    assert "1 new matches, more than 0; 2 matches, more than 1; 2 matches are lost" in ran.err


def test_what_is_no_baseline_is_status_2(run: Run, rules: Path, history: Path) -> None:
    ran = run("rules", "backtest", rules, history, "--baseline", history)
    assert (ran.status, ran.out) == (2, "")
    assert "not a baseline" in ran.err
    assert run("rules", "backtest", rules, history, "--fail-on-lost").status == 2


def test_what_a_suppression_hides_is_counted_and_kept(run: Run, rules: Path, history: Path, tmp_path: Path) -> None:
    content = tmp_path / "mine"
    (content / "detections").mkdir(parents=True)
    (content / "suppressions.yml").write_text(SUPPRESSIONS)
    hidden = tmp_path / "hidden.ndjson"
    ran = run("rules", "backtest", rules, history, "--json", "--content", content, "--hidden", hidden)
    (said,) = ran.lines
    assert isinstance(said["rules"], list)
    assert [(rule["matches"], rule["hidden"]) for rule in said["rules"]] == [(1, 2)]
    assert "suppression known-shell hid 2 findings" in ran.err
    assert "suppression old is refused: it expired on 2020-01-01" in ran.err
    lines = [orjson.loads(line) for line in hidden.read_bytes().splitlines()]
    assert [line["unmapped"]["suppression"] for line in lines] == ["known-shell"] * 2
    detect = ("detect", history, "--rules", rules, "--brief", "--suppressions", content / "suppressions.yml")
    ran = run(*detect, "--hidden", hidden)
    assert [line["line"] for line in ran.lines] == [3]
    assert len(hidden.read_bytes().splitlines()) == 2
