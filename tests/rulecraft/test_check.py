"""What is wrong with rules is named with its file and line, and nothing else is."""

from pathlib import Path
from typing import Any

import pytest
from tests.detect.sigma.conftest import RULE_ID, Bench, rule_of

from watchfloor.normalize import load_sources
from watchfloor.rulecraft.check import Checked, check_rules
from watchfloor.rulecraft.fields import Universe

WHOLE = {
    "description": "Why.",
    "tags": ["attack.t1059"],
    "falsepositives": ["None known"],
    "author": "Somebody",
    "date": "2026-01-02",
}
SHARED = Path(__file__).parents[3] / "shared" / "data" / "sigma" / "sigma-rules.zip"


@pytest.fixture(scope="module")
def universe() -> Universe:
    return Universe(load_sources()[0])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("check"))


def whole(detection: Any, **attributes: Any) -> dict[str, Any]:
    return rule_of(detection, **(WHOLE | attributes))


def check(bench: Bench, universe: Universe, *rules: Any) -> Checked:
    return check_rules([bench.folder({f"rule{at}.yml": rule for at, rule in enumerate(rules)})], universe)


def kinds(checked: Checked) -> list[tuple[str, str]]:
    return [(one.severity, one.kind) for one in checked.problems]


SOUND = {"s": {"Image|endswith": "\\cmd.exe"}, "f": {"CommandLine|contains": "x"}, "condition": "s and not f"}


def test_a_sound_rule_has_no_problem(bench: Bench, universe: Universe) -> None:
    assert check(bench, universe, whole(SOUND)).problems == ()


@pytest.mark.parametrize(
    ("detection", "said"),
    [
        ({"a": {"Image": "x"}, "b": {"Image": "x"}, "condition": "a and not b"}, "Image is x must be true and false"),
        (
            {"a": {"Image|endswith": "xy"}, "b": {"Image|endswith": "y"}, "condition": "a and not b"},
            "which then is true",
        ),
        ({"a": {"EventID": 1}, "b": {"EventID": 3}, "condition": "a and b"}, "EventID is 1 and EventID is 3 exclude"),
        ({"a": {"Image": None}, "b": {"Image": "x"}, "condition": "a and b"}, "Image exists"),
    ],
)
def test_what_can_never_match_is_an_error_at_its_condition(
    bench: Bench, universe: Universe, detection: dict[str, Any], said: str
) -> None:
    checked = check(bench, universe, whole(detection))
    assert kinds(checked) == [("error", "never")]
    (problem,) = checked.problems
    assert said in problem.reason
    assert problem.path.endswith("rule0.yml")
    assert problem.line is not None
    assert "condition:" in Path(problem.path).read_text().splitlines()[problem.line - 1]


def test_two_values_of_a_field_that_may_have_several_are_a_warning(bench: Bench, universe: Universe) -> None:
    detection = {"a": {"Data": "x"}, "b": {"Data": "y"}, "condition": "a and b"}
    checked = check(bench, universe, whole(detection, logsource={"product": "windows", "service": "application"}))
    assert kinds(checked) == [("warning", "never")]


def test_a_field_that_nothing_has_and_its_near_name(bench: Bench, universe: Universe) -> None:
    detection = {"a": {"Imagee": "x"}, "b": {"commandline": "y"}, "condition": "a or b"}
    checked = check(bench, universe, whole(detection))
    assert kinds(checked) == [("warning", "field")] * 2
    assert [one.line for one in checked.problems] == [7, 9]
    assert "there is 'CommandLine'" in checked.problems[1].reason


def test_a_log_source_that_nothing_serves(bench: Bench, universe: Universe) -> None:
    checked = check(bench, universe, whole(SOUND, logsource={"product": "toaster"}))
    assert kinds(checked) == [("warning", "logsource")]
    assert "product toaster" in checked.problems[0].reason


def test_duplicates_by_id_and_by_logic(bench: Bench, universe: Universe) -> None:
    turned = {"f": SOUND["f"], "s": SOUND["s"], "condition": "not f and s"}
    other = "5f0b5c1e-0000-4000-8000-000000000002"
    checked = check(bench, universe, whole(SOUND), whole(turned, id=other), whole(SOUND))
    assert kinds(checked) == [("warning", "duplicate"), ("error", "duplicate")]
    assert [Path(one.path).name for one in checked.problems] == ["rule1.yml", "rule2.yml"]


def test_missing_and_empty_metadata(bench: Bench, universe: Universe) -> None:
    rule = rule_of(SOUND, description=" ", falsepositives=[])
    del rule["id"]
    checked = check(bench, universe, rule)
    assert kinds(checked) == [("warning", "metadata")]
    assert checked.problems[0].reason == "says nothing of its id, description, tags, falsepositives, author, date"


