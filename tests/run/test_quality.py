"""What is told of the quality of sources follows from what they sent and when; an injected clock says when that is."""

import random
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.deadletter import DeadLetter
from watchfloor.errors import StoreError
from watchfloor.event import Origin
from watchfloor.finding import Finding
from watchfloor.run.quality import MAX_INPUTS, MAX_SOURCES, Quality, SourceQuality
from watchfloor.run.volume import DAY, HOUR, MINUTE, Latencies, Volume
from watchfloor.store.quality import QualityStore
from watchfloor.testing.events import batch_of

START = 1_767_225_600_000  # a Thursday


def events(count: int, now: int, *, source: str = "okta", late: int = 2000, kind: int = 3002) -> pa.RecordBatch:
    row = {"source": source, "time": now - late, "ingested_at": now, "class_uid": kind, "raw": b'{"a": 1}'}
    return batch_of(*(row | {"origin.path": f"http/{source}"} for _ in range(count)))


def told(quality: Quality, now: int, source: str = "okta") -> SourceQuality:
    return next(one for one in quality.sources(now) if one.source == source)


def tell(quality: Quality, now: int) -> list[Finding]:
    """What is told at a time, once."""
    found = quality.silences(now)
    quality.told(found)
    return found


def working_hours(quality: Quality, days: int, *, start: int = START) -> int:
    """Ten events a minute from 8 to 18 o'clock, but for the weekend; gives the last moment."""
    now = start
    for day in range(days):
        if day % 7 in {2, 3}:
            continue
        for minute in range(8 * 60, 18 * 60, 10):
            now = start + day * DAY + minute * MINUTE
            quality.observe(events(20, now), [], now=now)
    return now


def test_a_source_may_be_silent_at_night_and_on_weekends_and_not_for_longer() -> None:
    quality = Quality()
    now = working_hours(quality, 12)
    assert tell(quality, now + 15 * HOUR) == []
    weekend = 2 * DAY + 14 * HOUR
    assert tell(quality, now + 2 * weekend - HOUR) == []
    (finding,) = tell(quality, now + 2 * weekend + HOUR)
    assert (finding.rule.id, finding.key, finding.start, finding.revision) == (
        "watchfloor-silent-source",
        "okta",
        now,
        1,
    )
    assert tell(quality, now + 9 * DAY) == []
    later = now + 10 * DAY
    quality.observe(events(1, later), [], now=later)
    (corrected,) = tell(quality, later)
    assert (corrected.uid, corrected.revision, corrected.status) == (finding.uid, 2, "corrected")
    assert tell(quality, later) == []


def test_a_busy_source_is_missed_soon_once_it_is_known() -> None:
    quality = Quality()
    now = START
    for now in range(START, START + 8 * DAY, MINUTE * 30):
        quality.observe(events(1, now), [], now=now)
    assert tell(quality, now + 59 * MINUTE) == []
    assert len(tell(quality, now + 61 * MINUTE)) == 1


def test_a_source_that_is_new_is_not_missed_at_once() -> None:
    quality = Quality()
    for minute in range(60):
        quality.observe(events(1, START + minute * MINUTE), [], now=START + minute * MINUTE)
    assert tell(quality, START + 5 * HOUR) == []
    assert len(tell(quality, START + 8 * HOUR)) == 1


def test_the_state_goes_on_after_a_restart_and_tells_of_one_silence_once(tmp_path: Path) -> None:
    quality = Quality()
    now = working_hours(quality, 12)
    (finding,) = tell(quality, now + 9 * DAY)
    store = QualityStore(tmp_path / "quality.msgpack")
    store.keep(quality.dump())
    again = Quality.kept(store)
    assert tell(again, now + 9 * DAY + HOUR) == []
    assert again.sources(now) == list(quality.sources(now))
    assert again.dump() == quality.dump()
    assert finding.key == "okta"


