"""``rules test``: detections without a hit and a miss fail; SigmaHQ's regression tests run as they lie there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml
from tests.cli.conftest import Run
from tests.cli.test_rules_check import MANY, RULE
from tests.cli.test_rules_explain import EVENT

from watchfloor.testing.evtx_writer import WindowsEvent, evtx

RULE_ID = "6f3b4bd0-1111-4222-8333-444455556666"
INFO = "regression_data/rules/windows/shell/info.yml"
SAMPLE = f"regression_data/rules/windows/shell/{RULE_ID}"
Tree = Callable[..., Path]


def logged(image: str) -> WindowsEvent:
    return WindowsEvent(
        provider="Microsoft-Windows-Sysmon",
        event_id=1,
        channel="Microsoft-Windows-Sysmon/Operational",
        computer="ws-1.example.com",
        time=1_773_741_600_000,
        data={"UtcTime": "2026-03-17 10:00:00.000", "Image": image},
    )


SHELL, OTHER = logged("C:\\Windows\\cmd.exe"), logged("C:\\Windows\\calc.exe")


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A checkout as SigmaHQ lays it out: rules in ``rules/``, what their tests need in ``regression_data/``."""

    def make(*tests: dict[str, Any], rule: str = RULE, about: str = RULE_ID, **samples: bytes) -> Path:
        place = tmp_path / "rules" / "windows" / "shell.yml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{rule}regression_tests_path: {INFO}\n")
        info = tmp_path / INFO
        info.parent.mkdir(parents=True, exist_ok=True)
        info.write_text(yaml.safe_dump({"rule_metadata": [{"id": about}], "regression_tests_info": list(tests)}))
        for suffix, data in samples.items():
            (tmp_path / f"{SAMPLE}.{suffix}").write_bytes(data)
        return tmp_path / "rules"

    return make


def told(kind: str, **more: Any) -> dict[str, Any]:
    return {"name": "Positive", "type": kind, "provider": "Microsoft-Windows-Sysmon", "path": f"{SAMPLE}.{kind}"} | more


def test_event_logs_and_json_are_read_as_they_lie(run: Run, tree: Tree) -> None:
    rules = tree(
        told("evtx", match_count=2),
        told("json", pipelines=["regression_data/pipelines/none.yml"]),
        told("ndjson", match_count=1),
        evtx=evtx([SHELL, OTHER, SHELL]),
        json=json.dumps(json.loads(EVENT), indent=2).encode(),
        ndjson=EVENT.encode() * 2,
    )
    ran = run("rules", "test", rules)
    assert (ran.status, ran.out) == (0, "")
    assert "3 of 3 regression tests of 1 rules pass" in ran.err
    more = f"{rules}/windows/shell.yml: Positive ({RULE_ID}.ndjson): 2 matches, 1 expected"
    assert f"more than it says: {more}" in ran.err


@pytest.mark.parametrize(
    ("test", "sample", "said"),
    [
        (told("evtx", match_count=3), evtx([SHELL, SHELL]), "2 matches in 2 events, at least 3 expected"),
        (told("evtx"), evtx([OTHER]), "0 matches in 1 events, at least 1 expected"),
        (told("evtx", match_count=0), evtx([SHELL]), "1 matches in 1 events, none expected"),
        (told("evtx"), b"nothing", "1 records of it could not be read, first:"),
        (told("json"), b"", f"{SAMPLE}.json: no such file"),
        (told("evtx", type="raw"), b"", "Invalid enum value 'raw' - at `$.regression_tests_info[0].type`"),
        (told("evtx", match_count=-1), b"", "at `$.regression_tests_info[0].match_count`"),
    ],
)
def test_what_does_not_come_out_is_status_1(
    run: Run, tree: Tree, test: dict[str, Any], sample: bytes, said: str
) -> None:
    ran = run("rules", "test", tree(test, evtx=sample))
    assert (ran.status, ran.out) == (1, "")
    assert said in ran.err
    assert "0 of 1 regression tests of 1 rules pass" in ran.err


def test_a_match_count_of_none_holds_where_nothing_matches(run: Run, tree: Tree) -> None:
    assert run("rules", "test", tree(told("evtx", match_count=0), evtx=evtx([OTHER]))).status == 0


def test_tests_that_are_about_another_rule_or_a_broken_one_fail(run: Run, tree: Tree) -> None:
    ran = run("rules", "test", tree(told("evtx"), about="another", evtx=evtx([SHELL])))
    assert ran.status == 1
    assert f"does not have the id {RULE_ID}" in ran.err
    ran = run("rules", "test", tree(told("evtx"), rule=RULE.replace("condition: a", "condition: b"), evtx=b""))
    assert ran.status == 1
    assert "failed: " in ran.err
    assert "shell.yml:" in ran.err


def test_sigma_filters_of_a_test_apply(run: Run, tree: Tree, tmp_path: Path) -> None:
    narrowed = {
        "title": "Not here",
        "logsource": {"product": "windows", "category": "process_creation"},
        "filter": {"rules": [RULE_ID], "here": {"Computer|startswith": "ws-1"}, "condition": "not here"},
    }
    (tmp_path / "filter.yml").write_text(yaml.safe_dump(narrowed))
    test = told("evtx", match_count=0, filters=["filter.yml"])
    assert run("rules", "test", tree(test, evtx=evtx([SHELL]))).status == 0
    (tmp_path / "filter.yml").write_text("filter: [")
    ran = run("rules", "test", tree(test, evtx=evtx([SHELL])))
    assert ran.status == 1
    assert "filter.yml" in ran.err


def test_a_correlation_has_tests_too(run: Run, tree: Tree) -> None:
    rules = tree(told("evtx"), rule=MANY, about=MANY.splitlines()[1].removeprefix("id: "), evtx=evtx([SHELL, SHELL]))
    (rules / "one.yml").write_text(RULE)
    ran = run("rules", "test", rules)
    assert ran.status == 0, ran.err
    assert "more than it says" not in ran.err  # the rule alone says nothing


def test_rules_in_an_archive_find_what_lies_beside_it(run: Run, tree: Tree, tmp_path: Path) -> None:
    rules = tree(told("evtx"), evtx=evtx([SHELL]))
    with ZipFile(tmp_path / "rules.zip", "w") as archive:
        archive.write(rules / "windows" / "shell.yml", "rules/windows/shell.yml")
    ran = run("rules", "test", tmp_path / "rules.zip")
    assert ran.status == 0
    assert "1 of 1 regression tests of 1 rules pass" in ran.err


@pytest.mark.parametrize("missing", ["cases", "*.hit.ndjson", "*.miss.ndjson"])
def test_a_detection_without_a_hit_or_a_miss_fails(run: Run, tmp_path: Path, missing: str) -> None:
    assert run("new", "detection", "admin_at_night", "--into", tmp_path).status == 0
    folder = tmp_path / "detections" / "admin_at_night"
    for one in (folder / "cases").glob("*" if missing == "cases" else missing):
        one.unlink()
    if missing == "cases":
        (folder / "cases").rmdir()
    ran = run("rules", "test", tmp_path / "detections")
    assert ran.status == 1
    assert f"admin_at_night has no {'miss' if 'miss' in missing else 'hit'}" in ran.err
    assert "0 of 1 detections pass" in ran.err
