"""Keyed operators over finite input: the same findings as the law's own runner, however the input is cut."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.finding import Finding, Rule
from watchfloor.judging import known
from watchfloor.operator import Reference
from watchfloor.run.keyed import run_keyed
from watchfloor.session import Judgement, Row, Sessions
from watchfloor.testing import operators
from watchfloor.testing.events import batch_of

MINUTE = 60_000
START = 1_773_700_000_000
PAIRS = Rule("pairs", "Two in a row")


def judge(rows: Sequence[Row], _count: int) -> Iterable[Judgement]:
    if len(rows) >= 2:
        yield Judgement(rule=PAIRS, summary="", rows=rows)


def failing(rows: Sequence[Row], _count: int) -> Iterable[Judgement]:
    if len(rows) > 1:
        raise KeyError("no_such_column")
    return ()


def sessions(name: str = "pairs", judged: Any = judge) -> Sessions:
    return Sessions(
        name=name,
        key="entity.user",
        gap=timedelta(minutes=10),
        columns=(),
        select=known("entity.user"),
        judge=judged,
    )


def event(minute: int, user: str | None, tenant: str = "default") -> dict[str, Any]:
    return {"time": START + minute * MINUTE, "entity.user": user, "tenant": tenant}


def ran(rows: Sequence[dict[str, Any]], sizes: Sequence[int] = (), *more: Sessions) -> list[Finding]:
    batch = batch_of(*rows)

    def scan() -> Iterator[pa.RecordBatch]:
        start = 0
        for size in sizes:
            yield batch.slice(start, size)
            start += size
        yield batch.slice(start)

    found = run_keyed([sessions(), *more], scan, Reference())
    return sorted(found, key=lambda one: (one.uid, one.revision))


EVENTS = st.lists(st.builds(event, st.integers(0, 90), st.sampled_from(["user:a", "user:b", None])), max_size=20).map(
    lambda rows: sorted(rows, key=lambda row: row["time"])
)


@settings(max_examples=30)
@given(EVENTS, st.lists(st.integers(0, 6), max_size=5))
def test_any_batching_gives_what_the_laws_runner_gives(rows: list[dict[str, Any]], sizes: list[int]) -> None:
    assert ran(rows, sizes) == operators.run_keyed(sessions(), [batch_of(*rows)])


def test_one_name_in_two_tenants_is_two_keys() -> None:
    rows = [
        event(0, "user:a", "red"),
        event(1, "user:a", "blue"),
        event(2, "user:a", "red"),
        event(3, "user:a", "blue"),
    ]
    found = ran(rows)
    assert {(one.tenant, one.event_uids) for one in found} == {
        ("red", ("event-1", "event-3")),
        ("blue", ("event-2", "event-4")),
    }
    assert len({one.uid for one in found}) == 2


def test_what_is_still_open_is_closed_at_the_end() -> None:
    quiet = Sessions(
        name="late",
        key="entity.user",
        gap=timedelta(days=400),
        columns=(),
        select=known("entity.user"),
        judge=lambda rows, count: judge(rows, count) if count > 64 else (),
    )
    rows = [event(0, "user:a") for _ in range(65)]
    assert [len(one.event_uids) for one in run_keyed([quiet], lambda: [batch_of(*rows)], Reference())] == [65]


def test_nothing_in_nothing_out() -> None:
    assert list(run_keyed([sessions()], list, Reference())) == []
    assert list(run_keyed([], lambda: [batch_of(event(0, "user:a"))], Reference())) == []
    assert ran([]) == []


def test_a_detection_that_fails_is_named_and_the_others_go_on() -> None:
    rows = [event(minute, "user:a") for minute in range(4)]
    batch = batch_of(*rows)
    batches = [batch.slice(at, 1) for at in range(4)]
    failures: list[tuple[str, str]] = []
    found = list(
        run_keyed(
            [sessions("broken", failing), sessions()],
            lambda: batches,
            Reference(),
            on_failure=lambda name, error: failures.append((name, repr(error))),
        )
    )
    assert failures == [("broken", "KeyError('no_such_column')")]
    assert len(found) == 3


def test_a_failure_that_nobody_takes_ends_the_run() -> None:
    with pytest.raises(KeyError, match="no_such_column"):
        ran([event(0, "user:a"), event(1, "user:a")], (), sessions("broken", failing))


class _Clinging:
    """Asks to be expired at once and lets go of nothing."""

    name, key = "clinging", "entity.user"

    def __init__(self) -> None:
        self.horizon: timedelta | None = None
        self.asked = 0

    def select(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        return pa.array([True] * batch.num_rows)

    def step(self, _state: int | None, _events: pa.RecordBatch, _ref: Reference) -> tuple[int, list[Finding]]:
        return 1, []

    def due(self, _state: int) -> datetime:
        return datetime.fromtimestamp(0, UTC)

    def expire(self, state: int, _now: datetime) -> tuple[int, list[Finding]]:
        self.asked += 1
        return state, []

    def merge(self, a: int, _b: int) -> int:
        return a

    def dump(self, state: int) -> bytes:
        return bytes([state])

    def load(self, blob: bytes) -> int:
        return blob[0]


def test_an_operator_that_lets_go_of_nothing_does_not_stop_the_run() -> None:
    clinging = _Clinging()
    batch = batch_of(event(0, "user:a"), event(1, "user:b"))
    assert list(run_keyed([clinging], lambda: [batch, batch], Reference())) == []
    assert clinging.asked == 6, "each of two keys after each of two batches, and at the end"
