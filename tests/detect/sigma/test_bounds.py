"""Rules that are evil or huge cost bounded time and memory, are named where they are refused, and harm no other."""

import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from watchfloor.catalog import MAX_YAML_BYTES
from watchfloor.detect.sigma import SigmaDetector
from watchfloor.detect.sigma.bounds import MAX_SEARCHES
from watchfloor.detect.sigma.compile import MAX_SINGLE_WILDCARDS
from watchfloor.detect.sigma.load import load_rules
from watchfloor.detect.sigma.matching import MAX_REGEX

GOOD = "5f0b5c1e-0000-4000-8000-00000000000a"
HOSTILE = ["a" * 30 + "!b", "a" * 20_000 + "b", "x" * 200_000 + "b", "the quick brown fox " * 20 + "b"]


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < seconds


def good(bench: Any) -> dict[str, Any]:
    rule: dict[str, Any] = bench.rule({"s": {"A|endswith": "b"}, "condition": "s"}, id=GOOD)
    return rule


def harmed(found: Any, values: list[str]) -> list[str]:
    """The values that the good rule should have matched and did not."""
    keys = {one.key for one in found if one.rule.id == GOOD}
    return [value[:20] for number, value in enumerate(values) if f"event-{number}" not in keys]


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "(a|a?)+c",
        "((a*)*)*c",
        r"(\w+\s?)+\d$",
        "(.*a){25}c",
        "(a{1,1000}){1,1000}c",
        r"(a|aa)+\1$",
        "(?=(a+)+c)",
        "(x+x+)+y",
        "(a(?1)?)+c",
        "(?e)(?:abcdefgh){e<=5}x",
    ],
)
def test_a_catastrophic_regex(bench: Any, pattern: str) -> None:
    evil = bench.rule({"s": {"A|re": pattern}, "condition": "s"})
    with within(4):
        found = bench.detector(evil, good(bench)).detect(bench.batch([{"A": value} for value in HOSTILE]))
    assert harmed(found, HOSTILE) == []


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("((((((a{10}){10}){10}){10}){10}){10}){10}", f"longer than {MAX_REGEX} characters, with what it repeats"),
        ("(?x)( # (\n a{1000} ){1000}", f"longer than {MAX_REGEX} characters, with what it repeats"),
        ("a{4000000000}", f"longer than {MAX_REGEX} characters, with what it repeats"),
        ("x" * 1_000_000, f"longer than {MAX_REGEX} characters, with what it repeats"),
        (
            [f"[a-z]+{number}.{number}" for number in range(8_000)],
            f"the rule's regular expressions together are longer than {MAX_REGEX} characters",
        ),
    ],
)
def test_a_regex_that_takes_much_to_compile_is_refused(bench: Any, pattern: Any, reason: str) -> None:
    evil = bench.rule({"s": {"A|re": pattern}, "condition": "s"})
    with within(10):
        ruleset = bench.load(evil, good(bench))
    (error,) = ruleset.errors
    assert error.line == 7
    assert error.reason.endswith(reason)
    assert len(str(error)) < 700
    assert [one.rule.id for one in ruleset.rules] == [GOOD]


@pytest.mark.parametrize("value", ["*" + "a?" * 5_000 + "b*", "?" * (MAX_SINGLE_WILDCARDS + 1)])
def test_a_value_of_many_single_wildcards_is_refused(bench: Any, value: str) -> None:
    evil = bench.rule({"s": {"A": value}, "condition": "s"})
    ruleset = bench.load(evil, good(bench))
    (error,) = ruleset.errors
    assert error.reason == f"s: a value has more than {MAX_SINGLE_WILDCARDS} of the wildcard '?'"
    assert [one.rule.id for one in ruleset.rules] == [GOOD]


def test_values_that_become_very_many_are_refused(bench: Any) -> None:
    dashed = bench.rule({"s": {"A|windash|contains": [f" -a -b -c {n}" for n in range(2_000)]}, "condition": "s"})
    expanded = bench.rule({"s": {"A|expand": [f"%n%%n%{n}" for n in range(20)]}, "condition": "s"})
    with within(5):
        ruleset = bench.load(dashed, expanded, good(bench), placeholders={"n": [str(n) for n in range(100)]})
    assert [(error.reason, error.line) for error in ruleset.errors] == [
        ("windash makes more than 100000 values of those written", 6),
        ("s: the placeholders expand to more than 100000 values", 7),
    ]
    assert [one.rule.id for one in ruleset.rules] == [GOOD]