def test_what_matches_everything_and_what_is_dead(bench: Bench, universe: Universe) -> None:
    everything = {"a": {"Image|contains": "x"}, "condition": "a or not a"}
    dead = {"a": {"Image|contains": ["xab", "y"]}, "f": {"Image|contains": "ab"}, "condition": "a and not f"}
    other = "5f0b5c1e-0000-4000-8000-000000000002"
    checked = check(bench, universe, whole(everything), whole(dead, id=other))
    assert kinds(checked) == [("warning", "always"), ("warning", "alternative")]


def test_broken_rules_are_problems_beside_the_others(bench: Bench, universe: Universe) -> None:
    checked = check(bench, universe, "title: x\ndetection: [\n", whole(SOUND), b"\xff\xfedetection: \x00")
    assert ("error", "load") in kinds(checked)
    assert len(checked.ruleset.rules) == 1


PART = rule_of(SOUND, name="part", **WHOLE)
NEVER = rule_of({"a": {"Image": "x"}, "condition": "a and not a"}, name="never", id=f"{RULE_ID[:-1]}3", **WHOLE)
MANY_ID = f"{RULE_ID[:-1]}9"


def many(**section: Any) -> dict[str, Any]:
    told = {"type": "event_count", "rules": "part", "group-by": ["User"], "timespan": "5m", "condition": {"gte": 5}}
    return {"title": "Many", "id": MANY_ID, "level": "high", "correlation": told | section} | WHOLE


def test_a_sound_correlation_has_no_problem(bench: Bench, universe: Universe) -> None:
    checked = check(bench, universe, PART, many())
    assert (len(checked.ruleset.correlations), checked.problems) == (1, ())


def test_a_correlation_is_asked_for_its_metadata_too(bench: Bench, universe: Universe) -> None:
    bare = many()
    del bare["level"], bare["tags"]
    (problem,) = check(bench, universe, PART, bare).problems
    assert (problem.kind, problem.rule, problem.reason) == ("metadata", MANY_ID, "says nothing of its level, tags")


@pytest.mark.parametrize(
    ("section", "accused"),
    [
        ({"rules": "never"}, [MANY_ID]),
        ({"rules": ["part", "never"]}, []),
        ({"type": "temporal", "rules": ["part", "never"], "condition": {"gte": 2}}, [MANY_ID]),
        ({"type": "temporal", "rules": ["part", "never"], "condition": {"gte": 1}}, []),
        ({"type": "temporal", "rules": ["part", "never"], "condition": "part and never"}, [MANY_ID]),
        ({"type": "temporal", "rules": ["part", "never"], "condition": "part and not never"}, []),
    ],
)
def test_a_correlation_that_waits_for_what_can_never_match(
    bench: Bench, universe: Universe, section: dict[str, Any], accused: list[str]
) -> None:
    checked = check(bench, universe, PART, NEVER, many(**section))
    assert [one.rule for one in checked.problems if one.kind == "never" and one.rule != NEVER["id"]] == accused


def test_what_waits_for_a_correlation_that_can_never_match(bench: Bench, universe: Universe) -> None:
    above = many(rules=MANY_ID) | {"id": f"{RULE_ID[:-1]}8", "title": "Above"}
    checked = check(bench, universe, NEVER, many(rules="never"), above)
    assert {one.rule for one in checked.problems if one.kind == "never"} == {NEVER["id"], MANY_ID, above["id"]}


def test_a_correlation_that_reads_what_nothing_has(bench: Bench, universe: Universe) -> None:
    section = {"type": "value_count", "group-by": ["commandline"], "condition": {"gte": 5, "field": "Imagee"}}
    checked = check(bench, universe, PART, many(**section))
    assert kinds(checked) == [("warning", "field")] * 2
    assert "'commandline', which it reads of 'A rule'; there is 'CommandLine'" in checked.problems[0].reason
    lines = [Path(one.path).read_text().splitlines()[(one.line or 0) - 1].strip() for one in checked.problems]
    assert lines == ["group-by:", "condition:"]


@pytest.mark.parametrize(("kind", "said"), [("temporal", ["duplicate"]), ("temporal_ordered", [])])
def test_correlations_of_one_logic(bench: Bench, universe: Universe, kind: str, said: list[str]) -> None:
    other = rule_of(SOUND | {"condition": "s"}, name="other", id=f"{RULE_ID[:-1]}4", **WHOLE)
    first = many(type=kind, rules=["part", "other"], condition={"gte": 2})
    turned = many(type=kind, rules=["other", "part"], condition={"gte": 2}) | {"id": f"{RULE_ID[:-1]}8"}
    assert [one.kind for one in check(bench, universe, PART, other, first, turned).problems] == said


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.exists(), reason="no shared data")
def test_no_real_rule_is_called_impossible(universe: Universe) -> None:
    checked = check_rules([SHARED], universe)
    assert len(checked.ruleset.rules) > 3_500
    assert {one.kind for one in checked.problems if one.severity == "error"} <= {"load"}
