"""``bench detect`` measures what it says it does; how fast that is, is for whoever runs it to see."""

from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Run

from watchfloor.cli.bench_events import varied
from watchfloor.errors import InputError

pytestmark = pytest.mark.slow


def event(number: int) -> bytes:
    system = {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}},
        "EventID": 1,
        "TimeCreated": {"#attributes": {"SystemTime": "2026-03-17T08:30:00.000000Z"}},
        "EventRecordID": number,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": "ws-17.corp.example.com",
    }
    data = {
        "UtcTime": "2026-03-17 08:30:00.000",
        "Image": f"C:\\Tools\\{number}\\reg.exe",
        "CommandLine": f"reg save hklm\\sam {number}",
        "IntegrityLevel": "High",
    }
    return orjson.dumps({"Event": {"System": system, "EventData": data}})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"\n".join(event(number) for number in range(120)))
    return path


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.yml").write_text(
            f"title: Rule {number}\nid: 6a1c0000-0000-4000-8000-{number:012}\nlevel: low\n"
            "logsource: {product: windows, category: process_creation}\n"
            f"detection: {{s: {{Image|endswith: '\\reg.exe', CommandLine|contains: ' {number}'}}, condition: s}}\n"
        )
    return folder


def test_the_figures_are_one_json_object(run: Run, log: Path, rules: Path) -> None:
    ran = run("bench", "detect", log, "--rules", rules, "--events", 1000, "--no-peer")
    assert ran.status == 0, ran.err
    figures = orjson.loads(ran.out)
    assert figures["events"]["count"] == 1000
    assert figures["rules"] == 4
    assert figures["findings_per_event"] > 0.3
    assert figures["unseen"]["free_text_fields"] == 2
    assert figures["unseen"]["below"] == {}
    rates = ("bytes_to_findings", "matching", "parsing_json")
    assert all(figures[name]["events_per_cpu_second"] > 0 for name in rates)
    assert figures["start"]["cold_mib"] > 0


def test_events_are_those_read_with_other_values_in_the_fields_that_are_no_codes(log: Path) -> None:
    made = [orjson.loads(line)["Event"] for line in varied([str(log)], 240, seed=1)]
    assert varied([str(log)], 240, seed=1) != varied([str(log)], 240, seed=2)
    assert [one["System"]["EventRecordID"] for one in made] == [*range(120)] * 2
    lines = [one["EventData"]["CommandLine"] for one in made]
    assert len(set(lines)) > 200
    assert all(line.startswith("reg save hklm\\") for line in lines)
    assert {one["EventData"]["IntegrityLevel"] for one in made} == {"High"}
    assert {one["EventData"]["UtcTime"] for one in made} == {"2026-03-17 08:30:00.000"}
    assert all(one["EventData"]["Image"].endswith("\\reg.exe") for one in made)


def test_events_of_something_else_are_refused(run: Run, tmp_path: Path, rules: Path) -> None:
    (tmp_path / "other.ndjson").write_bytes(b'{"eventVersion": "1.08"}\n')
    with pytest.raises(InputError, match="no Windows events"):
        varied([str(tmp_path / "other.ndjson")], 10, seed=1)
    assert run("bench", "detect", tmp_path / "other.ndjson", "--rules", rules).status == 2
