"""Batches in, findings out."""

import time
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.kernel import SlowRegex
from watchfloor.detect.sigma.matching import MAX_TIMEOUTS
from watchfloor.event import Entity, Origin
from watchfloor.finding import finding_uid
from watchfloor.native import DecodePlan

WINDOWS = "windows/process_creation/;windows//sysmon;windows//"


def rule_id(number: int) -> str:
    return f"5f0b5c1e-0000-4000-8000-{number:012}"


def test_a_finding_says_what_when_where_and_who(bench: Any) -> None:
    detection = {
        "image": {"Image|endswith": "\\reg.exe"},
        "command": {"CommandLine|contains|all": ["save", "hklm\\sam"]},
        "filter": {"User": "backup"},
        "condition": "image and command and not filter",
    }
    detector = bench.detector(bench.rule(detection, title="Saved Hive"))
    command = "x" * 100 + " REG save HKLM\\SAM \u202e\n" + "y" * 100
    batch = bench.batch(
        [
            {"Image": "C:\\Windows\\System32\\cmd.exe"},
            {"Image": "C:\\Windows\\System32\\reg.exe", "CommandLine": command},
        ],
        columns={
            "entity.actor": [None, "user:alice@example.com"],
            "entity.user": [None, "user:alice@example.com"],
            "entity.host": ["host:ws-1", "host:ws-2"],
            "entity.address": pa.array([None, None], pa.string()),
        },
    )
    (finding,) = detector.detect(batch)
    assert finding.rule.id == bench.rule_id
    assert finding.rule.level == "high"
    assert finding.uid == finding_uid(rule_id=bench.rule_id, tenant="default", key="event-1", bucket="")
    assert finding.key == "event-1"
    assert finding.event_uids == ("event-1",)
    assert finding.start == finding.end == 1_700_000_000_001
    assert finding.origins == (Origin("events.jsonl", 2, None),)
    assert finding.source == "windows"
    assert finding.entities == (
        Entity("user", "user:alice@example.com", "alice@example.com"),
        Entity("host", "host:ws-2", "ws-2"),
    )
    assert finding.summary.startswith("Saved Hive: ")
    assert 'CommandLine="…' in finding.summary
    assert "HKLM\\SAM ��" in finding.summary
    assert 'Image="C:\\Windows\\System32\\reg.exe"' in finding.summary
    assert "backup" not in finding.summary
    assert len(finding.summary) < 200


def test_rules_run_where_their_log_source_is_served(bench: Any) -> None:
    sources = [
        {"product": "windows"},
        {"product": "windows", "category": "process_creation"},
        {"category": "process_creation"},
        {"product": "Windows", "service": "Sysmon"},
        {"product": "windows", "service": "security"},
        {"product": "linux"},
        {"product": "windows", "category": "process_creation", "service": "sysmon"},
    ]
    rules = [
        bench.rule({"s": {"A": "x"}, "condition": "s"}, id=rule_id(at), logsource=source)
        for at, source in enumerate(sources)
    ]
    found = bench.detector(*rules).detect(bench.batch([{"A": "x"}], logsource=WINDOWS))
    assert [one.rule.id for one in found] == [rule_id(at) for at in (0, 1, 2, 3)]


def test_records_of_one_batch_have_their_own_routes(bench: Any) -> None:
    rule = bench.rule({"s": {"A": "x"}, "condition": "not s"}, logsource={"product": "linux", "service": "sshd"})
    batch = bench.batch([{"A": "y"}] * 4, logsource=["linux//sshd;linux//", WINDOWS, "", "linux//sshd"])
    assert [one.key for one in bench.detector(rule).detect(batch)] == ["event-0", "event-3"]


def test_rules_over_ocsf_read_the_columns_of_the_event(bench: Any) -> None:
    source = {"product": "ocsf", "category": "authentication"}
    searches = [
        {"activity_id": 1, "is_mfa": False, "actor.user.name": "ALICE"},
        {"src_endpoint.location.lat|gt": 50},
        {"entity.actor|startswith": "user:"},
        {"status_id": None},
        {"metadata.log_name|exists": False},
    ]
    rules = [
        bench.rule({"s": search, "condition": "s"}, id=rule_id(at), logsource=source)
        for at, search in enumerate(searches)
    ]
    anything = bench.rule({"k": ["needle"], "condition": "k"}, id=rule_id(9), logsource={"product": "ocsf"})
    detector = bench.detector(*rules, anything)
    batch = bench.batch(
        [{"A": "a needle"}, {"A": "x"}],
        logsource="",
        columns={
            "class_uid": [3002, 3001],
            "activity_id": [1, 1],
            "is_mfa": [False, False],
            "actor.user.name": ["alice", "alice"],
            "src_endpoint.location.lat": [51.5, 51.5],
            "entity.actor": ["user:alice", "user:alice"],
            "status_id": pa.array([None, None], pa.int64()),
        },
    )
    found = [(one.key, one.rule.id) for one in detector.detect(batch)]
    assert found == [("event-0", rule_id(at)) for at in (0, 1, 2, 3, 4, 9)]
    assert detector.plan.wanted([]) == {"*"}


