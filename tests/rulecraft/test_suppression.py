"""Suppressions hide what they say and nothing else, for as long as they say; an untested one hides nothing."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from tests.cli.test_rules_check import MANY, RULE
from tests.cli.test_rules_explain import EVENT

from watchfloor.catalog import BUILT_IN
from watchfloor.detect.keyed import load_keyed
from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.load import load_rules
from watchfloor.event import Entity
from watchfloor.finding import Finding, Rule
from watchfloor.normalize import Source, load_sources
from watchfloor.rulecraft.suppression import Suppression, apply, subjects
from watchfloor.rulecraft.suppression_file import Admitted, admit
from watchfloor.rulecraft.trial import trial
from watchfloor.testing.sources import sample_records

NOW = datetime(2026, 3, 18, 12, tzinfo=UTC)
RULE_ID = "6f3b4bd0-1111-4222-8333-444455556666"
ENTRY: dict[str, Any] = {
    "id": "known-shell",
    "rule": RULE_ID,
    "owner": "soc@example.com",
    "reason": "It is ours.",
    "expires": "2026-03-18",
    "scope": {"entities": ["host:ws-1"]},
    "test": {"hides": orjson.loads(EVENT), "keeps": EVENT.replace("ws-1", "ws-2")},
}


@pytest.fixture(scope="module")
def sources() -> tuple[Source, ...]:
    return load_sources()[0]


@pytest.fixture
def ruleset(tmp_path: Path) -> RuleSet:
    (tmp_path / "rule.yml").write_text(RULE)
    return load_rules([tmp_path / "rule.yml"])


def admitted(
    folder: Path, ruleset: RuleSet, sources: tuple[Source, ...], *entries: Any, now: datetime = NOW, keyed: Any = ()
) -> Admitted:
    path = folder / "suppressions.yml"
    path.write_text(yaml.safe_dump({"suppressions": list(entries)}))
    return admit([path], ruleset, sources, now, keyed)


def finding(*entities: str, rule: str = RULE_ID) -> Finding:
    named = tuple(Entity(one.partition(":")[0], one, one) for one in entities)
    return Finding(
        uid="f", tenant="default", rule=Rule(rule, "A rule"), start=0, end=0, event_uids=("e",), entities=named
    )


def test_one_that_holds_is_admitted_and_keyed_by_entity(tmp_path: Path, ruleset: RuleSet, sources: Any) -> None:
    one = admitted(tmp_path, ruleset, sources, ENTRY)
    assert one.refused == ()
    mine, other, victim = finding("host:ws-1"), finding("host:ws-2"), finding("host:ws-2", "host:ws-1")
    kept, hidden = apply(one.active, [mine, other, victim, finding("host:ws-1", rule="x")], NOW)
    assert [(h.suppression, h.finding) for h in hidden] == [("known-shell", mine)]
    assert len(kept) == 3


def test_fields_are_event_columns_that_every_event_must_fulfil(tmp_path: Path, ruleset: RuleSet, sources: Any) -> None:
    scope = {"scope": {"fields": {"metadata.log_name": "MICROSOFT*", "device.hostname": ["ws-1", "ws-3"]}}}
    one = admitted(tmp_path, ruleset, sources, ENTRY | scope)
    assert one.refused == ()
    event = {"metadata.log_name": ["Microsoft-Windows"], "device.hostname": ["WS-3"]}
    assert len(apply(one.active, [finding()], NOW, lambda _uid: lambda name: event.get(name, []))[1]) == 1
    assert len(apply(one.active, [finding()], NOW)[1]) == 0
    event["device.hostname"] = ["ws-2"]
    assert len(apply(one.active, [finding()], NOW, lambda _uid: lambda name: event.get(name, []))[1]) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"expires": "2026-03-17"}, "it expired on 2026-03-17"),
        ({"test": {"hides": orjson.loads(EVENT)}}, "it is untested"),
        ({"test": {"hides": EVENT, "keeps": EVENT}}, "an event that it should keep is hidden"),
        ({"test": {"hides": EVENT.replace("ws-1", "x"), "keeps": EVENT.replace("ws-1", "y")}}, "should hide is kept"),
        ({"test": {"hides": EVENT.replace("cmd", "x"), "keeps": EVENT}}, "finds nothing in an event that it hides"),
        ({"test": {"hides": "no json", "keeps": EVENT}}, "its test is no event"),
        ({"owner": ""}, "it has no owner"),
        ({"reason": None, "owner": None}, "it has no owner and no reason"),
        ({"scope": {}}, "it has no scope"),
        ({"scope": {"fields": {}}}, "must name entities, fields or both"),
        ({"scope": {"fields": {"Image": "x"}}}, "'Image' is no column of an event"),
        ({"scope": {"fields": {"process.file.path": "*"}}}, "wildcards alone"),
        ({"scope": {"entities": [1]}}, "must be text"),
        ({"rule": "00000000-0000-4000-8000-000000000000"}, "no loaded rule has the id"),
        ({"expires": "soon"}, "is refused"),
        ({"muted": True}, "unknown key 'muted'"),
    ],
)
def test_what_does_not_hold_is_refused_by_name(
    tmp_path: Path, ruleset: RuleSet, sources: Any, change: dict[str, Any], said: str
) -> None:
    one = admitted(tmp_path, ruleset, sources, ENTRY | change, ENTRY | {"id": "sound"})
    assert [each.id for each in one.active] == ["sound"]
    (refused,) = one.refused
    assert "suppression known-shell is refused" in str(refused)
    assert said in str(refused)


def test_a_correlation_is_tested_by_what_it_counts(tmp_path: Path, sources: Any) -> None:
    (tmp_path / "rules.yml").write_text(f"{RULE}---\n{MANY}")
    ruleset = load_rules([tmp_path / "rules.yml"])
    many = ruleset.correlations[0].id
    other = EVENT.replace("ws-1", "ws-2")
    entry = ENTRY | {"rule": many, "test": {"hides": [EVENT, EVENT], "keeps": [other, other]}}
    one = admitted(tmp_path, ruleset, sources, entry, entry | {"id": "few", "test": {"hides": EVENT, "keeps": other}})
    assert [each.id for each in one.active] == ["known-shell"]
    assert "finds nothing in an event that it hides" in str(one.refused[0])


def test_a_detection_that_keeps_state_is_known_by_what_it_finds(tmp_path: Path, sources: Any) -> None:
    keyed, _ = load_keyed()
    cases = BUILT_IN / "detections" / "impossible_travel" / "cases"
    travel = sample_records(next(iter(sorted(cases.glob("*.hit.ndjson")))))
    found = [one for one in trial(travel, sources, RuleSet(), keyed).findings if one.rule.use_case]
    subject = next(iter(subjects(found[0])))
    texts = [record.decode() for record in travel]
    entry = ENTRY | {"rule": found[0].rule.id, "scope": {"entities": [subject]}}
    hides = entry | {"test": {"hides": texts, "keeps": texts}}
    unseen = entry | {"id": "other", "test": {"hides": EVENT, "keeps": texts}}
    one = admitted(tmp_path, RuleSet(), sources, hides, unseen, keyed=keyed)
    assert "an event that it should keep is hidden" in str(one.refused[0])
    assert "its test shows no finding of that id" in str(one.refused[1])


def test_each_event_of_a_rule_proves_something(tmp_path: Path, ruleset: RuleSet, sources: Any) -> None:
    other = EVENT.replace("cmd", "calc")
    one = admitted(tmp_path, ruleset, sources, ENTRY | {"test": {"hides": [EVENT, other], "keeps": EVENT}})
    assert "finds nothing in an event that it hides" in str(one.refused[0])


def test_one_that_expires_meanwhile_hides_nothing_more() -> None:
    one = Suppression(id="a", rules=(RULE_ID,), owner="o", reason="r", expires=NOW.date(), entities=("host:ws-1",))
    assert len(apply([one], [finding("host:ws-1")], NOW)[1]) == 1
    assert len(apply([one], [finding("host:ws-1")], NOW.replace(day=19))[1]) == 0


def test_what_is_no_file_of_suppressions_is_refused(tmp_path: Path, ruleset: RuleSet, sources: Any) -> None:
    for text in ("[]", "suppressions: 3", "suppressions: [3]", "a: [", "suppressions: [{id: x}]"):
        (tmp_path / "s.yml").write_text(text)
        one = admit([tmp_path / "s.yml"], ruleset, sources, NOW)
        assert (one.active, len(one.refused)) == ((), 1)
    twice = admitted(tmp_path, ruleset, sources, ENTRY, ENTRY)
    assert "already that of" in str(twice.refused[0])
