"""Clocks that are off: estimated in spite of the road and of liars, corrected for ordering alone."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from watchfloor.enrich.clocks import BLOCKS, CLOCKS, ENOUGH, MAX_CLOCKS, MINUTE, Clocks, Skew, skew_of
from watchfloor.enrich.ordering import FIRST, Ordering
from watchfloor.event import to_ocsf
from watchfloor.operator import Reference
from watchfloor.testing.events import batch_of
from watchfloor.testing.operators import check_operator

START = 1_773_700_000_000 // MINUTE * MINUTE


def event(minute: int, late: int, **more: Any) -> dict[str, Any]:
    ingested = START + minute * MINUTE + 1000
    return {"ingested_at": ingested, "time": ingested - late, "entity.host": "host:a", **more}


def skew(clocks: Clocks, host: str = "host:a") -> Skew | None:
    return next((one for key, one in clocks.skews() if key[2] == host), None)


def learned(*rows: dict[str, Any]) -> Clocks:
    clocks = Clocks()
    clocks.learn(batch_of(*rows))
    return clocks


@pytest.mark.parametrize("ahead", [-3_600_000, 0, 90_000, 3_600_000])
def test_the_interval_holds_the_clock_though_the_road_is_long_and_uneven(ahead: int) -> None:
    random = Random(7)  # noqa: S311 - a road, no secret
    rows = [event(m, int(random.expovariate(1 / 20_000)) + 50 - ahead) for m in range(BLOCKS) for _ in range(60)]
    found = skew(learned(*rows))
    assert found is not None
    # The quickest of 60 on a road of 20 s on average needs 231 ms in the median, beside the 50 ms that all need.
    assert found.low <= 50 + 231 - ahead <= found.high
    assert found.high - found.low < 2_000
    assert found.ahead == (-found.estimate if ahead > 0 else 0)


def test_a_few_minutes_of_lies_do_not_move_it() -> None:
    rows = [event(m, 100) for m in range(BLOCKS)] + [event(m, -86_400_000) for m in range(BLOCKS // 4)]
    found = skew(learned(*rows))
    assert found is not None
    assert (found.estimate, found.ahead) == (100, 0)


def test_a_clock_that_may_be_right_is_not_corrected() -> None:
    found = skew(learned(*[event(m, -10_000 if m % 2 else 5_000) for m in range(BLOCKS)]))
    assert found is not None
    assert (found.low, found.high, found.ahead) == (-10_000, 5_000, 0)
    # Nor one that is ahead by less than logs in whole seconds can say.
    assert skew(learned(*[event(m, -900) for m in range(BLOCKS)])).ahead == 0  # type: ignore[union-attr]


def test_who_owns_one_host_moves_its_clock_alone() -> None:
    lies = [event(m, -86_400_000, **{"entity.host": "host:b"}) for m in range(BLOCKS)]
    clocks = learned(*[event(m, 100) for m in range(BLOCKS)], *lies)
    assert skew(clocks).ahead == 0  # type: ignore[union-attr]
    assert skew(clocks, "host:b").ahead == 86_400_000  # type: ignore[union-attr]


def test_too_few_minutes_say_nothing_and_the_interval_is_that_of_the_median() -> None:
    assert skew(learned(*[event(m, -5000) for m in range(ENOUGH - 1)])) is None
    assert skew_of(range(1, 7)) == Skew(3, 1, 6)
    assert skew_of(range(1, 10)) == Skew(5, 2, 8)
    assert skew_of(range(1, 33)) == Skew(16, 10, 23)


def test_the_split_of_the_input_does_not_matter() -> None:
    rows = [event(m, (m * 37 + n * 11) % 5000) for m in range(20) for n in range(5)]
    clocks = Clocks()
    for row in rows:
        clocks.learn(batch_of(row))
    assert clocks.publish() == learned(*rows).publish()


def test_memory_is_bounded() -> None:
    clocks = Clocks()
    for number in range(MAX_CLOCKS + 10):
        clocks.note("t", "s", f"host:{number}", ingested=0, lateness=0)
    assert len(clocks._minima) == MAX_CLOCKS


def test_events_of_a_clock_that_is_ahead_are_ordered_as_they_happened() -> None:
    rows = [event(m, -3_600_000) for m in range(10)]
    reference = Reference(1, {CLOCKS: learned(*rows).publish()})
    batch = batch_of(*rows, event(3, 0, **{"entity.host": "host:b"}))
    done = Ordering(reference).process(batch)
    check_operator(Ordering(reference), batch)
    assert done.column("time").equals(batch.column("time"))
    *shifted, other = done.to_pylist()
    assert [row["ordered_at"] for row in shifted] == [row["ingested_at"] for row in shifted]
    assert shifted[0]["tags"] == ["clock.ahead=3600000"]
    assert (other["ordered_at"], other["tags"]) == (None, None)
    assert {
        "name": "clock.ahead",
        "value": "3600000",
        "type": "watchfloor",
        "data": {"tag": "clock.ahead=3600000"},
    } in (next(to_ocsf(done))["enrichments"])


@pytest.mark.parametrize(
    ("time", "tags"),
    [
        (START + 5 * MINUTE, None),
        (START + 5 * MINUTE + 1, ["time=future"]),
        (253_402_300_799_000, ["time=future"]),
        ((1 << 62), ["time=future"]),
        (START - 40 * 86_400_000, ["time=ancient"]),
        (FIRST - 1, ["time=ancient"]),
        (0, ["time=ancient"]),
        (-(1 << 62), ["time=ancient"]),
        (START, None),
    ],
)
def test_times_that_cannot_be_are_contained(time: int, tags: list[str] | None) -> None:
    batch = batch_of({"time": time, "ingested_at": START})
    (row,) = Ordering(oldest=timedelta(days=30)).process(batch).to_pylist()
    assert (row["time"], row["tags"]) == (time, tags)
    assert row["ordered_at"] == (START if tags else None)


def test_files_of_the_past_are_no_news() -> None:
    batch = batch_of({"time": FIRST, "ingested_at": START})
    assert Ordering().process(batch) is batch