def test_the_plan_names_the_fields_that_rules_read(bench: Any) -> None:
    detection = {"s": {"A": "x", "B|fieldref": "C", "user.name|exists": False}, "condition": "s"}
    plan = bench.detector(bench.rule(detection)).plan
    assert plan.wanted(plan.further) == {"A", "B", "C", "user.name"}
    assert SigmaDetector(RuleSet()).plan == DecodePlan()


def test_a_batch_without_the_columns_is_all_null(bench: Any) -> None:
    detector = bench.detector(bench.rule({"s": {"A": "x"}, "k": ["y"], "condition": "not s and not k"}))
    batch = bench.batch([{"B": "x"}]).drop_columns(["native.*"])
    assert [one.key for one in detector.detect(batch)] == ["event-0"]
    assert detector.detect(batch.drop_columns(["native.logsource"])) == []
    assert detector.detect(batch.slice(0, 0)) == []
    assert SigmaDetector(RuleSet()).detect(batch) == []


EVENTS = [
    {"A": "x", "Data": ["p", "q"]},
    {"A": None, "B": "x", "Data": "q"},
    {"A": "xx", "Data": []},
    {"B": "y", "Data": None},
    {"A": "X", "B": "y", "Data": ["q", "p", "p"]},
    {"C": "x"},
]


def test_any_split_of_the_input_gives_the_same_findings(bench: Any) -> None:
    searches: list[Any] = [{"A": "x"}, {"Data": "p"}, {"A|contains": "x", "Data|exists": True}, {"B": None}, ["y"]]
    rules = [bench.rule({"s": s, "condition": "s"}, id=rule_id(at)) for at, s in enumerate(searches)]
    rules += [bench.rule({"s": s, "condition": "not s"}, id=rule_id(9 + at)) for at, s in enumerate(searches)]
    ruleset = bench.load(*rules)
    whole = SigmaDetector(ruleset).detect(bench.batch(EVENTS))
    assert len(whole) == len(EVENTS) * len(searches)
    for size in (1, 2, 4):
        detector = SigmaDetector(ruleset)
        parts = [bench.batch(EVENTS[at : at + size], first=at) for at in range(0, len(EVENTS), size)]
        assert [one for part in parts for one in detector.detect(part)] == whole
        assert [one for part in parts for one in detector.detect(part)] == whole
    sliced = bench.batch(EVENTS).slice(2, 3)
    assert SigmaDetector(ruleset).detect(sliced) == [
        one for one in whole if one.key in {"event-2", "event-3", "event-4"}
    ]


def test_columns_of_any_string_type(bench: Any) -> None:
    detector = bench.detector(bench.rule({"s": {"A": "x"}, "condition": "s"}))
    batch = bench.batch([{"A": "x"}, {"A": None}, {"A": "y"}])
    index = batch.schema.get_field_index("native.A")
    text = batch.column(index)
    for column in (
        text.cast(pa.large_string()),
        text.dictionary_encode(),
        pa.array([["y", "x"], None, [None]], pa.large_list(pa.large_string())),
    ):
        changed = batch.set_column(index, "native.A", column)
        assert [one.key for one in detector.detect(changed)] == ["event-0"]


def test_a_catastrophic_regex_costs_bounded_time_and_harms_no_other(bench: Any) -> None:
    slow = bench.rule({"s": {"A|re": "^(a|aa)+\\1$"}, "condition": "s"}, id=rule_id(1))
    quick = bench.rule({"s": {"A|endswith": "b"}, "condition": "s"}, id=rule_id(2))
    detector = bench.detector(slow, quick)
    events = [{"A": "a" * 50 + f"{number}b"} for number in range(60)]
    started = time.process_time()
    found = detector.detect(bench.batch(events))
    assert time.process_time() - started < 4
    assert [one.rule.id for one in found] == [rule_id(2)] * 60
    assert detector.slow_regexes == (SlowRegex("^(a|aa)+\\1$", MAX_TIMEOUTS, given_up=True, rules=(rule_id(1),)),)