def test_volume_is_told_against_the_same_hour_of_the_days_before() -> None:
    volume = Volume()
    for day in range(6):
        for hour in range(24):
            volume.add(1000 if 8 <= hour < 18 else 60, START + day * DAY + hour * HOUR)
    monday = START + 6 * DAY
    assert volume.baseline((monday + 9 * HOUR) // HOUR) == 1000
    assert volume.baseline((monday + 3 * HOUR) // HOUR) == 60
    volume.add(1000, monday + 3 * HOUR)
    assert volume.change(monday + 4 * HOUR) == "much more than usual"
    volume.add(1100, monday + 9 * HOUR)
    assert volume.change(monday + 10 * HOUR) == ""
    volume.add(30, monday + 10 * HOUR)
    assert volume.change(monday + 11 * HOUR) == "much less than usual"


def test_shares_latency_and_reasons_are_told_by_source_and_input() -> None:
    quality = Quality()
    bound = DeadLetter("default", Origin("http/okta", 1), "normalize", "no readable time", b"{}", 2, 0, "okta")
    named = DeadLetter("default", Origin("http/okta", 2), "normalize", "okta: KeyError: 'x'", b"{}", 2)
    strange = DeadLetter("default", Origin("syslog", 1), "normalize", "no source recognises this record", b"x", 1)
    quality.observe(events(90, START, late=1500), [bound, named, strange], now=START)
    quality.observe(events(10, START, late=90_000, kind=0), [], now=START)
    one = told(quality, START)
    assert one.events == 100
    assert one.incomplete_share == 0.1
    assert round(one.unread_share, 4) == round(2 / 102, 4)
    assert 1500 <= one.latency_p50 < 1900
    assert one.latency_p95 >= 90_000
    okta, syslog = quality.inputs()
    assert (okta.path, okta.records, syslog.path, syslog.unread_share) == ("http/okta", 102, "syslog", 1.0)
    assert syslog.reason == "no source recognises this record"


def test_a_clock_that_is_ahead_is_told_with_its_interval() -> None:
    quality = Quality()
    for minute in range(20):
        now = START + minute * MINUTE
        quality.observe(events(5, now, late=-120_000 + minute), [], now=now)
    one = told(quality, now)
    assert one.clocks_ahead == 1
    assert 119_000 <= one.worst_clock <= 120_000
    assert one.worst_interval is not None
    low, high = one.worst_interval
    assert low <= one.worst_clock <= high


def test_hostile_names_and_times_stay_bounded() -> None:
    quality = Quality()
    for at in range(0, MAX_SOURCES + 500, 500):
        rows = [
            {"source": f"s{at + n}", "time": 0, "ingested_at": START, "class_uid": 0, "origin.path": f"p{at + n}"}
            for n in range(500)
        ]
        quality.observe(batch_of(*rows), [], now=START)
    assert len(quality.sources(START)) == MAX_SOURCES
    assert len(quality.inputs()) == MAX_INPUTS
    ends = batch_of({"time": -(1 << 62), "ingested_at": START}, {"time": 1 << 62, "ingested_at": START})
    quality.observe(ends, [], now=START)


@given(st.lists(st.integers(1, 1 << 40), min_size=1, max_size=200))
def test_a_percentile_is_known_to_a_fifth(latencies: list[int]) -> None:
    seen = Latencies()
    seen.add(latencies)
    for part in (50, 95, 100):
        true = sorted(latencies)[-(-len(latencies) * part // 100) - 1]
        assert true <= seen.percentile(part) + 1
        assert seen.percentile(part) <= true * 1.35 + 1


def test_what_is_seen_does_not_depend_on_how_it_was_cut() -> None:
    rows = random.Random(3)  # noqa: S311 - a test
    whole, cut = Quality(), Quality()
    batch = batch_of(
        *(
            {"source": rows.choice("ab"), "time": START, "ingested_at": START, "class_uid": rows.choice([0, 3002])}
            for _ in range(60)
        )
    )
    whole.observe(batch, [], now=START)
    for at in range(0, 60, 7):
        cut.observe(batch.slice(at, 7), [], now=START)
    assert whole.sources(START) == cut.sources(START)


def test_a_silence_that_could_not_be_kept_is_told_the_next_time() -> None:
    quality = Quality()
    quality.observe(events(1, START), [], now=START)
    (lost,) = quality.silences(START + DAY)
    assert quality.silences(START + DAY) == [lost]


def test_what_is_kept_and_is_none_is_named(tmp_path: Path) -> None:
    store = QualityStore(tmp_path / "quality.msgpack")
    store.keep(b"\xc1 not this")
    with pytest.raises(StoreError, match=r"quality\.msgpack: not as this version writes it"):
        Quality.kept(store)
