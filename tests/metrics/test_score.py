from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from watchfloor.event import Origin
from watchfloor.finding import Level
from watchfloor.metrics import CaseLine, Detection, Score, Truth, score_detections
from watchfloor.metrics.score import AttackScore

NOON = datetime(2026, 3, 17, 12, tzinfo=UTC)
MS = int(NOON.timestamp() * 1000)
OUT = "/somewhere/else/logs"


def entry(
    name: str,
    *lines: int,
    kind: Literal["attack", "twin"] = "attack",
    use_case: str = "login_risk",
    campaign: str | None = None,
    after: int = 0,
) -> Truth:
    events = tuple(Origin("logs/okta/log.ndjson", line) for line in lines)
    start = NOON + timedelta(seconds=after)
    return Truth(name, kind, use_case, start, events, campaign=campaign)


def found(*lines: int, after: float = 0, level: Level = "medium", uid: str | None = None, **more: Any) -> Detection:
    events = tuple(Origin(f"{OUT}/okta/log.ndjson", line) for line in lines)
    return Detection(events=events, level=level, time=MS + round(1000 * after), uid=uid, **more)


def attack(score: Score, name: str = "a") -> AttackScore:
    return next(one for one in score.attacks if one.id == name)


def test_an_attack_is_found_by_one_event_of_it() -> None:
    score = score_detections([entry("a", 1, 2), entry("b", 3)], [found(9, 2, after=60, rule="r1")])
    assert attack(score).found
    assert attack(score).seconds == 60
    assert attack(score).rules == ("r1",)
    assert not attack(score, "b").found
    assert (score.overall.recall.hits, score.overall.recall.of) == (1, 2)
    assert score.overall.time_to_detect.censored == 1
    assert score.overall.time_to_detect.median == 60
    assert score.overall.time_to_detect.p90 == "censored"


@pytest.mark.parametrize(("level", "pages"), [("informational", 0), ("low", 0), ("medium", 1), ("critical", 1)])
def test_only_what_pages_finds(level: Level, pages: int) -> None:
    score = score_detections([entry("a", 1)], [found(1, level=level)])
    assert score.overall.recall.hits == pages
    assert score.overall.findings.paging == pages
    assert score.findings == 1


def test_the_first_finding_counts_not_the_first_line() -> None:
    truth = [entry("a", 1, 2, after=10)]
    lines = [found(2, after=100), found(1, after=40), found(1, after=15, level="low")]
    assert attack(score_detections(truth, lines)).seconds == 30


def test_an_attack_is_known_from_the_first_revision_that_cites_it() -> None:
    lines = [found(8, after=5, uid="f"), found(8, 1, after=20, uid="f"), found(8, 1, 2, after=90, uid="f")]
    revised = [Detection(**{**_fields(one), "revision": number}) for number, one in enumerate(lines, start=1)]
    score = score_detections([entry("a", 1, 2)], revised)
    assert attack(score).seconds == 20
    assert score.overall.findings.paging == 1
    assert score.findings_read == 3


def test_a_retracted_finding_found_nothing() -> None:
    lines = [found(1, uid="f", revision=1), found(1, uid="f", revision=2, retracted=True)]
    score = score_detections([entry("a", 1)], lines)
    assert not attack(score).found
    assert attack(score).seconds is None
    assert score.overall.findings.paging == 0


def test_false_findings_are_told_apart() -> None:
    truth = [entry("a", 1), entry("t", 2, kind="twin", use_case="mfa_fatigue")]
    lines = [
        found(1, 2, rule="both", use_case="login_risk"),
        found(2, rule="fooled", use_case="mfa_fatigue"),
        found(7, rule="noise", use_case="mfa_fatigue"),
        found(8, level="low"),
    ]
    score = score_detections(truth, lines)
    total = score.overall.findings
    assert (total.paging, total.on_attacks, total.on_twins, total.on_background) == (3, 1, 1, 1)
    assert total.precision.value == pytest.approx(1 / 3)
    assert [(one.id, one.false, one.rules) for one in score.twins] == [("t", 1, ("fooled",))]
    by_name = {one.use_case: one for one in score.use_cases}
    assert list(by_name) == ["login_risk", "mfa_fatigue"]
    assert by_name["mfa_fatigue"].recall.of == 0
    assert by_name["mfa_fatigue"].findings.precision.value == 0
    assert by_name["login_risk"].findings.precision.value == 1


def test_findings_of_no_use_case_have_a_row_of_their_own() -> None:
    score = score_detections([entry("a", 1)], [found(1), found(2)])
    assert [(one.use_case, one.findings.paging) for one in score.use_cases] == [("login_risk", 0), ("", 2)]
    assert score.overall.findings.paging == 2


def test_without_times_they_are_missing_and_not_zero() -> None:
    lines = [Detection(events=(Origin("logs/okta/log.ndjson", 1),))]
    score = score_detections([entry("a", 1), entry("b", 2)], lines)
    times = score.overall.time_to_detect
    assert (times.median, times.missing, times.censored, times.count) == (None, 1, 1, 2)
    assert score.overall.recall.hits == 1
    assert "carry no time" in " ".join(score.notes)


