"""Bursts and newcomers, against what their contracts say of any rows in event-time order."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from watchfloor.judging import bursts, newcomers
from watchfloor.session import Row

SPAN = timedelta(seconds=5)
HABIT = timedelta(seconds=3)


@st.composite
def sessions(draw: st.DrawFn) -> list[Row]:
    times = sorted(draw(st.lists(st.integers(0, 30), max_size=25)))
    return [{"time": 1000 * time, "who": draw(st.sampled_from("abc"))} for time in times]


def _who(row: Row) -> str:
    return str(row["who"])


@given(rows=sessions(), least=st.integers(1, 4))
def test_a_burst_holds_its_windows_and_bursts_are_apart(rows: list[Row], least: int) -> None:
    found = list(bursts(rows, least=least, span=SPAN))
    for burst in found:
        assert len(burst) >= least
        assert burst[least - 1]["time"] - burst[0]["time"] <= 5000
    # Rows that are in no burst belong to no full window.
    inside = {id(row) for burst in found for row in burst}
    assert sum(len(burst) for burst in found) == len(inside)
    for first in range(len(rows) - least + 1):
        window = rows[first : first + least]
        if window[-1]["time"] - window[0]["time"] <= 5000:
            assert all(id(row) in inside for row in window)


@given(rows=sessions(), least=st.integers(1, 3))
def test_a_later_row_moves_no_beginning(rows: list[Row], least: int) -> None:
    whole = [burst[0]["time"] for burst in bursts(rows, least=least, span=SPAN, of=_who)]
    for end in range(len(rows)):
        before = [burst[0]["time"] for burst in bursts(rows[:end], least=least, span=SPAN, of=_who)]
        assert before == whole[: len(before)]


@given(rows=sessions())
def test_a_burst_of_values_has_that_many_values(rows: list[Row]) -> None:
    for burst in bursts(rows, least=3, span=SPAN, of=_who):
        assert len({_who(row) for row in burst}) >= 3


@given(rows=sessions())
def test_a_newcomer_came_after_a_habit_and_is_new_for_a_while(rows: list[Row]) -> None:
    flags = newcomers(rows, _who, within=SPAN, settled=HABIT)
    for end in range(len(rows)):
        assert newcomers(rows[:end], _who, within=SPAN, settled=HABIT) == flags[:end]
    for row, new in zip(rows, flags, strict=True):
        first = min(one["time"] for one in rows if _who(one) == _who(row))
        assert new == (first - rows[0]["time"] >= 3000 and row["time"] - first <= 5000)
