"""The breadth benchmark: unit tests of another product in, a table of what the pack finds out."""

import runpy
import sys
from pathlib import Path

import orjson
import pytest

from watchfloor.catalog import folders
from watchfloor.testing.detections import case_files
from watchfloor.testing.sources import sample_records

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "panther_breadth.py"
ADMIN = next(folder for folder in folders("detections") if folder.name == "okta_admin_granted")


@pytest.fixture
def unit_tests(tmp_path: Path) -> Path:
    """One product with a source, of which one event must be found and two not, and one product without."""
    granted = sample_records(case_files(ADMIN, "hit")[0])[0]
    revoked = orjson.dumps(orjson.loads(granted) | {"eventType": "user.account.privilege.revoke"})
    without_time = {key: value for key, value in orjson.loads(granted).items() if key != "published"}
    _write(tmp_path, "Okta.SystemLog", [(granted, True), (revoked, False), (orjson.dumps(without_time), False)])
    _write(tmp_path, "Acme.Portal", [(b"{}", True)])
    return tmp_path


def _write(folder: Path, product: str, events: list[tuple[bytes, bool]]) -> None:
    labels = [
        {"rule_id": product, "test": f"test {position}", "expected": expected, "use_cases": [3]}
        for position, (_, expected) in enumerate(events)
    ]
    (folder / f"{product}.native.jsonl").write_bytes(b"\n".join(raw for raw, _ in events) + b"\n")
    (folder / f"{product}.labels.jsonl").write_bytes(b"\n".join(map(orjson.dumps, labels)) + b"\n")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [str(BENCHMARK), *arguments])
    runpy.run_path(str(BENCHMARK), run_name="__main__")


def test_what_is_found_is_counted_by_use_case_and_product(
    unit_tests: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, str(unit_tests))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "privilege escalation 1 of 1 1 of 2" in lines
    assert "Okta.SystemLog 1 of 1 1 of 2" in lines
    assert "all products 1 of 2 1 of 2" in lines
    assert lines[-1] == "no log source, not covered: Acme.Portal (1)"


def test_surprises_of_a_product_are_named(
    unit_tests: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, str(unit_tests), "--missed", "Okta.SystemLog")
    assert capsys.readouterr().out.splitlines() == ["found   Okta.SystemLog: test 2"]
