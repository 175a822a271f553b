"""``rules tune``: judged findings in, a draft out that takes the false ones away and nothing that must stay."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from tests.cli.conftest import Run
from tests.cli.test_rules_check import MANY, RULE

RULE_ID = "6f3b4bd0-1111-4222-8333-444455556666"
Tuning = Callable[..., Any]


def shell(number: int, **fields: Any) -> dict[str, Any]:
    """A shell of the build server."""
    return {
        "EventID": 1,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "UtcTime": f"2026-03-17 10:{number:02}:00.000",
        "EventRecordID": number,
        "Computer": "build-1.example.com",
        "User": "EXAMPLE\\svc_build",
        "ProcessId": 4000 + number,
        "ProcessGuid": f"{{00000000-0000-0000-0000-{number:012}}}",
        "Image": "C:\\Windows\\cmd.exe",
        "CommandLine": f"cmd /c make {number}",
        "ParentProcessId": 7,
        "ParentProcessGuid": "{00000000-0000-0000-0001-000000000000}",
        "ParentImage": "C:\\ci\\agent.exe",
    } | fields


FALSE = [shell(at) for at in range(4)]
ATTACK = shell(20, User="EXAMPLE\\eve", ParentImage="C:\\Windows\\explorer.exe", CommandLine="cmd /c whoami")


@pytest.fixture
def tuning(run: Run, tmp_path: Path) -> Tuning:
    """Writes rule, history and labels, and tunes; what has no label is judged by nobody."""
    rule, log, labels = tmp_path / "rule.yml", tmp_path / "log.ndjson", tmp_path / "labels.ndjson"

    def tune(
        *more: object,
        wrong: list[dict[str, Any]] = FALSE,
        right: list[dict[str, Any]] = [ATTACK],  # noqa: B006 - read only
        others: list[dict[str, Any]] = [],  # noqa: B006 - read only
        text: str = RULE,
    ) -> Any:
        if not rule.exists():
            rule.write_text(text)
        log.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in (*wrong, *right, *others)))
        found = run("detect", log, "--rules", rule).lines
        judged = ["false-positive"] * len(wrong) + ["true-positive"] * len(right)
        said = {"by": "alice", "at": "2026-03-18T09:00:00Z", "reason": "a test"}
        labels.write_bytes(
            b"".join(
                orjson.dumps(said | {"uid": one["finding_info"]["uid"], "disposition": judgement}) + b"\n"  # type: ignore[index]
                for one, judgement in zip(found, judged, strict=False)
            )
        )
        return run("rules", "tune", rule, log, "--labels", labels, *more)

    return tune


def test_a_filter_that_works_and_a_rule_that_stays_as_it_is(run: Run, tuning: Tuning, tmp_path: Path) -> None:
    draft = tmp_path / "draft.yml"
    ran = tuning("--out", draft)
    assert (ran.status, ran.out) == (0, ""), ran.err
    assert (tmp_path / "rule.yml").read_text() == RULE
    made = yaml.safe_load(draft.read_text())
    assert made["filter"]["exclusion_1"] == {"User": "EXAMPLE\\svc_build"}
    assert (made["owner"], made["reason"], made["expires"]) == ("", "", "")
    assert draft.read_text().startswith("# A draft. Fill in owner, reason and expires")
    assert "takes 4 of 4 false positives away" in ran.err
    assert "keeps all 1 true positives" in ran.err
    assert "would hide nothing else" in ran.err
    left = run("detect", tmp_path / "log.ndjson", "--rules", tmp_path / "rule.yml", "--rules", draft, "--brief").lines
    assert [one["line"] for one in left] == [5]


def test_a_suppression_is_tested_already_and_refused_until_somebody_answers_for_it(
    run: Run, tuning: Tuning, tmp_path: Path
) -> None:
    draft = tmp_path / "suppressions.yml"
    assert tuning("--as", "suppression", "--out", draft).status == 0
    detect = ("detect", tmp_path / "log.ndjson", "--rules", tmp_path / "rule.yml", "--suppressions", draft, "--brief")
    ran = run(*detect)
    assert "is refused: it has no expires and no owner and no reason" in ran.err
    assert len(ran.lines) == 5
    made = yaml.safe_load(draft.read_text())
    made["suppressions"][0] |= {"owner": "soc@example.com", "reason": "The build server.", "expires": "9998-12-31"}
    draft.write_text(yaml.safe_dump(made))
    ran = run(*detect)
    assert [one["line"] for one in ran.lines] == [5]
    assert "hid 4 findings" in ran.err


def test_what_else_it_would_hide_is_shown(tuning: Tuning) -> None:
    ran = tuning(others=[shell(at) for at in range(30, 42)])
    assert ran.status == 0
    assert "would hide 12 findings that nobody has judged false: " in ran.err
    assert "host:build-1.example.com 12" in ran.err
    assert "log.ndjson:6" in ran.err
    assert "… and 2 more" in ran.err


@pytest.mark.parametrize("form", ["filter", "suppression"])
def test_it_refuses_where_a_true_positive_looks_the_same(tuning: Tuning, form: str) -> None:
    ran = tuning("--as", form, right=[shell(20), ATTACK])
    assert (ran.status, ran.out) == (1, "")
    assert "would take a true positive away, too" in ran.err


def test_it_refuses_where_only_what_differs_each_time_tells_them_apart(tuning: Tuning) -> None:
    assert tuning(wrong=[shell(0)], right=[shell(20), shell(21)]).status == 1


def test_what_is_benign_may_be_hidden_and_is_shown(run: Run, tuning: Tuning, tmp_path: Path) -> None:
    tuning(others=[shell(30)])
    found = run("detect", tmp_path / "log.ndjson", "--rules", tmp_path / "rule.yml").lines
    uid: Any = found[-1]["finding_info"]
    label = {"by": "alice", "at": "", "reason": "", "uid": uid["uid"], "disposition": "benign-true-positive"}
    with (tmp_path / "labels.ndjson").open("ab") as labels:
        labels.write(orjson.dumps(label) + b"\n")
    tune = ("rules", "tune", tmp_path / "rule.yml", tmp_path / "log.ndjson", "--labels", tmp_path / "labels.ndjson")
    ran = run(*tune)
    assert ran.status == 0
    assert "would hide 1 findings that nobody has judged false" in ran.err


def test_it_refuses_where_nothing_shows_what_must_stay(tuning: Tuning) -> None:
    ran = tuning(right=[])
    assert (ran.status, ran.out) == (1, "")
    assert "nothing shows what must stay" in ran.err


def test_it_refuses_where_there_is_nothing_to_take_away(tuning: Tuning) -> None:
    ran = tuning(wrong=[], right=[ATTACK])
    assert (ran.status, ran.out) == (1, "")
    assert "no match of the rule has the label of a false positive" in ran.err


def test_the_hits_of_a_rule_must_stay(tuning: Tuning, tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    case = tmp_path / "cases" / "a.hit.ndjson"
    case.write_bytes(orjson.dumps(shell(50, ParentImage="C:\\Windows\\explorer.exe")) + b"\n")
    ran = tuning(right=[])
    assert ran.status == 0, ran.err
    assert "keeps all 0 true positives and 1 hits of the rule's own tests" in ran.err
    narrowed = yaml.safe_load(ran.out)["filter"]["exclusion_1"]
    assert narrowed["ParentImage"] == "C:\\ci\\agent.exe"
    case.write_bytes(orjson.dumps(shell(50)) + b"\n")
    assert tuning().status == 1


def test_the_samples_of_regression_tests_must_stay(tuning: Tuning, tmp_path: Path) -> None:
    entry = {"type": "json", "path": "sample.json"}
    info = {"rule_metadata": [{"id": RULE_ID}], "regression_tests_info": [entry]}
    (tmp_path / "info.yml").write_text(yaml.safe_dump(info))
    (tmp_path / "sample.json").write_bytes(orjson.dumps(shell(50)))
    ran = tuning(text=f"{RULE}regression_tests_path: info.yml\n")
    assert ran.status == 1
    assert "would take a true positive away, too" in ran.err


def test_it_warns_of_what_an_attacker_chooses(tuning: Tuning) -> None:
    wrong = [shell(at, Computer=f"ws-{at}.example.com", User=f"EXAMPLE\\user{at}") for at in range(7)]
    ran = tuning(wrong=wrong)
    assert ran.status == 0
    assert yaml.safe_load(ran.out)["filter"]["exclusion_1"] == {"ParentImage": "C:\\ci\\agent.exe"}
    assert "warning: an attacker chooses ParentImage" in ran.err


def test_an_exclusion_is_of_its_value_and_of_no_pattern(run: Run, tuning: Tuning, tmp_path: Path) -> None:
    odd = {"User": "EXAMPLE\\eve", "ParentImage": "\\\\srv\\ci\\a*?.exe"}
    draft = tmp_path / "draft.yml"
    ran = tuning(
        "--out",
        draft,
        wrong=[shell(at, **odd) for at in range(3)],
        others=[shell(30, User="EXAMPLE\\eve", ParentImage="\\\\srv\\ci\\abc.exe")],
    )
    assert ran.status == 0, ran.err
    left = run("detect", tmp_path / "log.ndjson", "--rules", tmp_path / "rule.yml", "--rules", draft, "--brief").lines
    assert [one["line"] for one in left] == [4, 5]


@pytest.mark.parametrize(
    ("more", "said"),
    [(("--as", "wish"), "'wish' is not one of filter, suppression"), (("--labels", "gone"), "gone")],
)
def test_bad_arguments_are_status_2(tuning: Tuning, more: tuple[str, ...], said: str) -> None:
    ran = tuning(*more)
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


def test_a_correlation_has_no_fields_to_exclude(run: Run, tmp_path: Path) -> None:
    (tmp_path / "many.yml").write_text(f"{RULE}---\n{MANY}")
    (tmp_path / "log.ndjson").write_bytes(orjson.dumps(ATTACK))
    (tmp_path / "labels").write_text("")
    tune = ("rules", "tune", "Many shells", tmp_path / "log.ndjson", "--labels", tmp_path / "labels")
    ran = run(*tune, "--rules", tmp_path / "many.yml")
    assert (ran.status, ran.out) == (2, "")
