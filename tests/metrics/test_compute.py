from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from watchfloor.case import Assessment, Case, Disposition, Rejection, Risk, Sentence
from watchfloor.deadletter import DeadLetter
from watchfloor.event import Origin
from watchfloor.finding import Finding, Level, Rule
from watchfloor.metrics import METRICS, Figures, Share, Summary, measure
from watchfloor.metrics.compute import MAX_REASONS


def finding(uid: str, start: int, end: int, level: Level = "medium") -> Finding:
    rule = Rule(uid, "A rule", level)
    return Finding(uid=uid, tenant="default", rule=rule, start=start, end=end, event_uids=("e",))


def case(uid: str, *findings: Finding, told: Assessment | None = None) -> Case:
    return Case(
        uid=uid,
        tenant="default",
        title="A case",
        level="high",
        start=min(one.start for one in findings),
        end=max(one.end for one in findings),
        findings=findings,
        entities=(),
        tactics=(),
        risk=Risk(0.5),
        assessment=told,
    )


def two_or_one_high(findings: Sequence[Finding]) -> bool:
    return len(findings) > 1 or any(one.rule.level == "high" for one in findings)


def figures(tmp_path: Path, *cases: Case, **more: Any) -> Figures:
    return measure(
        cases,
        **{
            "events": 100,
            "findings": 9,
            "dispositions": {},
            "dead_letters": (),
            "packs": tmp_path,
            "verifies": lambda _pack: True,
            "makes_a_case": two_or_one_high,
            **more,
        },
    )


def value(of: Figures, name: str) -> Summary | Share | None:
    return next(one.value for one in of.metrics if one.metric.name == name)


def summary(of: Figures, name: str) -> Summary:
    found = value(of, name)
    assert isinstance(found, Summary)
    return found


def test_dwell_time_ends_with_the_finding_that_made_it_a_case(tmp_path: Path) -> None:
    second = case("a", finding("1", 1000, 2000), finding("3", 1000, 90_000), finding("2", 3000, 61_000))
    alone = case("b", finding("1", 0, 5000, "low"), finding("2", 7000, 9000, "high"))
    assert summary(figures(tmp_path, second), "dwell-time").median == 60
    assert summary(figures(tmp_path, second, alone), "dwell-time").maximum == 60
    assert summary(figures(tmp_path, alone), "dwell-time").median == 9


def test_dwell_time_is_missing_where_no_finding_made_the_case(tmp_path: Path) -> None:
    weak = case("a", finding("1", 0, 5000))
    dwell = summary(figures(tmp_path, weak), "dwell-time")
    assert (dwell.median, dwell.count, dwell.missing_share) == (None, 1, 1.0)


@pytest.mark.parametrize(("said", "count"), [("false-positive", 0), ("benign-true-positive", 0), ("true-positive", 1)])
def test_what_people_called_harmless_has_no_dwell_time(tmp_path: Path, said: Disposition, count: int) -> None:
    strong = case("a", finding("1", 0, 5000, "high"))
    assert summary(figures(tmp_path, strong, dispositions={"a": said}), "dwell-time").count == count


def test_compression_is_findings_per_case(tmp_path: Path) -> None:
    sizes = (1, 2, 9)
    cases = [case(str(size), *(finding(f"{size}.{n}", 0, n) for n in range(size))) for size in sizes]
    got = figures(tmp_path, *cases)
    compression = summary(got, "compression")
    assert (compression.median, compression.p90, compression.maximum, compression.count) == (2, 9, 9, 3)
    assert (got.funnel.events, got.funnel.findings, got.funnel.in_cases, got.funnel.cases) == (100, 9, 12, 3)


def test_a_case_is_ready_for_audit_only_with_a_pack_that_verifies(tmp_path: Path) -> None:
    for uid in ("good", "bad"):
        (tmp_path / f"{uid}.zip").touch()
    cases = [case(uid, finding(uid, 0, 1, "high")) for uid in ("good", "bad", "none")]
    ready = value(figures(tmp_path, *cases, verifies=lambda pack: pack.stem == "good"), "audit-readiness")
    assert isinstance(ready, Share)
    assert (ready.hits, ready.of, ready.missing) == (1, 3, 1)


def test_dispositions_sentences_and_dead_letters(tmp_path: Path) -> None:
    told = Assessment(
        "Told",
        (Sentence("One.", ("e",)), Sentence("Two.", ("e",)), Sentence("3.", ("e",))),
        rejected=(Rejection("4.", ("e",), ("why",)),),
    )
    cases = [case(uid, finding(uid, 0, 1, "high"), told=told if uid == "a" else None) for uid in ("a", "b")]
    letters = [DeadLetter("default", Origin("x", 1), "ingest", reason) for reason in ("<b>", "not JSON", "not JSON")]
    said: dict[str, Disposition] = {"a": "true-positive", "finding of nobody": "inconclusive"}
    got = figures(tmp_path, *cases, dispositions=said, dead_letters=letters)
    assert got.dispositions.counts["true-positive"] == 1
    assert got.dispositions.counts["inconclusive"] == 0
    assert got.dispositions.unlabelled == 1
    assert (got.sentences_rejected.hits, got.sentences_rejected.of) == (1, 4)
    assert [(one.reason, one.count) for one in got.dead_letters] == [("not JSON", 2), ("<b>", 1)]


def test_reasons_without_end_are_counted_together(tmp_path: Path) -> None:
    letters = (DeadLetter("default", Origin("x", n), "ingest", f"reason {n:04}") for n in range(MAX_REASONS + 50))
    got = figures(tmp_path, dead_letters=letters).dead_letters
    assert len(got) == MAX_REASONS + 1
    assert got[-1].count == 50


def test_without_cases_nothing_is_zero_that_was_not_counted(tmp_path: Path) -> None:
    got = figures(tmp_path, events=0, findings=0)
    assert summary(got, "dwell-time").median is None
    assert summary(got, "compression").maximum is None
    ready = value(got, "audit-readiness")
    assert isinstance(ready, Share)
    assert ready.value is None
    assert got.sentences_rejected.value is None


def test_a_metric_has_a_value_or_says_why_not(tmp_path: Path) -> None:
    got = figures(tmp_path, case("a", finding("1", 0, 1, "high")))
    assert [one.metric for one in got.metrics] == list(METRICS)
    for one in got.metrics:
        assert (one.value is None) == bool(one.metric.unmeasured), one.metric.name