MEGABYTES = ["x" * 1_000_000, "ab" * 500_000, "the quick brown fox " * 50_000]
"""Values in which it takes long to find that a pattern is not there."""


def pairs(number: int) -> dict[str, Any]:
    return {"s": [{"A|contains": f"pat-{at}-x", "B|endswith": f"end-{at}"} for at in range(number)], "condition": "s"}


def references(number: int) -> dict[str, Any]:
    return {"s": [{"A|fieldref|contains": f"F{at}"} for at in range(number)], "condition": "s"}


def half_of(number: int) -> dict[str, Any]:
    searches = {f"s{at}": {"A|contains": f"pat-{at}-x"} for at in range(number)}
    return {**searches, "condition": f"{number // 2} of s*"}


@pytest.mark.parametrize("detection", [pairs, references, half_of])
def test_what_is_searched_one_after_the_other_is_limited(bench: Any, detection: Any) -> None:
    most = MAX_SEARCHES
    with within(10):
        ruleset = bench.load(bench.rule(detection(most + 1)), good(bench))
    (error,) = ruleset.errors
    assert error.line == 6
    assert error.reason.startswith(f"it would search the values of an event {most + 1} times")
    assert [one.rule.id for one in ruleset.rules] == [GOOD]
    parts = "".join(f"pat-{at}-x" for at in range(most // 2))
    events = [{"A": f"{value}{parts}b", "B": f"{value}end-{most}", "F1": "absent"} for value in MEGABYTES]
    detector = bench.detector(bench.rule(detection(most)), good(bench))
    with within(8):
        found = detector.detect(bench.batch(events))
    assert sum(one.rule.id == GOOD for one in found) == len(events)
    assert sum(one.rule.id == bench.rule_id for one in found) == (len(events) if detection is half_of else 0)


def test_many_whole_values_side_by_side_are_no_search(bench: Any) -> None:
    maps = [{"A": f"tool-{at}.exe", "B|endswith": f"-{at}", "C|startswith": f"{at}-"} for at in range(5_000)]
    with within(20):
        detector = bench.detector(bench.rule({"s": maps, "condition": "s"}), good(bench))
    values = [{"A": "tool-7.exe", "B": f"{value}-8", "C": f"7-{value}"} for value in MEGABYTES]
    with within(5):
        found = detector.detect(bench.batch([*values, {"A": "tool-7.exe", "B": "-7", "C": "7-"}]))
    assert [one.key for one in found if one.rule.id == bench.rule_id] == [f"event-{len(values)}"]


@pytest.mark.parametrize("modifiers", ["", "|contains", "|cased|contains", "|startswith", "|contains|all"])
def test_a_long_list_of_patterns(bench: Any, modifiers: str) -> None:
    listed = [f"Pattern-{number:07}-xyz" for number in range(MAX_SEARCHES if "all" in modifiers else 4_000)]
    values = [*HOSTILE, *(f"{one}b" for one in listed[::200])]
    whole = listed[222]
    evil = bench.rule({"s": {f"A{modifiers}": listed}, "condition": "s"})
    with within(8):
        found = bench.detector(evil, good(bench)).detect(bench.batch([{"A": value} for value in [*values, whole]]))
    assert harmed(found, values) == []
    evils = {one.key for one in found if one.rule.id == bench.rule_id}
    expected = {"": 1, "|contains|all": 0}.get(modifiers, len(values) - len(HOSTILE) + 1)
    assert len(evils) == expected


def test_a_long_list_of_networks(bench: Any) -> None:
    networks = [f"10.{first}.{second}.0/24" for first in range(20) for second in range(100)]
    evil = bench.rule({"s": {"A|cidr": networks}, "condition": "s"})
    values = [*HOSTILE, "10.19.99.7"]
    with within(5):
        found = bench.detector(evil, good(bench)).detect(bench.batch([{"A": value} for value in values]))
    assert harmed(found, HOSTILE) == []
    assert [one.key for one in found if one.rule.id == bench.rule_id] == [f"event-{len(HOSTILE)}"]


@pytest.mark.parametrize("modifiers", ["", "|contains"])
def test_one_value_of_a_megabyte(bench: Any, modifiers: str) -> None:
    huge = "xy" * 500_000
    evil = bench.rule({"s": {f"A{modifiers}": huge}, "condition": "s"})
    with within(3):
        found = bench.detector(evil, good(bench)).detect(bench.batch([{"A": value} for value in [*HOSTILE, huge]]))
    assert harmed(found, HOSTILE) == []
    assert [one.key for one in found if one.rule.id == bench.rule_id] == [f"event-{len(HOSTILE)}"]


@pytest.mark.parametrize(
    "detection",
    [
        {"s": {"A": "*"}, "condition": "s"},
        {"s": {"B": "x"}, "condition": "not 1 of them"},
        {"s": ["*"], "condition": "s"},
        {"s": {"A|re": ".*"}, "condition": "s"},
        {"s": {"B": None}, "condition": "s"},
        {"s": {"A|contains": ""}, "condition": "s"},
    ],
)
def test_a_rule_that_matches_everything(bench: Any, detection: Any) -> None:
    values = HOSTILE + [f"{number}b" for number in range(5_000)]
    detector = bench.detector(bench.rule(detection), good(bench))
    with within(4):
        found = detector.detect(bench.batch([{"A": value} for value in values]))
    assert harmed(found, values) == []
    assert sum(one.rule.id == bench.rule_id for one in found) == len(values)


def written(number: int) -> str:
    """A rule as text; its command line is ``tool-NUMBER.exe -x``."""
    return f"""title: Rule {number}
id: 5f0b5c1e-0000-4000-8000-{number:012}
logsource: {{product: windows, category: process_creation}}
detection:
    image:
        Image|endswith: '\\tool-{number}.exe'
    command:
        CommandLine|contains: [' -x', ' /x']
    condition: image and command
level: high
"""


@pytest.mark.parametrize("packed", ["zip", "documents"])
def test_thousands_of_rules(bench: Any, tmp_path: Path, packed: str) -> None:
    count = 1_000
    path = tmp_path / ("rules.zip" if packed == "zip" else "rules.yml")
    if packed == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(count):
                archive.writestr(f"{number}.yml", written(number))
    else:
        path.write_text("---\n".join(map(written, range(count))))
    with within(12):
        ruleset = load_rules([path])
        events = [{"Image": f"C:\\tool-{number}.exe", "CommandLine": "tool -x"} for number in range(0, count, 100)]
        found = SigmaDetector(ruleset).detect(bench.batch(events))
    assert not ruleset.errors
    assert [int(one.rule.id[-12:]) for one in found] == list(range(0, count, 100))


def test_a_file_may_be_long_and_its_documents_not(tmp_path: Path) -> None:
    padding = f"# {'x' * 98}\n" * (MAX_YAML_BYTES // 2 // 101)
    huge = written(4).replace("level", f"description: {'x' * MAX_YAML_BYTES}\nlevel")
    path = tmp_path / "rules.yml"
    path.write_text("---\n".join([written(1) + padding, written(2) + padding, written(3) + padding, huge, written(5)]))
    ruleset = load_rules([path])
    assert [one.rule.title for one in ruleset.rules] == ["Rule 1", "Rule 2", "Rule 3", "Rule 5"]
    (error,) = ruleset.errors
    assert error.path == str(path)
    assert error.reason == f"a document is larger than {MAX_YAML_BYTES} bytes"
    assert path.read_text().splitlines()[(error.line or 0) : (error.line or 0) + 1] == ["title: Rule 4"]


def test_a_broken_document_spares_those_around_it(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    header = "%YAML 1.1\n# Rules\n---\n"
    path.write_text(header + "---\n".join([written(1), "title: [\ndetection: x\n", "a: &a [*a]\n", written(2)]))
    ruleset = load_rules([path])
    assert [one.rule.title for one in ruleset.rules] == ["Rule 1", "Rule 2"]
    assert [error.line for error in ruleset.errors] == [17, 18]
