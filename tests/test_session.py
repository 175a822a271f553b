"""Sessions: events of one key in, findings and their revisions out."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.correlate.grouping import latest
from watchfloor.finding import Finding, Rule, Term
from watchfloor.judging import bursts, one_of
from watchfloor.operator import KeyedOperator, Reference
from watchfloor.session import ASK_EACH_UNTIL, MAX_ENTITIES, MAX_SAID, Judgement, Row, Sessions, SessionState
from watchfloor.testing.events import batch_of
from watchfloor.testing.operators import check_keyed, run_keyed

MINUTE = 60_000
START = 1_773_700_000_000
REFUSED = Rule("refused", "Many refusals")
ENTERED = Rule("entered", "In after refusals", "high")


def judge(rows: Sequence[Row], count: int) -> Iterable[Judgement]:
    """Three refusals; and a success after them, which is another finding of the same session."""
    refused = [row for row in rows if row["status_id"] == 2]
    if len(refused) >= 3:
        yield Judgement(
            rule=REFUSED, summary=f"{count} events", rows=refused, terms=(Term("refusals", len(refused), "Refusals."),)
        )
        entered = [row for row in rows if row["status_id"] == 1 and row["time"] >= refused[2]["time"]]
        if entered:
            yield Judgement(rule=ENTERED, summary="in", rows=[*refused[:3], entered[0]], bucket="in")


def sessions(**changes: Any) -> Sessions:
    arguments: dict[str, Any] = {
        "name": "refusals",
        "key": "entity.user",
        "gap": timedelta(minutes=10),
        "columns": ("status_id",),
        "select": one_of("class_uid", [3002]),
        "judge": judge,
    }
    return Sessions(**{**arguments, **changes})


def login(minute: float, *, uid: str | None = None, status: int = 2, user: str = "user:a") -> dict[str, Any]:
    time = START + round(minute * MINUTE)
    named = {"metadata.uid": uid} if uid else {}
    return {"time": time, "class_uid": 3002, "status_id": status, "entity.user": user, **named}


def folded(operator: Sessions, *rows: dict[str, Any]) -> tuple[SessionState, list[Finding]]:
    state, findings = operator.step(None, batch_of(*rows), Reference())
    assert state is not None
    return state, findings


EVENTS = st.lists(
    st.builds(
        login,
        st.sampled_from([0, 1, 9, 10, 10.001, 20, 25, 300]) | st.integers(0, 60),
        status=st.sampled_from([1, 2]),
        user=st.sampled_from(["user:a", "user:b", 'user:"c\0\u202e']),
    )
    | st.builds(lambda minute: {**login(minute), "class_uid": 6003}, st.integers(0, 60)),
    max_size=25,
).map(lambda rows: sorted(rows, key=lambda row: row["time"]))


@settings(max_examples=15)
@given(EVENTS)
def test_the_laws_hold(rows: list[dict[str, Any]]) -> None:
    operator = sessions()
    assert isinstance(operator, KeyedOperator)
    check_keyed(operator, batch_of(*rows))


@settings(max_examples=10)
@given(EVENTS, st.integers(1, 5))
def test_the_laws_hold_when_rows_are_not_all_kept(rows: list[dict[str, Any]], kept: int) -> None:
    check_keyed(sessions(max_rows=kept), batch_of(*rows))
    check_keyed(sessions(judge=in_a_burst, max_rows=kept), batch_of(*rows))


@settings(max_examples=15)
@given(EVENTS)
def test_revisions_grow_by_one_and_each_has_new_evidence(rows: list[dict[str, Any]]) -> None:
    by_uid: dict[str, list[Finding]] = {}
    for finding in run_keyed(sessions(), [batch_of(*rows)]):
        by_uid.setdefault(finding.uid, []).append(finding)
    for revisions in by_uid.values():
        assert [one.revision for one in revisions] == list(range(1, len(revisions) + 1))
        assert [one.status for one in revisions] == ["new", *["corrected"] * (len(revisions) - 1)]
        for before, after in pairwise(revisions):
            assert set(before.event_uids) < set(after.event_uids)
            assert (before.start, before.key, before.rule) == (after.start, after.key, after.rule)


@pytest.mark.parametrize(("minutes", "found"), [((0, 10, 20), 1), ((0, 10, 20 + 1 / MINUTE), 0)], ids=["at", "beyond"])
def test_neighbours_as_far_apart_as_the_gap_are_of_one_session(minutes: tuple[float, ...], found: int) -> None:
    assert len(run_keyed(sessions(), [batch_of(*map(login, minutes))])) == found


@given(st.integers(1, 4_000_000_000_000), st.integers(1, 10_000_000))
def test_a_session_closes_a_millisecond_after_it_is_due(time: int, gap: int) -> None:
    operator = sessions(gap=timedelta(milliseconds=gap))
    state, _ = folded(operator, {**login(0), "time": time})
    due = operator.due(state)
    assert due is not None
    assert (due - datetime(1970, 1, 1, tzinfo=UTC)) == timedelta(milliseconds=time + gap)
    assert operator.expire(state, due) == (state, [])
    assert operator.expire(state, due + timedelta(milliseconds=1)) == (None, [])


def test_a_closed_session_says_what_it_had_not_said() -> None:
    late = sessions(judge=lambda rows, count: judge(rows, count) if count > ASK_EACH_UNTIL else ())
    rows = [login(number / 10) for number in range(ASK_EACH_UNTIL + 1)]
    state, findings = folded(late, *rows)
    assert findings == []
    closed, (finding,) = late.expire(state, datetime(2100, 1, 1, tzinfo=UTC))
    assert closed is None
    assert len(finding.event_uids) == ASK_EACH_UNTIL + 1


def test_a_large_session_is_asked_at_each_doubling() -> None:
    asked: list[int] = []

    def listening(_rows: Sequence[Row], count: int) -> Iterable[Judgement]:
        asked.append(count)
        return ()

    rows = [login(number / 100) for number in range(300)]
    folded(sessions(judge=listening), *rows)
    assert asked == [*range(1, ASK_EACH_UNTIL + 1), 128, 256]
    asked.clear()
    folded(sessions(judge=listening, max_rows=100), *rows)
    assert asked == [*range(1, ASK_EACH_UNTIL + 1), 128, 150, 200, 250, 256, 300], "before a row has gone unseen"


def test_memory_of_a_key_is_bounded_and_the_count_goes_on() -> None:
    operator = sessions(max_rows=5)
    state, _ = folded(operator, *(login(number / 1000) for number in range(3000)))
    assert len(state.rows) == 5
    assert state.count == 3000
    longer, _ = folded(operator, *(login(number / 1000) for number in range(9000)))
    assert len(operator.dump(longer)) < len(operator.dump(state)) + 100


def test_a_state_that_was_handed_in_is_left_alone() -> None:
    operator = sessions()
    state, _ = folded(operator, login(0), login(1))
    before = operator.dump(state)
    more = batch_of(login(2, uid="third"), login(60, uid="fourth"))
    once, twice = operator.step(state, more, Reference()), operator.step(state, more, Reference())
    assert once == twice
    assert len(once[1]) == 1
    end = datetime(2100, 1, 1, tzinfo=UTC)
    assert operator.expire(state, end) == operator.expire(state, end)
    assert operator.dump(state) == before


def test_a_state_with_bytes_and_odd_numbers_survives_dump_and_load() -> None:
    operator = sessions(columns=("status_id", "raw", "src_endpoint.location.lat", "is_mfa", "user.name"))
    odd = {"raw": b"\xff\0{", "is_mfa": True, "src_endpoint.location.lat": float("inf"), "user.name": "\u202e\0“"}
    state, _ = folded(operator, {**login(0), **odd})
    assert operator.load(operator.dump(state)) == state
    assert operator.load(operator.dump(state)).rows[0]["raw"] == b"\xff\0{"


def test_two_keys_that_are_one_become_one_session() -> None:
    operator = sessions()
    a, _ = folded(operator, login(0, uid="a0"), login(4, uid="a4"))
    b, _ = folded(operator, login(2, user="user:b", uid="b2"))
    merged = operator.merge(a, b)
    assert [row["metadata.uid"] for row in merged.rows] == ["a0", "b2", "a4"]
    assert (merged.key, merged.count, merged.start, merged.end) == ("user:a", 3, START, START + 4 * MINUTE)
    assert operator.merge(b, a).rows == merged.rows
    _, (finding,) = operator.expire(merged, datetime(2100, 1, 1, tzinfo=UTC))
    assert finding.event_uids == ("a0", "b2", "a4")


def test_a_merge_keeps_the_bound_and_says_nothing_twice() -> None:
    operator = sessions(max_rows=3)
    a, said = folded(operator, *(login(minute, uid=f"a{minute}") for minute in (0, 1, 2)))
    assert len(said) == 1
    b, _ = folded(operator, login(5, user="user:b", uid="b5"))
    merged = operator.merge(a, b)
    assert len(merged.rows) == 3
    assert operator.expire(merged, datetime(2100, 1, 1, tzinfo=UTC))[1] == []


def test_two_findings_that_become_one_go_on_as_the_one_that_began_first() -> None:
    operator = sessions()
    a, (of_a,) = folded(operator, *(login(minute, uid=f"a{minute}") for minute in (1, 3, 5)))
    b, (of_b,) = folded(operator, *(login(minute, user="user:b", uid=f"b{minute}") for minute in (0, 2, 4)))
    assert of_a.uid != of_b.uid
    for merged in (operator.merge(a, b), operator.merge(b, a)):
        _, found = operator.expire(operator.load(operator.dump(merged)), datetime(2100, 1, 1, tzinfo=UTC))
        assert [(one.uid, one.revision, one.status) for one in found] == [
            (of_a.uid, 2, "retracted"),
            (of_b.uid, 2, "corrected"),
        ]
        assert found[1].event_uids == ("b0", "a1", "b2", "a3", "b4", "a5")
        assert [one.uid for one in latest([of_a, of_b, *found])] == [of_b.uid]


def test_a_finding_goes_on_under_its_uid_after_a_merge_moved_the_sessions_start() -> None:
    operator = sessions()
    a, (before,) = folded(operator, *(login(minute, uid=f"a{minute}") for minute in (5, 6, 7)))
    b, _ = folded(operator, login(0, user="user:b", uid="b0", status=1))
    _, (after,) = operator.step(operator.merge(b, a), batch_of(login(8, uid="a8", user="user:b")), Reference())
    assert (after.uid, after.revision, after.status, after.key) == (before.uid, 2, "corrected", "user:a")


KEPT = 64


def in_a_burst(rows: Sequence[Row], _count: int) -> Iterable[Judgement]:
    """Refusals less than a minute apart, ten or more; the more, the graver."""
    refused = [row for row in rows if row["status_id"] == 2]
    for burst in bursts(refused, least=10, span=timedelta(minutes=1)):
        rule = ENTERED if len(burst) >= 20 else REFUSED
        yield Judgement(rule=rule, summary=f"{len(burst)}", rows=burst, since=burst[0]["time"])


def harmless(start: float, count: int, name: str) -> list[dict[str, Any]]:
    return [login(start + number / 10, status=1, uid=f"{name}{number}") for number in range(count)]


def refusals(start: float, count: int) -> list[dict[str, Any]]:
    return [login(start + number / 100, uid=f"refused{number}") for number in range(count)]


@settings(max_examples=60)
@given(st.integers(0, 400), st.integers(10, KEPT // 4), st.integers(0, 400))
def test_no_padding_hides_a_burst(before: int, size: int, after: int) -> None:
    burst = refusals(before / 10, size)
    rows = [*harmless(0, before, "before"), *burst, *harmless((before + 2) / 10, after, "after")]
    operator = sessions(judge=in_a_burst, max_rows=KEPT)
    (finding,) = latest(run_keyed(operator, [batch_of(*rows)]))
    assert finding.event_uids == tuple(row["metadata.uid"] for row in burst)


@settings(max_examples=20)
@given(st.integers(0, 200), st.integers(10, 500), st.integers(0, 200))
def test_a_burst_of_any_length_is_one_finding_that_never_shrinks(before: int, size: int, after: int) -> None:
    rows = [
        *harmless(0, before, "before"),
        *refusals(before / 10, size),
        *harmless((before + size) / 10, after, "after"),
    ]
    found = run_keyed(sessions(judge=in_a_burst, max_rows=KEPT), [batch_of(*rows)])
    assert len({one.uid for one in found}) == 1
    assert [one.revision for one in found] == list(range(1, len(found) + 1))
    assert [len(one.event_uids) for one in found] == sorted(len(one.event_uids) for one in found)
    assert len(found[-1].event_uids) >= min(size, KEPT // 4)


def test_a_burst_that_grows_into_a_graver_rule_is_one_finding() -> None:
    found = run_keyed(sessions(judge=in_a_burst), [batch_of(*refusals(0, 30))])
    assert len({one.uid for one in found}) == 1
    assert [one.rule for one in found] == [*[REFUSED] * 10, *[ENTERED] * 11]
    (last,) = latest(found)
    assert (last.rule, last.revision, last.summary) == (ENTERED, len(found), "30")


def test_the_uid_of_a_finding_does_not_depend_on_its_rule() -> None:
    def found(rule: Rule) -> Finding:
        judged = sessions(judge=lambda rows, _count: [Judgement(rule=rule, summary="", rows=rows)])
        return run_keyed(judged, [batch_of(login(0))])[0]

    assert found(REFUSED).uid == found(ENTERED).uid


def test_a_graver_rule_is_told_of_fewer_events_when_the_others_are_gone() -> None:
    def graver_at_the_end(rows: Sequence[Row], count: int) -> Iterable[Judgement]:
        return [
            Judgement(rule=ENTERED if count == 200 else REFUSED, summary="", rows=rows[: 9 if count == 200 else 20])
        ]

    operator = sessions(judge=graver_at_the_end, max_rows=KEPT)
    _, found = folded(operator, *harmless(0, 200, "any"))
    assert (found[-1].rule, len(found[-1].event_uids)) == (REFUSED, 20)
    _, (last,) = operator.expire(folded(operator, *harmless(0, 200, "any"))[0], datetime(2100, 1, 1, tzinfo=UTC))
    assert (last.rule, len(last.event_uids), last.status) == (ENTERED, 9, "corrected")


def test_what_no_longer_holds_is_retracted_and_can_hold_again() -> None:
    def odd(rows: Sequence[Row], count: int) -> Iterable[Judgement]:
        return [Judgement(rule=REFUSED, summary="odd", rows=rows[:1])] if count % 2 else []

    found = run_keyed(sessions(judge=odd), [batch_of(*(login(minute) for minute in range(4)))])
    assert [(one.revision, one.status) for one in found] == [
        (1, "new"),
        (2, "retracted"),
        (3, "corrected"),
        (4, "retracted"),
    ]
    assert len({one.uid for one in found}) == 1
    assert latest(found) == []


def test_what_is_no_longer_at_hand_is_not_retracted() -> None:
    rows = [*refusals(0, 12), *harmless(0.2, 300, "after")]
    found = run_keyed(sessions(judge=in_a_burst, max_rows=8 + KEPT), [batch_of(*rows)])
    assert {one.status for one in found} <= {"new", "corrected"}


def test_a_session_remembers_a_bounded_number_of_findings() -> None:
    def each(rows: Sequence[Row], _count: int) -> Iterable[Judgement]:
        return [Judgement(rule=REFUSED, summary="", rows=[row], bucket=str(row["metadata.uid"])) for row in rows]

    state, _ = folded(sessions(judge=each), *(login(number / 1000) for number in range(1024)))
    assert len(state.said) == MAX_SAID
    assert min(one.until for one in state.said.values())[0] > START


def test_a_finding_names_its_events_places_and_entities() -> None:
    rows = [
        {
            **login(minute),
            "source": source,
            "origin.path": f"{source}.json",
            "origin.index": minute,
            "entity.address": "address:192.0.2.7",
        }
        for minute, source in ((0, "okta"), (1, "aws"), (2, "okta"))
    ]
    (finding,) = run_keyed(sessions(), [batch_of(*rows)])
    assert [(place.path, place.line, place.index) for place in finding.origins] == [
        ("okta.json", 1, 0),
        ("aws.json", 2, 1),
        ("okta.json", 3, 2),
    ]
    assert [entity.id for entity in finding.entities] == ["user:a", "address:192.0.2.7"]
    assert (finding.key, finding.tenant, finding.source) == ("user:a", "default", "okta")
    assert (finding.start, finding.end) == (START, START + 2 * MINUTE)


def test_a_row_named_twice_is_one_event_and_one_place() -> None:
    doubling = sessions(judge=lambda rows, _: [Judgement(rule=REFUSED, summary="", rows=[*rows, *rows])])
    finding = latest(run_keyed(doubling, [batch_of(login(0), login(1))]))[0]
    assert len(finding.event_uids) == len(finding.origins) == 2


def test_a_judge_that_proves_nothing_says_nothing() -> None:
    silent = sessions(judge=lambda _rows, _count: [Judgement(rule=REFUSED, summary="", rows=[])])
    assert run_keyed(silent, [batch_of(login(0), login(1))]) == []


def test_a_finding_names_a_bounded_number_of_entities() -> None:
    rows = [{**login(number / 100), "entity.address": f"address:192.0.2.{number}"} for number in range(60)]
    finding = latest(run_keyed(sessions(), [batch_of(*rows)]))[0]
    assert len(finding.entities) == MAX_ENTITIES


def test_rows_without_a_key_or_of_another_class_are_not_seen() -> None:
    rows = [login(0), login(1), {**login(2), "class_uid": 6003}, {**login(3), "entity.user": None}]
    assert run_keyed(sessions(), [batch_of(*rows)]) == []
    assert pc.sum(sessions().select(batch_of(*rows)).cast(pa.int8())).as_py() == 3
