"""Measures zargunlite, a detection engine over SQLite, on the same rules and events."""

import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from watchfloor.clock import system_clock
from watchfloor.detect.sigma.files import RuleFile, rule_files
from watchfloor.ingest import read
from watchfloor.normalize import load_sources
from watchfloor.normalize.json_record import decode_json

EVENTS = 4_000
"""The first of the events; it takes a second for little more than a thousand."""

SYSMON = {
    "process_creation": 1,
    "file_change": 2,
    "network_connection": 3,
    "process_termination": 5,
    "driver_load": 6,
    "image_load": 7,
    "create_remote_thread": 8,
    "raw_access_thread": 9,
    "process_access": 10,
    "file_event": 11,
    "registry_add": 12,
    "registry_delete": 12,
    "registry_set": 13,
    "registry_event": (12, 13, 14),
    "create_stream_hash": 15,
    "pipe_created": (17, 18),
    "wmi_event": (19, 20, 21),
    "dns_query": 22,
    "file_delete": 23,
    "process_tampering": 25,
    "file_executable_detected": 29,
}
CHANNELS = {
    "security": "Security",
    "system": "System",
    "application": "Application",
    "sysmon": "Microsoft-Windows-Sysmon/Operational",
    "powershell": "Microsoft-Windows-PowerShell/Operational",
    "powershell-classic": "Windows PowerShell",
    "windefend": "Microsoft-Windows-Windows Defender/Operational",
}
"""What log sources are to it: conditions, as in the processing pipelines that Zircolite is used with."""

WANTED = "zargunlite and pysigma-backend-sqlite (uv sync --group bench)"


def measure(log: Path, rules: Sequence[Path], *, ours: int) -> dict[str, Any]:
    """Its events per CPU second, loading them included and compiling rules not, and how many times that we do."""
    try:
        import sigma.backends.sqlite  # noqa: F401, PLC0415 - measured only where it is installed
        from zargunlite.core import ZargunCore  # noqa: PLC0415
    except ImportError:
        return {"skipped": f"needs {WANTED}"}
    compiled = _rules(rules)
    events = list(islice(_events(log), EVENTS))
    started = time.process_time()
    with ZargunCore() as core:
        core.load_data(events, strict_field_name=False)
        matches = sum(core.execute_zircolite_rule(rule).count for rule in compiled)
    spent = time.process_time() - started
    rate = len(events) / max(spent, 1e-9)
    return {
        "name": "zargunlite",
        "version": version("zargunlite"),
        "rules": len(compiled),
        "events": len(events),
        "matches": matches,
        "events_per_cpu_second": round(rate),
        "ratio": round(ours / rate, 1),
    }


def _rules(paths: Sequence[Path]) -> list[Any]:
    """The rules for Windows that it can run."""
    from sigma.backends.sqlite.sqlite import sqliteBackend  # noqa: PLC0415
    from sigma.collection import SigmaCollection  # noqa: PLC0415
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415
    from zargunlite.model import ZircoliteRule  # noqa: PLC0415

    untyped: Any = sqliteBackend
    backend = untyped(ProcessingPipeline.from_dict(_pipeline()))
    made = []
    for path in paths:
        for file in rule_files(path):
            if not isinstance(file, RuleFile) or b"product: windows" not in file.data:
                continue
            try:
                collection = SigmaCollection.from_yaml(file.data.decode())
                made += orjson.loads(backend.convert(collection, output_format="zircolite"))
            except Exception:  # noqa: BLE001, S112 - what it cannot compile it need not run
                continue
    return [ZircoliteRule(title=one["title"], id=one.get("id", ""), rule=one["rule"]) for one in made]


def _pipeline() -> dict[str, Any]:
    wanted: list[tuple[dict[str, str], dict[str, Any]]] = [
        ({"category": name}, {"Channel": CHANNELS["sysmon"], "EventID": list(ids) if isinstance(ids, tuple) else ids})
        for name, ids in SYSMON.items()
    ]
    wanted += [({"service": name}, {"Channel": channel}) for name, channel in CHANNELS.items()]
    transformations = [
        {
            "id": "-".join(source.values()),
            "type": "add_condition",
            "conditions": conditions,
            "rule_conditions": [{"type": "logsource", "product": "windows", **source}],
        }
        for source, conditions in wanted
    ]
    return {"name": "log sources", "priority": 10, "transformations": transformations}


def _events(log: Path) -> Iterator[dict[str, Any]]:
    """The flat records, as it wants them: texts and numbers."""
    (windows,) = (one for one in load_sources()[0] if one.name == "windows_event_log")
    for raw in read([log], tenant="bench", clock=system_clock, on_dead_letter=lambda _letter: None):
        for one in raw.column("raw").to_pylist():
            record = windows.decode(decode_json(one))
            yield {name: _scalar(value) for name, value in record.items() if value is not None}


def _scalar(value: Any) -> int | str:
    fits = isinstance(value, int) and value.bit_length() < 64
    return value if fits else str(value)
