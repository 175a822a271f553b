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
from watchfloor.judging import one_of
from watchfloor.operator import KeyedOperator, Reference
from watchfloor.session import ASK_EACH_UNTIL, MAX_ENTITIES, Judgement, Row, Sessions, SessionState
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

    folded(sessions(judge=listening, max_rows=10), *(login(number / 100) for number in range(300)))
    assert asked == [*range(1, ASK_EACH_UNTIL + 1), 128, 256]


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