@pytest.mark.parametrize(("after", "seconds"), [(-0.9, 0), (-1, 0), (-1.1, None), (-3600, None), (0.25, 0.25)])
def test_a_time_cut_to_the_second_is_no_time_before_the_attack(after: float, seconds: float | None) -> None:
    assert attack(score_detections([entry("a", 1)], [found(1, after=after)])).seconds == seconds


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("logs/okta/log.ndjson", True),
        ("./logs//okta/log.ndjson", True),
        ("/mnt/logs/okta/log.ndjson", True),
        ("/mnt/day.zip!logs/okta/log.ndjson", True),
        ("day.zip!day/logs/okta/log.ndjson", True),
        ("/mnt/catalogs/okta/log.ndjson", False),
        ("okta/log.ndjson", False),
        ("logs/okta/log.ndjson.gz", False),
        ("logs/okta/\u202elog.ndjson", False),
        ("", False),
        ("/" * 10_000, False),
    ],
)
def test_paths_match_by_whole_parts_from_the_end(path: str, matches: bool) -> None:  # noqa: FBT001
    score = score_detections([entry("a", 1)], [Detection(events=(Origin(path, 1),))])
    assert attack(score).found == matches
    assert ("same logs?" in " ".join(score.notes)) != matches


def test_a_time_of_another_unit_hides_no_other() -> None:
    score = score_detections([entry("a", 1)], [found(1, after=-MS / 1000 + 5), found(1, after=30)])
    assert attack(score).seconds == 30


def test_records_of_an_array_match_by_their_index() -> None:
    truth = [Truth("a", "attack", "x", NOON, (Origin("trail.json.gz", 1, 4),))]

    def finds(index: int | None) -> Score:
        return score_detections(truth, [Detection(events=(Origin("x/trail.json.gz", 1, index),), time=MS)])

    assert attack(finds(4)).found
    assert not attack(finds(3)).found
    assert finds(3).notes == ()
    assert not attack(finds(None)).found
    assert "lack the index" in finds(None).notes[0]


def test_nothing_found_is_all_censored() -> None:
    score = score_detections([entry("a", 1)], [])
    assert score.overall.time_to_detect.median == "censored"
    assert score.overall.findings.precision.value is None
    assert score.notes == ()
    assert score.grouping is None


def test_a_truth_without_attacks_has_no_recall() -> None:
    score = score_detections([entry("t", 1, kind="twin")], [found(1)])
    assert score.overall.recall.value is None
    assert score.overall.time_to_detect.median is None
    assert score.overall.findings.on_twins == 1


def test_cases_pure_and_mixed() -> None:
    truth = [
        entry("a1", 1, campaign="tidewater"),
        entry("a2", 2, campaign="tidewater"),
        entry("b", 3, campaign="driftnet"),
        entry("lone", 4),
        entry("t", 5, kind="twin"),
    ]
    lines = [
        found(line, uid=str(line), level="low" if line == 9 else "high", revision=1) for line in (1, 2, 3, 4, 5, 9)
    ]
    cases = [CaseLine("pure", ("1", "2")), CaseLine("mixed", ("3", "5", "9")), CaseLine("twin", ("5",))]
    grouping = score_detections(truth, lines, cases).grouping
    assert grouping is not None
    assert [(one.uid, one.pure, one.stories) for one in grouping.cases] == [
        ("pure", True, {"tidewater": 2}),
        ("mixed", False, {"driftnet": 1, "t": 1, "background": 1}),
        ("twin", True, {"t": 1}),
    ]
    assert [one.campaigns for one in grouping.cases] == [("tidewater",), ("driftnet",), ()]
    assert [(one.campaign, one.findings, one.cases) for one in grouping.campaigns] == [
        ("tidewater", 2, ("pure",)),
        ("driftnet", 1, ("mixed",)),
        ("lone", 1, ()),
    ]
    assert grouping.cases[1].purity == pytest.approx(1 / 3)
    assert (grouping.pure.hits, grouping.pure.of) == (2, 3)
    assert grouping.compression.maximum == 3
    assert (grouping.pairwise_precision.hits, grouping.pairwise_precision.of) == (1, 2)
    assert (grouping.pairwise_recall.hits, grouping.pairwise_recall.of) == (1, 1)


def test_a_campaign_in_two_cases_costs_recall() -> None:
    truth = [entry("a", 1, campaign="tidewater"), entry("b", 2, campaign="driftnet")]
    lines = [found(1, uid=uid, revision=1) for uid in "pqrs"] + [found(1, 2, uid="both", revision=1)]
    cases = [CaseLine("c1", ("p", "q", "both")), CaseLine("c2", ("r",))]
    grouping = score_detections(truth, lines, cases).grouping
    assert grouping is not None
    assert grouping.campaigns[0].cases == ("c1", "c2")
    assert grouping.campaigns[1].cases == ("c1",)
    assert not grouping.cases[0].pure
    assert grouping.cases[0].purity == 1
    assert grouping.pairwise_precision.value == 1
    assert (grouping.pairwise_recall.hits, grouping.pairwise_recall.of) == (3, 10)


def _fields(one: Detection) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__struct_fields__}