def test_a_long_pattern_list_is_quick(bench: Any) -> None:
    names = [f"malware-{number}.example.com" for number in range(20_000)]
    detector = bench.detector(bench.rule({"s": {"A|contains": names}, "condition": "s"}))
    events = [{"A": f"http://malware-{number}.example.com/x"} for number in range(0, 40_000, 100)]
    started = time.process_time()
    assert len(detector.detect(bench.batch(events))) == 200
    assert time.process_time() - started < 4


def test_a_value_full_of_needles_is_quick(bench: Any) -> None:
    needles = ["a" * length for length in range(1, 60)]
    detector = bench.detector(
        *(bench.rule({"s": {"A|contains": one}, "condition": "s"}, id=rule_id(at)) for at, one in enumerate(needles))
    )
    started = time.process_time()
    found = detector.detect(bench.batch([{"A": "a" * 500_000}, {"A": "aab"}]))
    assert time.process_time() - started < 2
    assert [one.key for one in found] == ["event-0"] * len(needles) + ["event-1"] * 2


def test_many_rules_of_all_products_are_searched_where_they_apply(bench: Any) -> None:
    rules = [
        bench.rule(
            {"s": {"A|endswith": f"-{at}"}, "condition": "s"},
            id=rule_id(at),
            logsource={"product": "linux" if at % 2 else "windows"},
        )
        for at in range(6000)
    ]
    detector = bench.detector(*rules)
    batch = bench.batch(
        [{"A": "x-4242"}, {"A": "x-4243"}] * 2, logsource=["windows//", "windows//", "linux//", "linux//"]
    )
    found = [(one.key, one.rule.id) for one in detector.detect(batch)]
    assert found == [("event-0", rule_id(4242)), ("event-3", rule_id(4243))]


def test_records_are_told_apart_by_their_event_ids(bench: Any) -> None:
    rules = [
        bench.rule({"s": {"EventID": 1}, "condition": "s"}, id=rule_id(1)),
        bench.rule({"s": {"EventID": [1, "AB"]}, "n": {"A": "x"}, "condition": "s and not n"}, id=rule_id(2)),
        bench.rule({"s": {"EventID|contains": "1"}, "condition": "s"}, id=rule_id(3)),
        bench.rule({"s": {"EventID": None}, "condition": "s"}, id=rule_id(4)),
    ]
    detector = bench.detector(*rules)
    found = {
        event: [one.rule.id[-1] for one in detector.detect(bench.batch([{"EventID": event, "A": "y"}, {"A": "x"}]))]
        for event in ("1", "11", "ab", "7")
    }
    assert found == {"1": ["1", "2", "3", "4"], "11": ["3", "4"], "ab": ["2", "4"], "7": ["4"]}
    several = bench.batch([{"EventID": ["7", "1"], "A": "y"}, {"EventID": [], "A": "x"}])
    assert [one.rule.id[-1] for one in detector.detect(several)] == ["1", "2", "3", "4"]


def test_hostile_values_are_values(bench: Any) -> None:
    detector = bench.detector(
        bench.rule({"s": {"A|re": "script"}, "k": ["\u202e"], "condition": "1 of *"}),
        bench.rule({"s": {"A|contains": "\ufffd"}, "condition": "s"}, id=rule_id(2)),
    )
    values = ["<script>\x00", "\u202e", "\ufffd" * 10_000, "x" * 100_000, "\U0001f600" * 10, ""]
    found = detector.detect(bench.batch([{"A": value} for value in values]))
    assert [(one.key, one.rule.id) for one in found] == [
        ("event-0", bench.rule_id),
        ("event-1", bench.rule_id),
        ("event-2", rule_id(2)),
    ]
    assert all(one.summary.isprintable() and len(one.summary) < 300 for one in found)


@pytest.mark.parametrize("count", [1, 3])
def test_many_rules_of_one_event(bench: Any, count: int) -> None:
    rules = [bench.rule({"s": {"A": "x"}, "condition": "s"}, id=rule_id(at)) for at in range(count)]
    found = bench.detector(*rules).detect(bench.batch([{"A": "x"}, {"A": "X"}]))
    assert len({one.uid for one in found}) == len(found) == 2 * count


def test_findings_can_be_written(bench: Any) -> None:
    (finding,) = bench.detector(bench.rule({"s": {"A": "x"}, "condition": "s"})).detect(bench.batch([{"A": "x"}]))
    assert finding.to_ocsf(now=0)["unmapped"]["rule_id"] == bench.rule_id
    assert msgspec.json.encode(finding)
