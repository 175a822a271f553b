"""What was delivered before is dropped; what only says so is not."""

import tracemalloc
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from watchfloor.enrich.duplicates import Duplicates
from watchfloor.event import Origin
from watchfloor.finding import Finding, Rule, finding_uid
from watchfloor.testing.events import batch_of


def uids(duplicates: Duplicates, *rows: dict[str, Any]) -> list[str]:
    found: list[str] = duplicates.process(batch_of(*rows)).events.column("metadata.uid").to_pylist()
    return found


def noisy(number: int) -> list[dict[str, Any]]:
    return [{"metadata.uid": f"{number}-{n}-" + "x" * 10_000, "source": "noisy"} for n in range(1000)]


def finding(uid: str, line: int) -> Finding:
    rule = Rule("r", "R")
    return Finding(
        uid=finding_uid(rule_id="r", tenant="default", key=uid, bucket=""),
        tenant="default",
        rule=rule,
        start=1,
        end=1,
        event_uids=(uid,),
        origins=(Origin("test.ndjson", line),),
        key=uid,
    )


def test_each_event_counts_once_however_it_is_delivered() -> None:
    duplicates = Duplicates()
    row = {"metadata.uid": "okta_system_log:1", "source": "okta_system_log"}
    assert uids(duplicates, row, row) == ["okta_system_log:1"]
    assert uids(duplicates, row) == []
    assert duplicates.counts == {("default", "okta_system_log", "duplicate"): 2}


def test_other_sources_and_tenants_have_uids_of_their_own() -> None:
    duplicates = Duplicates()
    rows = [{"metadata.uid": "x"}, {"metadata.uid": "x", "source": "other"}, {"metadata.uid": "x", "tenant": "b"}]
    assert uids(duplicates, *rows) == ["x"] * 3
    assert not duplicates.counts


def test_a_forged_duplicate_stays_under_a_uid_of_its_own() -> None:
    duplicates = Duplicates()
    harmless, forged = {"metadata.uid": "x", "raw": b"harmless"}, {"metadata.uid": "x", "raw": b"forged"}
    first, second = uids(duplicates, harmless, forged)
    assert first == "x"
    assert second.startswith("x#")
    assert uids(duplicates, forged, harmless) == []
    assert duplicates.counts == {("default", "test", "conflict"): 1, ("default", "test", "duplicate"): 2}


def test_findings_go_with_their_events() -> None:
    duplicates = Duplicates()
    twice: dict[str, Any] = {"metadata.uid": "x"}
    rows = [twice, twice, {**twice, "raw": b"forged"}, {}]
    done = duplicates.process(
        batch_of(*rows), [finding("x", 1), finding("x", 2), finding("x", 3), finding("event-4", 4)]
    )
    assert [one.origins[0].line for one in done.findings] == [1, 3, 4]
    events = dict(zip(done.events.column("origin.line").to_pylist(), done.events.to_pylist(), strict=True))
    assert [one.event_uids[0] for one in done.findings] == [
        events[one.origins[0].line]["metadata.uid"] for one in done.findings
    ]
    assert len({one.uid for one in done.findings}) == 3


@given(st.lists(st.sampled_from("abcdef"), max_size=30), st.integers(1, 5), st.sampled_from([20, 1000]))
def test_any_split_of_the_input_gives_the_same_events(names: list[str], size: int, window: int) -> None:
    rows: list[dict[str, Any]] = [
        {"metadata.uid": name, "raw": name.encode() * (1 + at % 2)} for at, name in enumerate(names)
    ]
    whole = uids(Duplicates(window), *rows)
    parts = Duplicates(window)
    apart = []
    for at in range(0, len(rows), size):
        apart += uids(parts, *rows[at : at + size])
    assert apart == whole


def test_memory_is_bounded_and_a_flood_of_one_source_forgets_nothing_of_another() -> None:
    duplicates = Duplicates(window=1000)
    uids(duplicates, {"metadata.uid": "mine", "source": "quiet"})
    tracemalloc.start()
    sizes = []
    for number in range(8):
        assert len(uids(duplicates, *noisy(number))) == 1000
        assert uids(duplicates, noisy(number)[0]) == []
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert max(sizes) < 1_000_000
    assert uids(duplicates, {"metadata.uid": "mine", "source": "quiet"}) == []


def test_as_many_as_the_window_are_remembered_and_none_for_ever() -> None:
    duplicates = Duplicates(window=1000)
    for start in range(0, 3000, 7):
        uids(duplicates, *({"metadata.uid": f"{at}", "raw": b"%d" % at} for at in range(start, min(start + 7, 3000))))
    rows = [{"metadata.uid": f"{at}", "raw": b"%d" % at} for at in range(3000)]
    assert uids(duplicates, *rows[2000:]) == []
    assert uids(duplicates, *rows[:500]) == [f"{at}" for at in range(500)]


def test_of_what_is_known_for_long_a_forged_one_is_told_apart() -> None:
    duplicates = Duplicates(window=80)
    uids(duplicates, *({"metadata.uid": f"{at}", "raw": b"%d" % at} for at in range(80)))
    assert uids(duplicates, {"metadata.uid": "3", "raw": b"3"}) == []
    (forged,) = uids(duplicates, {"metadata.uid": "3", "raw": b"forged"})
    assert forged.startswith("3#")
    assert uids(duplicates, {"metadata.uid": "3", "raw": b"forged"}) == []
