"""Measured on real rules and events, where they are at hand."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from sigma.rule import SigmaRule

from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.files import rule_files
from watchfloor.detect.sigma.load import load_rules
from watchfloor.detect.sigma.parse import parse_file
from watchfloor.errors import ContentError
from watchfloor.native import encode_logsources
from watchfloor.testing.sigma_oracle import matches

DATA = Path(__file__).parents[4] / "shared" / "data" / "sigma"
RULES = DATA / "sigma-rules.zip"
SAMPLED = 6

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not RULES.exists(), reason="the evaluation data is not here"),
]


@pytest.fixture(scope="module")
def ruleset() -> RuleSet:
    return load_rules([RULES])


def fields(record: dict[str, Any]) -> dict[str, str | list[str] | None]:
    """The fields of a Windows event, those of System over those of EventData."""
    event = record["Event"]
    data = event.get("EventData") or {}
    found = {name: text(value) for name, value in [*data.items(), *event["System"].items()] if name != "#attributes"}
    found["Provider_Name"] = event["System"]["Provider"]["#attributes"]["Name"]
    return found


def text(value: Any) -> str | list[str] | None:
    if isinstance(value, dict):
        return text(value.get("#text"))
    if isinstance(value, list):
        return [str(one) for one in value if one is not None]
    return None if value is None else str(value)


def test_each_rule_loads_or_is_named_with_the_reason(ruleset: RuleSet) -> None:
    reasons = Counter(re.sub("%.*%", "%…%", error.reason.split(": ", 1)[-1]) for error in ruleset.errors)
    print(f"{len(ruleset.rules)} rules load", *(f"{n} do not: {why}" for why, n in reasons.items()), sep="\n")  # noqa: T201
    assert len(ruleset.rules) > 3700
    assert list(reasons) == ["needs a list of values for the placeholder %…%"]


class AnyPlaceholder(dict[str, list[str]]):
    """A list of values for every name."""

    def get(self, _key: str, _default: object = None) -> list[str]:
        return ["value"]


def test_with_lists_for_their_placeholders_all_load(ruleset: RuleSet) -> None:
    loaded = load_rules([RULES], placeholders=AnyPlaceholder())
    assert not loaded.errors
    assert len(loaded.rules) == len(ruleset.rules) + len(ruleset.errors)


def test_regression_cases(bench: Any, ruleset: RuleSet) -> None:
    with zipfile.ZipFile(DATA / "regression.dev.zip") as archive:
        events = [orjson.loads(line) for line in archive.read("regression.native.jsonl").splitlines()]
        labels = [orjson.loads(line) for line in archive.read("regression.labels.jsonl").splitlines()]
    sources = {one.rule.id: encode_logsources([one.logsource]) for one in ruleset.rules}
    served = [sources[label["rule_id"]] for label in labels]
    found = SigmaDetector(ruleset).detect(bench.batch([fields(event) for event in events], logsource=served))
    wanted = {label["rule_id"]: label["min_matches"] for label in labels}
    pairs = ((one.rule.id, labels[one.origins[0].line - 1]["rule_id"]) for one in found)
    counts = Counter(rule for rule, label in pairs if rule == label)
    assert {rule: counts[rule] for rule, least in wanted.items() if counts[rule] < least} == {}


def sampled_events() -> Iterator[dict[str, str | list[str] | None]]:
    with (DATA / "windows-attack.dev.native.jsonl.zst").open("rb") as stream:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(stream), "utf-8")
        for number, line in enumerate(lines):
            if number % (15_145 // SAMPLED) == 0:
                yield fields(orjson.loads(line))


def test_kernel_and_oracle_agree_on_real_events_and_all_windows_rules(bench: Any, ruleset: RuleSet) -> None:
    events = list(sampled_events())
    loaded = {one.rule.id: one.logsource for one in ruleset.rules if one.logsource.product == "windows"}
    found = SigmaDetector(ruleset).detect(
        bench.batch(events, logsource=encode_logsources(sorted(set(loaded.values()))))
    )
    parsed = (one for file in rule_files(RULES) if not isinstance(file, ContentError) for one in parse_file(file))
    rules = [
        one.rule
        for one in parsed
        if not isinstance(one, ContentError) and isinstance(one.rule, SigmaRule) and str(one.rule.id) in loaded
    ]
    expected = {
        (f"event-{row}", str(rule.id))
        for row, event in enumerate(events)
        for rule in rules
        if matches(rule, event, bench.leaves(event))
    }
    assert {(one.key, one.rule.id) for one in found if one.rule.id in loaded} == expected
    assert expected
