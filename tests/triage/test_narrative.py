"""The deterministic assessment: a case and its events in, proved sentences out; what is not proved is counted."""

import json
from typing import Any

import pytest

from watchfloor.case import Assessment, Case
from watchfloor.correlate import correlate
from watchfloor.event import entity_of
from watchfloor.finding import Finding, Level, Rule
from watchfloor.testing.events import batch_of
from watchfloor.triage import Evidence, assess, check
from watchfloor.triage import narrative as told

TIME = 1_773_738_840_000  # 2026-03-17 09:14 UTC
MINUTE = 60_000
ALICE = entity_of("user:alice@example.com")


def row(uid: str, minute: float, **more: Any) -> dict[str, Any]:
    return {
        "metadata.uid": uid,
        "time": TIME + round(minute * MINUTE),
        "source": "okta_system_log",
        "class_uid": 3002,
        "activity_id": 1,
        "user.email_addr": "alice@example.com",
        "src_endpoint.ip": "203.0.113.9",
        "entity.user": "user:alice@example.com",
        **more,
    }


def finding(uid: str, *rows: dict[str, Any], level: Level = "high", summary: str = "", **rule: Any) -> Finding:
    times = [one["time"] for one in rows]
    details = {"id": uid, "title": f"Rule {uid}", "tactics": ("execution",), **rule}
    return Finding(
        uid=uid,
        tenant="default",
        rule=Rule(level=level, **details),
        start=min(times),
        end=max(times),
        event_uids=tuple(one["metadata.uid"] for one in rows),
        entities=(ALICE,),
        source=rows[0]["source"],
        summary=summary,
    )


def case_of(*findings: Finding) -> Case:
    (case,) = correlate(findings).cases
    return case


def evidence_of(*rows: dict[str, Any], **same_person: Any) -> Evidence:
    return Evidence({one["metadata.uid"]: one for one in batch_of(*rows).to_pylist()}, **same_person)


def proved(case: Case, evidence: Evidence) -> Assessment:
    assessment = assess(case, evidence)
    for sentence in assessment.sentences:
        assert sentence.cites
        assert check(sentence.text, sentence.cites, evidence, case.findings) == []
        assert len(sentence.text.splitlines()) == 1
    return assessment


def test_a_case_is_told_in_order_with_times_and_titles() -> None:
    rows = [row("e1", 0), row("e2", 12, status_id=2, status_detail="bad password")]
    case = case_of(finding("b", rows[1], title="Second"), finding("a", rows[0], title="First"))
    assessment = proved(case, evidence_of(*rows))
    assert [one.text for one in assessment.sentences] == [
        "2 events carry this case, between 2026-03-17 09:14 and 09:26 UTC.",
        "09:14 UTC: alice@example.com signed in from 203.0.113.9 (“First”).",
        "09:26 UTC: alice@example.com failed to sign in from 203.0.113.9: bad password (“Second”).",
    ]
    assert assessment.rejected == 0
    assert assessment.hypotheses
    assert assessment.checks


def test_one_event_is_told_at_its_minute_and_a_long_case_with_its_days() -> None:
    lone = row("e1", 0)
    (opening, _) = proved(case_of(finding("a", lone)), evidence_of(lone)).sentences
    assert opening.text == "One event carries this case, at 2026-03-17 09:14 UTC."
    days = [row(f"e{day}", day * 660) for day in range(4)]
    case = case_of(*(finding(f"f{number}", one) for number, one in enumerate(days)))
    sentences = proved(case, evidence_of(*days)).sentences
    assert sentences[0].text == "4 events carry this case, between 2026-03-17 09:14 and 2026-03-18 18:14 UTC."
    assert sentences[-1].text.startswith("2026-03-18 18:14 UTC: ")


def test_a_detections_own_words_are_told_if_its_events_prove_them() -> None:
    rows = [row("e1", 0), row("e2", 1)]
    evidence = evidence_of(*rows)
    for summary, told_so in (
        ("alice@example.com signed in 2 times.", True),
        # A number that the detection computed from these very events stands; a name that they do not have does not.
        ("alice@example.com signed in within 75 seconds.", True),
        ("mallory@example.com signed in 2 times.", False),
    ):
        (_, step) = proved(case_of(finding("a", *rows, summary=summary)), evidence).sentences
        assert (summary.rstrip(".") in step.text) == told_so
        assert told_so or step.text.endswith("; 2 such events until 09:15 UTC (“Rule a”).")


