"""``rules check``: what is wrong, in lines for people and for machines, and the status that a pipeline reads."""

from pathlib import Path

from tests.cli.conftest import Run

RULE = """\
title: A <script> rule
id: 6f3b4bd0-1111-4222-8333-444455556666
description: Why.
author: Somebody
date: 2026-01-02
tags: [attack.t1059]
falsepositives: [None known]
logsource: {product: windows, category: process_creation}
detection:
  a: {Image|endswith: cmd.exe}
  condition: a
level: low
"""

MANY = """\
title: Many shells
id: 6f3b4bd0-1111-4222-8333-444455557777
description: Why.
author: Somebody
date: 2026-01-02
tags: [attack.t1059]
falsepositives: [None known]
correlation:
  type: event_count
  rules: 6f3b4bd0-1111-4222-8333-444455556666
  group-by: [Computer]
  timespan: 10d
  condition: {gte: 2}
level: high
"""


def test_a_sound_rule_is_status_0(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(RULE)
    ran = run("rules", "check", tmp_path, "--strict")
    assert (ran.status, ran.out, ran.err) == (0, "", "1 rules load, 0 do not\n")


def test_correlations_are_counted_also_if_a_folder_holds_no_rule_besides(run: Run, tmp_path: Path) -> None:
    rules, correlations = tmp_path / "rules", tmp_path / "correlations"
    for folder in (rules, correlations):
        folder.mkdir()
    (rules / "a.yml").write_text(RULE)
    (correlations / "many.yml").write_text(MANY)
    ran = run("rules", "check", rules, correlations)
    assert (ran.status, ran.err) == (0, "1 rules and 1 correlations load, 0 do not\n")
    ran = run("rules", "check", correlations)
    assert ran.status == 1
    assert "which is not loaded" in ran.err


def test_a_folder_without_sigma_is_status_2(run: Run, tmp_path: Path) -> None:
    ran = run("rules", "check", tmp_path)
    assert (ran.status, ran.err) == (2, f"watchfloor: {tmp_path}: holds no Sigma rules\n")


def test_a_contradiction_fails_and_is_at_its_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(RULE.replace("condition: a", "condition: a and not a"))
    ran = run("rules", "check", tmp_path, "--json")
    assert ran.status == 1
    (problem,) = ran.lines
    assert (problem["severity"], problem["kind"], problem["line"]) == ("error", "never", 11)
    assert f"{tmp_path / 'a.yml'}:11: error: can never match" in ran.err
    assert "1 errors in rules" in ran.err


def test_a_warning_fails_only_if_strict(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(RULE.replace("author: Somebody\n", ""))
    ran = run("rules", "check", tmp_path, "--strict")
    assert ran.status == 1
    assert "warning: says nothing of its author" in ran.err


def test_messages_hold_nothing_that_moves_a_terminal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(RULE.replace("Image|endswith", '"[red]\\e[31m\u202e"'))
    ran = run("rules", "check", tmp_path)
    assert "\x1b" not in ran.err
    assert "\u202e" not in ran.err
    assert "[red]" in ran.err
