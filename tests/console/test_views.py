import msgspec
import pytest

from watchfloor.case import Assessment, Case, Risk, Sentence, TimelineEntry
from watchfloor.console.card import card, key_moments
from watchfloor.console.citation import cite
from watchfloor.console.heatmap import heat_map, placed
from watchfloor.console.model import (
    HOUR,
    EvidenceEvent,
    KnownTechnique,
    ReportModel,
    count_dead_letters,
    hourly,
    load_failures,
)
from watchfloor.console.overview import overview
from watchfloor.console.risk_terms import unfold
from watchfloor.deadletter import dead_letter
from watchfloor.errors import ContentError
from watchfloor.event import Origin
from watchfloor.finding import Rule, Term


def case_citing(*cites: tuple[str, ...]) -> Case:
    sentences = tuple(Sentence(f"Sentence {n}.", one) for n, one in enumerate(cites))
    return Case(
        uid="c",
        tenant="default",
        title="t",
        level="high",
        start=0,
        end=1,
        findings=(),
        entities=(),
        tactics=(),
        risk=Risk(0.5),
        assessment=Assessment("h", sentences),
    )


def described(*uids: str) -> dict[str, EvidenceEvent]:
    return {uid: EvidenceEvent(0, "okta", uid, Origin("a", 1)) for uid in uids}


def test_events_are_numbered_in_the_order_of_reading() -> None:
    cites = cite(case_citing(("b", "a"), ("a", "c")), "case-1", (), described("a", "b", "c"), limit=9)
    assert cites.numbers == {"b": 1, "a": 2, "c": 3}
    assert [mark.label for mark in cites.references(("a", "c")).marks] == ["2", "3"]
    assert [mark.anchor for mark in cites.references(("a", "b")).marks] == ["case-1-e1", "case-1-e2"]


def test_three_numbers_in_a_row_become_a_range() -> None:
    uids = tuple("abcde")
    cites = cite(case_citing(uids), "case-1", (), described(*uids), limit=9)
    assert [mark.label for mark in cites.references(uids).marks] == ["1-5"]


def test_no_statement_is_left_without_a_number() -> None:
    many = tuple(f"m{n}" for n in range(500))
    cites = cite(case_citing(many, ("last",)), "case-1", (), described(*many, "last"), limit=50)
    assert "last" in cites.numbers
    assert len(cites.numbers) == 50
    refs = cites.references(many)
    assert refs.more == 451
    assert refs.anchor == "case-1-evidence"


def test_events_that_nobody_described_are_counted_not_listed() -> None:
    cites = cite(case_citing(("a", "b", "c"), ("d", "e")), "case-1", (), described("b"), limit=9)
    assert cites.numbers == {"b": 1, "d": 2}
    assert cites.references(("a", "b", "c")).more == 2


def test_the_cards_numbers_are_those_of_its_evidence(sample: ReportModel) -> None:
    made = card(sample.ranked[0], 1, sample)
    anchors = {note.anchor for note in (*made.footnotes, *made.folded_footnotes)}
    assert {mark.anchor for sentence in made.sentences for mark in sentence.refs.marks} <= anchors
    assert made.footnotes[0].words.startswith("Okta Verify push sent")


def test_key_moments_take_turns_between_tactics() -> None:
    quiet = [TimelineEntry(n, n, f"q{n}", "low", "discovery", (), ()) for n in range(50)]
    grave = [TimelineEntry(60 + n, 60 + n, "same words", "critical", "impact", (), ()) for n in range(50)]
    moments = key_moments([*quiet, *grave], 5)
    assert [moment.text for moment in moments] == ["q0", "q1", "q2", "q3", "same words"]
    assert key_moments(quiet[:3], 5) == quiet[:3]


def test_the_scale_of_terms_is_found_out() -> None:
    odds = Risk(0.8808, (Term("prior", -1.0, "w"), Term("rule:r1", 3.0, "w")))
    assert (
        unfold(odds, {"rule:r1": "Logging stopped"}).note
        == "The terms add up to +2.00 log-odds, which is a probability of 88%."
    )
    assert [bar.name for bar in unfold(odds, {"rule:r1": "Logging stopped"}).bars] == ["Logging stopped", "Prior"]
    shares = Risk(0.4, (Term("a", 0.3, "w"), Term("b", 0.1, "w")))
    assert unfold(shares, {}).note == "The terms add up to the probability of 40%."
    assert "add up" not in unfold(Risk(0.4, (Term("a", 7.0, "w"),)), {}).note


def test_a_technique_stands_under_the_tactics_that_the_rule_names() -> None:
    known = {"T1078": KnownTechnique("Valid Accounts", ("persistence", "initial-access"))}
    assert placed(Rule("r", "t", tactics=("initial-access",), techniques=("T1078.004",)), known) == [
        ("initial-access", "T1078.004")
    ]
    assert placed(Rule("r", "t", techniques=("T1078",)), known) == [("persistence", "T1078")]
    assert placed(Rule("r", "t", tactics=("impact",)), known) == [("impact", "")]
    assert placed(Rule("r", "t", techniques=("T9999",)), known) == [("other", "T9999")]