@pytest.mark.parametrize(
    "title", ["Two  spaces\nand a line", "“Quoted” title", "x" * 1000, "<script>\u202e", " padded "]
)
def test_a_title_of_any_shape_does_not_silence_its_finding(title: str) -> None:
    lone = row("e1", 0)
    assessment = proved(case_of(finding("a", lone, title=title)), evidence_of(lone))
    assert len(assessment.sentences) == 2
    assert assessment.rejected == 0


def test_many_events_are_counted_as_at_least_those_that_are_cited() -> None:
    total = told.MAX_CITES + 500
    rows = [row(f"e{number:05}", number / 100) for number in range(total)]
    case = case_of(finding("a", *rows))
    (opening, step) = proved(case, evidence_of(*rows)).sentences
    assert opening.text == "At least 2000 events carry this case, between 2026-03-17 09:14 and 09:38 UTC."
    assert step.text.endswith("; at least 2000 such events until 09:38 UTC (“Rule a”).")
    assert len(opening.cites) == told.MAX_CITES
    assert {opening.cites[0], opening.cites[-1]} == {"e00000", f"e{total - 1:05}"}


def test_events_that_are_not_at_hand_are_not_told() -> None:
    rows = [row("e1", 0), row("e2", 1)]
    case = case_of(finding("a", *rows), finding("b", rows[1]))
    assert [one.cites for one in proved(case, evidence_of(rows[0])).sentences] == [("e1",), ("e1",)]
    nothing = proved(case, Evidence({}))
    assert nothing.sentences == ()
    assert nothing.headline


def test_what_the_events_do_not_prove_is_left_out_and_counted() -> None:
    lone = row("e1", 0)
    case = case_of(finding("a", lone))
    (bare,) = batch_of(lone).to_pylist()
    # The address of a private description: the event itself does not have it.
    evidence = Evidence({"e1": _Lying(bare)})
    assessment = assess(case, evidence)
    assert [one.text for one in assessment.sentences] == ["One event carries this case, at 2026-03-17 09:14 UTC."]
    assert assessment.rejected == 1


class _Lying(dict[str, Any]):
    """A row that names another address each time it is asked."""

    asked = 0

    def get(self, name: str, default: Any = None) -> Any:
        if name != "src_endpoint.ip":
            return super().get(name, default)
        self.asked += 1
        return f"203.0.113.{self.asked}"


def test_a_long_case_is_told_in_a_bounded_number_of_steps_that_reach_every_source_and_tactic() -> None:
    rows = [row(f"e{number}", number, source=f"source{number % 3}") for number in range(60)]
    findings = [
        finding(f"f{number:02}", one, tactics=(("execution", "impact", "discovery")[number // 20],))
        for number, one in enumerate(rows)
    ]
    weak = [finding(f"w{number}", one, level="low") for number, one in enumerate(rows)]
    assessment = proved(case_of(*findings, *weak), evidence_of(*rows))
    assert len(assessment.sentences) == 1 + told.MAX_STEPS
    steps = [uid for one in assessment.sentences[1:] for uid in one.cites]
    assert len(set(steps)) == told.MAX_STEPS
    cells = {(int(uid[1:]) % 3, int(uid[1:]) // 20) for uid in steps}
    assert len(cells) == 9


def test_names_of_one_person_are_told_with_the_event_that_says_so() -> None:
    rows = [row("e1", 0), row("e2", 1, source="windows_event_log", **{"actor.user.uid": "S-1-5-21-1-2-3-1104"})]
    links = {("user:alice@example.com", "user:sid:S-1-5-21-1-2-3-1104"): "e2"}
    evidence = evidence_of(*rows, same_person=links)
    case = case_of(finding("a", rows[0]), finding("b", rows[1]))
    last = proved(case, evidence).sentences[-1]
    assert last.text == "The events give one account these names: alice@example.com, S-1-5-21-1-2-3-1104."
    assert last.cites == ("e2",)
    unproved = evidence_of(*rows, same_person={("user:alice@example.com", "user:okta:00u9"): "e2"})
    assert "names" not in proved(case, unproved).sentences[-1].text
    alone = case_of(finding("a", rows[0]))
    assert "names" not in proved(alone, evidence).sentences[-1].text


def test_a_person_with_very_many_and_very_long_names_takes_one_bounded_sentence() -> None:
    names = [f"corp\\{'x' * 3000}{number}" for number in range(50)]
    rows = [row("e0", 0), row("e1", 1, source="m365", unmapped=json.dumps(names))]
    links = {("user:alice@example.com", f"user:{name}"): "e1" for name in names}
    case = case_of(finding("a", rows[0]), finding("b", rows[1]))
    last = proved(case, evidence_of(*rows, same_person=links)).sentences[-1]
    assert last.text.startswith("The events give one account these names: ")
    assert len(last.text) < 1000
