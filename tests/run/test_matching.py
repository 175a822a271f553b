"""Matching before normalizing finds what matching after it finds."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.run.services import record

from watchfloor.detect.sigma import SigmaDetector
from watchfloor.detect.sigma.load import load_rules
from watchfloor.finding import Finding
from watchfloor.normalize import Normalizer, Source, load_sources
from watchfloor.run.matching import matched
from watchfloor.testing.sources import raw_batch

COUNTING = {
    "title": "Two stops",
    "id": "6a1c0000-0000-4000-8000-000000000009",
    "correlation": {
        "type": "event_count",
        "rules": ["stopped"],
        "group-by": ["Computer"],
        "timespan": "1h",
        "condition": {"gte": 2},
    },
}


def rule(number: int, detection: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {
        "title": f"Rule {number}",
        "id": f"6a1c0000-0000-4000-8000-{number:012}",
        "logsource": {"product": "windows"},
        "detection": {**detection, "condition": "s"},
    } | other


RULES = [
    rule(1, {"s": {"EventID": 7036, "param2": "stopped"}}, name="stopped"),
    rule(2, {"s": ["spooler"]}, logsource={"product": "windows", "service": "system"}),
    rule(3, {"s": {"Computer|endswith": ".example.com", "param1|contains": "x"}}),
    COUNTING,
]
OVER_OCSF = rule(4, {"s": {"device.hostname|contains": "ws-"}}, logsource={"product": "ocsf"})


RECORDS = [
    *(record(number) for number in range(12)),
    b"{broken",
    record(13, TimeCreated={"#attributes": {"SystemTime": "soon"}}),
    record(14, Channel="Application"),
    b'{"nobody": "knows it"}',
    record(3),
]


@pytest.fixture(scope="module")
def sources() -> tuple[Source, ...]:
    return load_sources()[0]


@pytest.mark.parametrize("rules", [RULES, [*RULES, OVER_OCSF], [RULES[1]]], ids=["native", "ocsf", "keywords"])
def test_it_finds_the_same(rules: list[dict[str, Any]], sources: tuple[Source, ...], tmp_path: Path) -> None:
    for at, one in enumerate(rules):
        (tmp_path / f"{at}.yml").write_text(yaml.safe_dump(one))
    detector = SigmaDetector(load_rules([tmp_path]))
    normalizer = Normalizer(sources, detector.plan)
    raw = raw_batch(RECORDS)
    normalized = normalizer.process(raw)
    whole = detector.process(normalized.events)
    found = matched(raw, normalizer, detector)
    lean = detector.detected(found.events, found.rules)
    assert lean.findings == whole.findings
    assert lean.matches.equals(whole.matches)
    assert found.dead_letters == normalized.dead_letters
    assert len(whole.findings) > 5


def cited(findings: list[Finding]) -> list[tuple[Any, ...]]:
    return [(one.uid, one.rule, one.start, one.end, one.event_uids, one.origins, one.source) for one in findings]


@pytest.mark.parametrize("rules", [RULES[:3], [*RULES[:3], OVER_OCSF]], ids=["native", "ocsf"])
def test_who_wants_identities_alone_gets_the_same_findings_of_the_same_events(
    rules: list[dict[str, Any]], sources: tuple[Source, ...], tmp_path: Path
) -> None:
    for at, one in enumerate(rules):
        (tmp_path / f"{at}.yml").write_text(yaml.safe_dump(one))
    detector = SigmaDetector(load_rules([tmp_path]))
    normalizer = Normalizer(sources, detector.plan)
    raw = raw_batch(RECORDS)
    whole = matched(raw, normalizer, detector)
    named = matched(raw, normalizer, detector, identities=True)
    assert named.dead_letters == whole.dead_letters
    assert cited(detector.detected(named.events, named.rules, summarize=False).findings) == cited(
        detector.detected(whole.events, whole.rules).findings
    )


def test_a_record_that_its_source_cannot_map_is_a_dead_letter_and_no_finding(tmp_path: Path) -> None:
    windows = next(one for one in load_sources()[0] if one.name == "windows_event_log")
    folder = tmp_path / "sources" / "windows_event_log"
    shutil.copytree(windows.folder, folder)
    decode = folder / "decode.py"
    # What the decoder gives is fit for the rules, and it is the mapping that fails.
    decode.write_text(decode.read_text().replace("def decode(", "def _decode(") + BREAKING)
    (source,), errors = load_sources([tmp_path])
    assert not errors
    (tmp_path / "rule.yml").write_text(yaml.safe_dump(RULES[0]))
    detector = SigmaDetector(load_rules([tmp_path / "rule.yml"]))
    normalizer = Normalizer([source], detector.plan)
    raw = raw_batch([record(1), record(2), record(4)])
    found = matched(raw, normalizer, detector)
    normalized = normalizer.process(raw)
    assert found.dead_letters == normalized.dead_letters
    assert detector.detected(found.events, found.rules).findings == detector.process(normalized.events).findings
    assert [letter.reason for letter in found.dead_letters] == ["windows_event_log: ValueError: cannot be written"]
    # It has an identity, and that is all that is asked for here.
    named = matched(raw, normalizer, detector, identities=True)
    assert not named.dead_letters
    assert named.events.column("origin.line").to_pylist() == [1, 2, 3]


BREAKING = """

class Hostile:
    def __str__(self):
        raise ValueError("cannot be written")


def decode(record):
    flat = _decode(record)
    if flat["EventRecordID"] == 2:
        flat["Level"] = Hostile()
    return flat
"""


def test_keywords_are_decoded_where_rules_search_them(sources: tuple[Source, ...], tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(yaml.safe_dump(RULES[1]))
    detector = SigmaDetector(load_rules([tmp_path]))
    decoded = Normalizer(sources, detector.plan).decode(raw_batch([record(1), record(2, Channel="Application")]))
    keywords = dict(zip(decoded.rows, decoded.natives.column("native.*").to_pylist(), strict=True))
    searched, other = keywords[0], keywords[1]
    assert "Print Spooler" in searched
    assert other is None
