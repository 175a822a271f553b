from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.load import load_rules

Values = str | list[str] | None
Fields = Mapping[str, Values]
RULE_ID = "5f0b5c1e-0000-4000-8000-000000000001"


def rule_of(detection: Any, **attributes: Any) -> dict[str, Any]:
    return {
        "title": "A rule",
        "id": RULE_ID,
        "logsource": {"product": "windows", "category": "process_creation"},
        "detection": detection,
        "level": "high",
    } | attributes


def text_column(values: Sequence[Values]) -> pa.Array:
    if any(isinstance(value, list) for value in values):
        return pa.array([[one] if isinstance(one, str) else one for one in values], pa.list_(pa.string()))
    return pa.array(values, pa.string())


def batch_of(
    events: Sequence[Fields],
    *,
    logsource: str | Sequence[str] = "windows/process_creation/;windows//",
    columns: Mapping[str, Sequence[Any]] | None = None,
    first: int = 0,
) -> pa.RecordBatch:
    """Events by vendor field; the keyword column holds all of their values; further columns as they are."""
    total = len(events)
    numbers = range(first, first + total)
    served = [logsource] * total if isinstance(logsource, str) else logsource
    made: dict[str, pa.Array] = {
        "tenant": pa.array(["default"] * total),
        "source": pa.array(["windows"] * total),
        "time": pa.array([1_700_000_000_000 + number for number in numbers]),
        "metadata.uid": pa.array([f"event-{number}" for number in numbers]),
        "origin.path": pa.array(["events.jsonl"] * total),
        "origin.line": pa.array([number + 1 for number in numbers]),
        "origin.index": pa.array([None] * total, pa.int32()),
        "native.logsource": pa.array(served, pa.string()).dictionary_encode(),
        "native.*": pa.array([leaves(event) for event in events], pa.list_(pa.string())),
    }
    for name in sorted({name for event in events for name in event}):
        made[f"native.{name}"] = text_column([event.get(name) for event in events])
    for name, values in (columns or {}).items():
        made[name] = pa.array(values)
    return pa.RecordBatch.from_arrays(list(made.values()), names=list(made))


def leaves(event: Fields) -> list[str]:
    return [
        one for value in event.values() if value is not None for one in ([value] if isinstance(value, str) else value)
    ]


def as_bytes(content: str | bytes | dict[str, Any]) -> bytes:
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False) if isinstance(content, dict) else content
    return text.encode() if isinstance(text, str) else text


class Bench:
    """Builds rules and events, and loads and matches them."""

    rule_id = RULE_ID

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = count()

    rule = staticmethod(rule_of)
    batch = staticmethod(batch_of)
    leaves = staticmethod(leaves)

    def folder(self, files: Mapping[str, str | bytes | dict[str, Any]]) -> Path:
        """A fresh folder with these files; a mapping is written as YAML."""
        root = self._folder / str(next(self._made))
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(as_bytes(content))
        return root

    def load(self, *rules: str | bytes | dict[str, Any], **options: Any) -> RuleSet:
        """What loads from these files."""
        return load_rules([self.folder({f"rule{at:03}.yml": one for at, one in enumerate(rules)})], **options)

    def detector(self, *rules: str | bytes | dict[str, Any], **options: Any) -> SigmaDetector:
        """A detector of rules that all load."""
        ruleset = self.load(*rules, **options)
        assert not ruleset.errors, ruleset.errors
        return SigmaDetector(ruleset)

    def matches(self, detection: Any, event: Fields, **options: Any) -> bool:
        """Whether a detection is true of one event."""
        return bool(self.detector(rule_of(detection), **options).detect(batch_of([event])))

    def selects(self, selection: Any, event: Fields, **options: Any) -> bool:
        """Whether a selection on its own is true of one event."""
        return self.matches({"selection": selection, "condition": "selection"}, event, **options)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("sigma"))
