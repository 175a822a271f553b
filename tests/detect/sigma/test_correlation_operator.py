"""The state of a group: bounded whatever comes, let go when idle, left alone when handed in."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.detect.sigma import SigmaDetector
from watchfloor.detect.sigma.correlation_burst import MAX_EVIDENCE
from watchfloor.detect.sigma.correlation_matches import MATCH_SCHEMA, MAX_GROUPS
from watchfloor.detect.sigma.correlation_measure import MAX_WEIGHED, Match, Quantile, Total, percentile
from watchfloor.detect.sigma.correlation_operator import CorrelationOperator, CorrelationState
from watchfloor.finding import Finding
from watchfloor.operator import KeyedOperator, Reference
from watchfloor.run.correlated import run_correlations
from watchfloor.testing.operators import END_OF_TIME

START = 1_700_000_000_000
RULES = """title: A
name: a
logsource: {{product: windows}}
detection: {{s: {{A: x}}, condition: s}}
---
title: C
id: 5f0b5c1e-0000-4000-8000-0000000000cc
correlation:
    type: {kind}
    rules: a
    group-by: U
    timespan: 1h
    condition: {condition}
"""
KINDS = [
    ("event_count", "{gte: 10}"),
    ("event_count", "{lte: 10}"),
    ("value_count", "{field: V, gte: 10}"),
    ("value_sum", "{field: V, gte: 10}"),
    ("value_avg", "{field: V, gte: 10}"),
    ("value_median", "{field: V, gte: 10}"),
    ("temporal", "{gte: 1}"),
    ("temporal_ordered", "{gte: 1}"),
]


def operator_of(bench: Any, kind: str, condition: str) -> CorrelationOperator:
    ruleset = bench.load(RULES.format(kind=kind, condition=condition))
    assert not ruleset.errors
    return CorrelationOperator(ruleset.correlations[0])


def matches(operator: CorrelationOperator, times: Iterable[float], *, group: str = '{"U":"u"}') -> pa.RecordBatch:
    """A match at each of the times, in seconds; the values count up."""
    rows = [
        {
            "tenant": "default",
            "time": START + round(second * 1000),
            "match.since": START + round(second * 1000),
            "metadata.uid": f"{group}{second:012.3f}",
            "match.unit": f"{group}{second:012.3f}",
            "source": "windows",
            "origin.path": "log.ndjson",
            "origin.line": number,
            "match.correlation": operator.linked.id,
            "match.rule": operator.linked.feeds[0].rule,
            "match.group": group,
            "match.value": [str(number)],
        }
        for number, second in enumerate(times, start=1)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=MATCH_SCHEMA)


def stepped(operator: CorrelationOperator, *seconds: float) -> tuple[CorrelationState, list[Finding]]:
    state, findings = operator.step(None, matches(operator, seconds), Reference())
    assert state is not None
    return state, findings


@pytest.mark.parametrize(("kind", "condition"), KINDS)
def test_memory_of_a_group_is_bounded(bench: Any, kind: str, condition: str) -> None:
    operator = operator_of(bench, kind, condition)
    assert isinstance(operator, KeyedOperator)
    sizes = []
    for events in (9_000, 18_000):
        state, findings = operator.step(None, matches(operator, (one / 100 for one in range(events))), Reference())
        assert state is not None
        sizes.append(len(operator.dump(state)))
        assert all(len(one.event_uids) <= MAX_EVIDENCE for one in findings)
        assert len(findings) < 100, "revisions come at doublings"
    assert sizes[1] < sizes[0] * 1.1


def test_all_events_of_a_long_burst_are_counted(bench: Any) -> None:
    operator = operator_of(bench, "event_count", "{gte: 10}")
    state, findings = operator.step(None, matches(operator, (one / 100 for one in range(10_000))), Reference())
    assert state is not None
    (last,) = operator.expire(state, END_OF_TIME)[1]
    assert (len(last.event_uids), last.terms[1].value) == (MAX_EVIDENCE, 10_000)
    assert last.terms[1].words == "10000 events contribute; 4096 of them are named."
    assert [one.revision for one in [*findings, last]] == list(range(1, len(findings) + 2))
    assert {one.uid for one in findings} == {last.uid}
    assert [one.status for one in [*findings, last]] == ["new", *["corrected"] * len(findings)]


def test_each_new_event_is_a_revision_while_they_are_few(bench: Any) -> None:
    _, findings = stepped(operator_of(bench, "event_count", "{gte: 3}"), 0, 1, 2, 3, 4)
    assert [len(one.event_uids) for one in findings] == [3, 4, 5]


@pytest.mark.parametrize(("kind", "condition"), KINDS)
def test_a_group_is_let_go_a_millisecond_after_it_is_due(bench: Any, kind: str, condition: str) -> None:
    operator = operator_of(bench, kind, condition)
    state, _ = stepped(operator, 0, 60)
    due = operator.due(state)
    grows = operator.linked.correlation.grows
    assert due == datetime.fromtimestamp(START / 1000, UTC) + timedelta(seconds=3660 if grows else 3600)
    assert operator.expire(state, due) == (state, [])
    assert operator.expire(state, due + timedelta(milliseconds=1))[0] is None


def test_a_time_beyond_all_dates_is_due_at_their_end(bench: Any) -> None:
    operator = operator_of(bench, "event_count", "{lte: 3}")
    state, _ = stepped(operator, 10_000_000_000_000)
    due = operator.due(state)
    assert due is not None
    assert due.year == 9998
    assert len(operator.expire(state, END_OF_TIME)[1]) == 1


@pytest.mark.parametrize(("kind", "condition"), KINDS)
def test_a_state_that_was_handed_in_is_left_alone(bench: Any, kind: str, condition: str) -> None:
    operator = operator_of(bench, kind, condition)
    state, _ = stepped(operator, *range(12))
    before = operator.dump(state)
    more = matches(operator, [20, 30, 9000])
    assert operator.step(state, more, Reference()) == operator.step(state, more, Reference())
    assert operator.expire(state, END_OF_TIME) == operator.expire(state, END_OF_TIME)
    assert operator.dump(state) == before
    assert operator.load(before) == state


def test_two_groups_that_are_one_count_together(bench: Any) -> None:
    operator = operator_of(bench, "event_count", "{gte: 4}")
    a, _ = stepped(operator, 0, 10)
    b, _ = operator.step(None, matches(operator, [5], group='{"U":"v"}'), Reference())
    assert b is not None
    merged = operator.merge(a, b)
    _, findings = operator.step(merged, matches(operator, [20]), Reference())
    assert [len(one.event_uids) for one in findings] == [4]


def test_an_event_of_very_many_groups_is_seen_in_some(bench: Any) -> None:
    ruleset = bench.load(RULES.format(kind="event_count", condition="{gte: 1}"))
    batch = bench.batch([{"A": "x", "U": [f"u{one}" for one in range(1000)]}])
    assert SigmaDetector(ruleset).process(batch).matches.num_rows == MAX_GROUPS


def test_a_failing_correlation_is_named_and_the_others_go_on(bench: Any) -> None:
    ruleset = bench.load(RULES.format(kind="event_count", condition="{gte: 1}"))
    (good,) = ruleset.correlations
    operator = CorrelationOperator(good)
    broken = matches(operator, [0]).set_column(
        MATCH_SCHEMA.get_field_index("match.rule"), "match.rule", pa.array(["nosuch"])
    )
    failures: list[str] = []
    found = run_correlations([good], [broken], on_failure=lambda name, _error: failures.append(name))
    assert list(found) == []
    assert failures == [f"C ({good.id})"]


def _total(numbers: Iterable[object], *, mean: bool = False) -> Total:
    total = Total(mean=mean)
    for at, number in enumerate(numbers):
        total.add(Match(at, 0, str(at), (str(number),)))
    return total


@given(st.lists(st.integers(-1000, 1000) | st.floats(-1e9, 1e9).map(lambda one: round(one, 3)), min_size=1))
def test_sums_forget_exactly(numbers: list[float]) -> None:
    total = _total(f"{one:.3f}" for one in numbers)
    assert total.value(len(numbers)) is None
    assert total.numbers == []
    total.add(Match(len(numbers), 0, "last", ("0.1",)))
    assert total.value(0) == 0.1


def test_a_very_long_sum_is_exact_in_all_and_close_at_its_edge() -> None:
    total = _total([1] * 50_000)
    assert total.value(0) == 50_000
    assert len(total.numbers) <= MAX_WEIGHED
    assert total.value(25_000) == pytest.approx(25_000, rel=0.005)
    assert _total([1, 3] * 20_000, mean=True).value(0) == 2


def test_a_very_long_percentile_is_close() -> None:
    quantile = Quantile(90)
    for at in range(100_000):
        quantile.add(Match(at, 0, str(at), (str(at * 7919 % 100_000),)))
    assert len(quantile.numbers) <= MAX_WEIGHED
    assert quantile.value(0) == pytest.approx(90_000, rel=0.01)


def test_numbers_of_all_sizes_have_a_sum_and_a_percentile() -> None:
    huge = ["9" * 300, "-" + "9" * 300, "1e308", "1e308", "1e999", "nan", "0x10", ""]
    assert _total(huge).value(0) == float("inf")
    assert percentile([1e308, -1e308], 50) == 0
