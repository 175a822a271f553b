"""The deterministic assessment: a case and its events in, proved sentences out; what is not proved is counted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.case import TACTICS, Assessment, Case, Rejection
from watchfloor.correlate import correlate
from watchfloor.event import entity_of
from watchfloor.finding import Finding, Level, Rule
from watchfloor.testing.events import batch_of
from watchfloor.triage import Evidence, assess
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
        assert set(sentence.cites) <= set(evidence.rows)
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
    assert assessment.rejected == ()
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
    for summary, refused in (
        ("alice@example.com signed in 2 times.", ()),
        # A number that the detection computed from these very events stands; a name that they do not have does not.
        ("alice@example.com signed in within 75 seconds.", ()),
        ("mallory@example.com signed in 2 times.", ("mallory@example.com is no word of ours, and in no cited event",)),
        ("mallory signed in at 09:16 UTC.", ("mallory is no word of ours, and in no cited event", NOT_THEN)),
    ):
        assessment = proved(case_of(finding("a", *rows, summary=summary)), evidence)
        (_, step) = assessment.sentences
        assert (summary.rstrip(".") in step.text) == (not refused)
        assert not refused or step.text.endswith("; 2 such events until 09:15 UTC (“Rule a”).")
        told_first = f"09:14 UTC: {summary.rstrip('.')} (“Rule a”)."
        assert assessment.rejected == ((Rejection(told_first, ("e1", "e2"), refused),) if refused else ())


NOT_THEN = "09:16 no cited event has this time"

HOSTILE = (
    "09:15", " 09:15 ", "x 23:59:59 y", "2026-03-18 09:14", "no, never, without", "mallory@example.com", "٣ events",
    "“Rule z”", "not “a” title", "{}", "{} {}", "12:34:56:78", "\x1b[2J09:99", "…", "a…b", "UTC: ", "3 more steps",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("class_uid", [1007, 3001, 3002, 4009, 6003, 0])
def test_no_text_of_a_log_silences_its_own_step(text: str, class_uid: int) -> None:
    """Whatever an event says of itself is told as its value, or the step is told by its time and title."""
    names = ("process.cmd_line", "status_detail", "message", "email.subject", "actor.user.name", "api.operation")
    rows = [row(f"e{n}", n, class_uid=class_uid, status_id=2, **dict.fromkeys(names, text)) for n in range(2)]
    case = case_of(finding("a", *rows, summary=f"{text} signed in 2 times."), finding("b", rows[1]))
    assessment = proved(case, evidence_of(*rows))
    steps = assessment.sentences[1:]
    assert [one.cites for one in steps] == [("e0", "e1"), ("e1",)]
    assert [one.text[:10] for one in steps] == ["09:14 UTC:", "09:15 UTC:"]
    assert all(one.text.startswith("09:14 UTC: ") and one.reasons for one in assessment.rejected)


@pytest.mark.parametrize(
    "title", ["Two  spaces\nand a line", "“Quoted” title", "x" * 1000, "<script>\u202e", " padded "]
)
def test_a_title_of_any_shape_does_not_silence_its_finding(title: str) -> None:
    lone = row("e1", 0)
    assessment = proved(case_of(finding("a", lone, title=title)), evidence_of(lone))
    assert len(assessment.sentences) == 2
    assert assessment.rejected == ()


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


def test_what_the_events_do_not_prove_is_rejected_and_the_step_told_by_its_title() -> None:
    lone = row("e1", 0)
    case = case_of(finding("a", lone))
    (bare,) = batch_of(lone).to_pylist()
    # The address of a private description: the event itself does not have it.
    evidence = Evidence({"e1": _Lying(bare)})
    assessment = assess(case, evidence)
    assert [one.text for one in assessment.sentences] == [
        "One event carries this case, at 2026-03-17 09:14 UTC.",
        "09:14 UTC: “Rule a”.",
    ]
    (rejected,) = assessment.rejected
    assert rejected.text == "09:14 UTC: alice@example.com signed in from 203.0.113.1 (“Rule a”)."
    assert rejected.cites == ("e1",)
    assert rejected.reasons == ("203.0.113.1 is no value of a cited event",)


class _Lying(dict[str, Any]):
    """A row that names another address each time it is asked."""

    asked = 0

    def get(self, name: str, default: Any = None) -> Any:
        if name != "src_endpoint.ip":
            return super().get(name, default)
        self.asked += 1
        return f"203.0.113.{self.asked}"


def test_a_long_case_is_told_in_a_bounded_number_of_steps_that_reach_every_source_and_tactic() -> None:
    rows = [row(f"e{number:02}", number, source=f"source{number % 3}") for number in range(60)]
    findings = [
        finding(f"f{number:02}", one, tactics=(("execution", "impact", "discovery")[number // 20],))
        for number, one in enumerate(rows)
    ]
    weak = [finding(f"w{number}", one, level="low") for number, one in enumerate(rows)]
    assessment = proved(case_of(*findings, *weak), evidence_of(*rows))
    (_, *steps, rest) = assessment.sentences
    assert len(steps) == told.MAX_STEPS
    begun = [one.cites[0] for one in steps]
    assert begun == sorted(set(begun))
    cells = {(int(uid[1:]) % 3, int(uid[1:]) // 20) for uid in begun}
    assert len(cells) == 9
    assert rest.text == f"{60 - told.MAX_STEPS} more steps, the last at 10:13 UTC, are in the timeline."
    assert set(rest.cites) == {one["metadata.uid"] for one in rows} - set(begun)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("low", "medium", "high", "critical")),
            st.lists(st.sampled_from(TACTICS), unique=True, max_size=3).map(tuple),
            st.integers(0, 6),
            st.integers(0, 12),
        ),
        min_size=1,
        max_size=50,
    )
)
def test_every_tactic_of_a_case_has_a_step_and_what_is_left_out_is_counted(
    drawn: list[tuple[Level, tuple[str, ...], int, int]],
) -> None:
    rows = {minute: row(f"e{minute:02}", minute, source=f"source{minute % 3}") for minute in range(20)}
    findings = [
        finding(f"f{number}", rows[begin], rows[begin + length], level=level, tactics=tactics)
        for number, (level, tactics, begin, length) in enumerate(drawn)
    ]
    anchor = finding("first", rows[0], tactics=("initial-access",))
    case = case_of(anchor, *findings)
    (_, *told_steps) = proved(case, evidence_of(*rows.values())).sentences
    rest = [one for one in told_steps if "in the timeline" in one.text]
    steps = [one for one in told_steps if one not in rest]
    titles = {one.rule.title: one.rule.tactics for one in case.findings}
    seen = {
        tactic for one in steps for title, tactics in titles.items() if f"“{title}”" in one.text for tactic in tactics
    }
    assert seen >= set(case.tactics)
    assert len(steps) <= told.MAX_STEPS
    assert [one.cites[0] for one in steps] == sorted(one.cites[0] for one in steps)
    begun = {entry.event_uids[0] for entry in case.timeline}
    counted = [uid for one in rest for uid in one.cites]
    assert {*counted, *(one.cites[0] for one in steps)} == begun
    assert all(one.text.startswith(str(len(one.cites)) if len(one.cites) > 1 else "One more step") for one in rest)


def test_one_step_that_is_left_out_is_one() -> None:
    rows = [row(f"e{number}", number) for number in range(told.MAX_STEPS + 1)]
    case = case_of(*(finding(f"f{number:02}", one) for number, one in enumerate(rows)))
    last = proved(case, evidence_of(*rows)).sentences[-1]
    assert last.text == "One more step, at 09:30 UTC, is in the timeline."


def test_events_that_several_rules_saw_are_told_once_with_the_titles_that_add_a_tactic() -> None:
    lone = row("e1", 0)
    case = case_of(
        finding("a", lone, level="critical", tactics=("execution",)),
        finding("b", lone, tactics=("execution",)),
        finding("c", lone, level="low", tactics=("impact",)),
    )
    (_, step) = proved(case, evidence_of(lone)).sentences
    assert step.text == "09:14 UTC: alice@example.com signed in from 203.0.113.9 (“Rule a”, “Rule c”)."


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