def test_the_map_has_the_fourteen_tactics_first(sample: ReportModel) -> None:
    columns = heat_map(sample.cases, sample.techniques)
    assert len(columns) == 14
    impact = columns[-1]
    assert [(cell.uid, cell.name, cell.level) for cell in impact.cells] == [
        ("T1490", "Inhibit System Recovery", "critical")
    ]


def test_cases_are_ranked_by_risk(sample: ReportModel) -> None:
    risks = [case.risk.value for case in sample.ranked]
    assert risks == sorted(risks, reverse=True)


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (slice(0, 7), "1 critical and 2 high cases need a decision. The first to read is "),
        (slice(0, 2), "1 critical case and 1 high case need a decision. The first to read is "),
        (slice(0, 1), "1 critical case needs a decision. It is "),
        (slice(0, 0), "405 findings in 19,060 events, none strong enough to open a case."),
        (slice(3, 7), "No case is high or critical. The first of 4 cases to look at is "),
    ],
)
def test_the_verdict_fits_what_was_found(sample: ReportModel, keep: slice, words: str) -> None:
    model = msgspec.structs.replace(sample, cases=sample.ranked[keep])
    assert overview(model).verdict.before == words


def test_a_likelier_harmless_case_is_not_taken_for_the_grave_one(sample: ReportModel) -> None:
    grave, mild = sample.ranked[2], sample.ranked[3]
    cases = (grave, msgspec.structs.replace(mild, risk=Risk(0.99)))
    verdict = overview(msgspec.structs.replace(sample, cases=cases)).verdict
    assert verdict.before == "1 high case needs a decision. The first to read is "
    assert verdict.title == mild.title


def test_the_scope_counts_only_grouped_findings_as_grouped(sample: ReportModel) -> None:
    assert overview(sample).scope.endswith("gave 405 findings, 364 of them in 7 cases.")


def test_the_verdict_says_how_many_are_likely(sample: ReportModel) -> None:
    cases = tuple(msgspec.structs.replace(case, level="high") for case in sample.cases)
    verdict = overview(msgspec.structs.replace(sample, cases=cases)).verdict
    assert (
        verdict.before
        == "7 high cases need a decision; 3 of them more likely an attack than not. The first to read is "
    )


def test_entities_of_low_cases_are_not_at_risk(sample: ReportModel) -> None:
    names = {one.entity.name for one in overview(sample).entities}
    assert "priya.raman@example.com" in names
    low = msgspec.structs.replace(sample, cases=sample.ranked[5:])
    assert overview(low).entities_at_risk == 0


def test_where_an_attacker_came_from_and_what_they_used_is_not_at_risk(sample: ReportModel) -> None:
    grave = [case for case in sample.cases if case.level in {"critical", "high"}]
    assert {"address", "app"} <= {entity.type for case in grave for entity in case.entities}
    view = overview(sample)
    assert {one.kind for one in view.entities} <= {"user", "host", "resource"}
    assert "address" not in view.entity_kinds
    assert "app" not in view.entity_kinds


def test_a_title_is_not_repeated_under_itself() -> None:
    risk = Risk(0.5, (Term("rule:r", 1.0, "Logging stopped (high) fired once."),))
    (bar,) = unfold(risk, {"rule:r": "Logging stopped"}).bars
    assert (bar.name, bar.words) == ("Logging stopped", "(high) fired once.")


def test_small_terms_are_told_together_and_still_add_up() -> None:
    terms = (Term("prior", -1.0, "w"), Term("r", 3.0, "w"), *(Term(f"r{n}", 0.04, "w") for n in range(9)))
    view = unfold(Risk(0.9138, terms), {})
    assert [(bar.name, bar.value) for bar in view.bars] == [
        ("R", "+3.00"),
        ("Prior", "\N{MINUS SIGN}1.00"),
        ("9 small terms together", "+0.36"),
    ]
    assert view.note.startswith("The terms add up to +2.36 log-odds")
    one = unfold(Risk(0.5, (Term("a", 0.04, "w"), Term("b", 1.0, "w"))), {})
    assert [bar.name for bar in one.bars] == ["B", "A"]


def test_activity_puts_findings_at_the_hour_of_their_start(sample: ReportModel) -> None:
    finding = sample.cases[0].findings[0]
    (hour,) = hourly({}, [finding])
    assert hour.hour == finding.start // HOUR * HOUR
    assert hour.levels == (0, 0, 0, 1, 0)


def test_dead_letters_are_counted_by_file_and_reason() -> None:
    letters = [dead_letter("default", Origin("a", line), "ingest", "not JSON") for line in (9, 4)]
    (one,) = count_dead_letters(letters)
    assert (one.count, one.line) == (2, 4)


def test_load_failures_name_the_line() -> None:
    (one,) = load_failures([ContentError("r.yml", "not a mapping", line=3)])
    assert (one.path, one.reason) == ("r.yml:3", "not a mapping")
