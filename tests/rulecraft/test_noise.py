"""A noise filter runs only if it does what its cases say and starves no live detection."""

from pathlib import Path

import orjson
import pytest

from watchfloor.catalog import BUILT_IN
from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.load import load_rules
from watchfloor.normalize import load_sources
from watchfloor.rulecraft.noise import admit_filters
from watchfloor.run.content import load_content
from watchfloor.scaffold import write_scaffold

SOURCES, _ = load_sources()
OKTA = "{product: okta, service: okta}"


def record(event_type: str, uid: str = "1", result: str = "SUCCESS") -> bytes:
    return orjson.dumps(
        {
            "uuid": uid,
            "published": "2026-03-17T09:14:00.000Z",
            "eventType": event_type,
            "actor": {"id": "00u1", "type": "User", "alternateId": "alice@example.com"},
            "outcome": {"result": result},
        }
    )


def write_filter(root: Path, detection: str, *, dropped: bytes, kept: bytes, more: str = "") -> None:
    folder = root / "filters" / "mine"
    (folder / "cases").mkdir(parents=True)
    (folder / "filter.yml").write_text(
        f"title: Mine\nid: 00000000-0000-4000-8000-00000000000f\nlogsource: {OKTA}\nowner: me\nreason: noise\n"
        f"detection: {{selection: {detection}, condition: selection}}\n{more}"
    )
    (folder / "cases" / "a.dropped.ndjson").write_bytes(dropped)
    (folder / "cases" / "a.kept.ndjson").write_bytes(kept)


def write_rule(root: Path, detection: str) -> RuleSet:
    folder = root / "rules"
    folder.mkdir()
    (folder / "rule.yml").write_text(
        f"title: Live rule\nid: 00000000-0000-4000-8000-00000000000a\nlogsource: {OKTA}\nlevel: high\n"
        f"detection: {{selection: {detection}, condition: selection}}\n"
    )
    return load_rules([folder])


def refusal(root: Path, rules: RuleSet | None = None, *places: Path) -> str:
    admitted = admit_filters((*places, root), rules or RuleSet(), SOURCES)
    if not admitted.refused:
        return ""
    (refused,) = admitted.refused
    return str(refused)


DROPPED, KEPT = record("system.heartbeat"), record("user.session.start")
HEARTBEAT = "{eventType: system.heartbeat}"


def test_one_that_does_what_its_cases_say_may_run(tmp_path: Path) -> None:
    write_filter(tmp_path, HEARTBEAT, dropped=DROPPED, kept=KEPT)
    assert refusal(tmp_path, write_rule(tmp_path, "{eventType: user.session.start}")) == ""


def test_one_that_takes_all_of_a_rule_is_refused_with_its_name(tmp_path: Path) -> None:
    write_filter(tmp_path, HEARTBEAT, dropped=DROPPED, kept=KEPT)
    rules = write_rule(tmp_path, "{eventType: system.heartbeat, outcome.result: FAILURE}")
    assert "would starve the rule 'Live rule' (00000000-0000-4000-8000-00000000000a)" in refusal(tmp_path, rules)


def test_one_that_takes_a_part_of_a_rule_may_run_since_the_run_keeps_what_rules_find(tmp_path: Path) -> None:
    write_filter(tmp_path, HEARTBEAT, dropped=DROPPED, kept=KEPT)
    assert refusal(tmp_path, write_rule(tmp_path, "{outcome.result: FAILURE}")) == ""


def test_one_that_takes_what_a_detection_must_find_is_refused_with_its_name(tmp_path: Path) -> None:
    write_filter(
        tmp_path, "{eventType|startswith: user.authentication}", dropped=record("user.authentication.sso"), kept=KEPT
    )
    told = refusal(tmp_path, None, BUILT_IN)
    assert "would starve the detection okta_" in told
    assert ".hit.ndjson:" in told


@pytest.mark.parametrize(
    ("detection", "dropped", "kept", "reason"),
    [
        (HEARTBEAT, KEPT, KEPT, "a.dropped.ndjson:1 is kept"),
        (HEARTBEAT, DROPPED, KEPT + b"\n" + DROPPED, "a.kept.ndjson:2 is dropped"),
        ("{eventType|exists: true}", DROPPED, KEPT, "a.kept.ndjson:1 is dropped"),
        ("{eventType|re: '('}", DROPPED, KEPT, "filter.yml"),
    ],
)
def test_one_whose_cases_do_not_come_out_is_refused(
    tmp_path: Path, detection: str, dropped: bytes, kept: bytes, reason: str
) -> None:
    write_filter(tmp_path, detection, dropped=dropped, kept=kept)
    assert reason in refusal(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("title: x\n", "owner"),
        ("owner: me\nreason: x\nkeep_one_in: 0\n", "keep_one_in"),
        ("owner: me\nreason: x\n", "filter.yml"),
        ("- a\n", "expected a mapping"),
    ],
)
def test_a_file_that_is_no_filter_is_named(tmp_path: Path, text: str, reason: str) -> None:
    folder = tmp_path / "filters" / "mine"
    folder.mkdir(parents=True)
    (folder / "filter.yml").write_text(text)
    assert reason in refusal(tmp_path)


def test_one_without_cases_is_refused(tmp_path: Path) -> None:
    write_filter(tmp_path, HEARTBEAT, dropped=DROPPED, kept=KEPT)
    (tmp_path / "filters" / "mine" / "cases" / "a.kept.ndjson").unlink()
    assert "no case of what is kept" in refusal(tmp_path)


def test_the_built_in_ones_and_a_new_one_may_run(tmp_path: Path) -> None:
    write_scaffold("filter", "chatty", into=tmp_path)
    content = load_content(user=[tmp_path])
    admitted = admit_filters(content.roots, content.rules, content.sources)
    assert [str(one) for one in admitted.refused] == []
    assert {"chatty", "k8s_health_probes"} <= {one.name for one in admitted.active}
