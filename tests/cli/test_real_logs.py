"""What the product must do with real logs, where the evaluation data is at hand."""

import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.cli.conftest import Run

DATA = Path(__file__).parents[3] / "shared" / "data"
RULES = DATA / "sigma" / "sigma-rules.zip"
pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not DATA.exists(), reason="the evaluation data is not here"),
]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_every_regression_case_of_the_rules_is_found_on_its_event(run: Run, tmp_path: Path) -> None:
    with zipfile.ZipFile(DATA / "sigma" / "regression.dev.zip") as archive:
        events = tmp_path / "regression.native.jsonl"
        events.write_bytes(archive.read("regression.native.jsonl"))
        labels = [orjson.loads(line) for line in archive.read("regression.labels.jsonl").splitlines()]
    ran = run("detect", events, "--rules", RULES, "--brief")
    assert ran.status == 0
    assert all(line["path"] == str(events) for line in ran.lines)
    found = Counter((line["rule"], line["line"]) for line in ran.lines)
    wanted: dict[str, int] = {}
    per_rule: Counter[str] = Counter()
    for number, label in enumerate(labels, start=1):
        wanted[label["rule_id"]] = label["min_matches"]
        per_rule[label["rule_id"]] += (label["rule_id"], number) in found
    short = {rule: (per_rule[rule], least) for rule, least in wanted.items() if per_rule[rule] < least}
    assert len(wanted) == 128
    assert short == {}


def test_rules_that_do_not_load_have_a_reason(run: Run) -> None:
    ran = run("rules", "check", RULES)
    assert ran.status == 1
    failures = [line for line in ran.err.splitlines() if line.startswith("not loaded: ")]
    assert failures
    assert all("placeholder" in line for line in failures)


def test_the_s3_story_is_one_case_with_the_user_who_did_it(run: Run, tmp_path: Path) -> None:
    log = DATA / "logs" / "aws" / "suzaku_sans504" / "cloudtrail_s3_ransomware.native.jsonl"
    assert run("investigate", log, "--out", tmp_path / "out").status == 0
    cases = _lines(tmp_path / "out" / "cases.ndjson")
    stories = [
        case for case in cases if any("falsimentisroot" in entity["id"] for entity in case["unmapped"]["entities"])
    ]
    (story,) = stories
    text = " ".join(sentence["text"] for sentence in story["unmapped"]["sentences"])
    assert "1168 objects" in text
    assert "falsimentis-log" in text


@pytest.mark.parametrize(
    "log",
    [
        "aws/stratus/detonations.native.jsonl",
        "entra_m365/invictus_o365/ual.native.jsonl",
        "okta/cribl/events.native.jsonl",
    ],
)
def test_real_logs_give_cases_a_report_and_packs_that_verify(run: Run, tmp_path: Path, log: str) -> None:
    out = tmp_path / "out"
    assert run("investigate", DATA / "logs" / log, "--out", out).status == 0
    assert (out / "deadletters.ndjson").read_bytes() == b""
    cases = _lines(out / "cases.ndjson")
    assert cases
    assert "<script" not in (out / "report.html").read_text(encoding="utf-8").lower()
    for case in cases[:3]:
        pack = out / "packs" / f"{case['metadata']['uid']}.zip"
        assert run("evidence", "verify", pack, "--key", out / "keys" / "evidence.pub").status == 0


def test_windows_attacks_are_grouped_by_sample(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    log = DATA / "sigma" / "windows-attack.dev.native.jsonl.zst"
    assert run("investigate", log, "--rules", RULES, "--out", out).status == 0
    findings = _lines(out / "findings.ndjson")
    cases = _lines(out / "cases.ndjson")
    assert len(findings) > 2000
    assert 50 < len(cases) < 400
    assert (out / "report.html").stat().st_size < 5_000_000
