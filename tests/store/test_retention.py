"""Retention deletes what it says, holds beat it, and the record of a deletion proves it."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.errors import ContentError, GateError
from watchfloor.store import deletion
from watchfloor.store.deletion import Deletion, delete, deletions
from watchfloor.store.lake import Lake
from watchfloor.store.retention import Hold, Retention, Rules, read_rules
from watchfloor.testing.events import batch_of

DAY = 86_400_000
NOW = 1_790_000_000_000


def event(number: int, age: int, **columns: Any) -> dict[str, Any]:
    when = NOW - age * DAY
    return {
        "metadata.uid": f"u{number:03}",
        "time": when,
        "ingested_at": when,
        "source": "okta",
        "class_uid": 3002,
        **columns,
    }


def keep(days: int, **what: Any) -> Retention:
    return Retention(name=f"{days}-{what}", keep=f"{days}d", owner="privacy@example.com", reason="agreed", **what)


def hold(**what: Any) -> Hold:
    return Hold(name=f"hold-{what}", owner="legal@example.com", reason="asked", **what)


def filled(folder: Path, *lots: list[dict[str, Any]]) -> Lake:
    lake = Lake(folder)
    with lake.writer() as writer:
        for lot in lots:
            writer.append(batch_of(*lot))
            writer.flush()
    return lake


def left(lake: Lake, tenant: str = "default") -> list[str]:
    return [
        uid for batch in lake.in_order(tenant, ["metadata.uid"]) for uid in batch.column("metadata.uid").to_pylist()
    ]


def done(lake: Lake, rules: Rules) -> Deletion:
    record = delete(lake, rules, now=NOW)
    assert record is not None
    return record


def test_what_is_old_goes_and_the_record_says_what(tmp_path: Path) -> None:
    lake = filled(
        tmp_path,
        [event(1, 40), event(2, 10), event(3, 40, source="zeek", class_uid=4001)],
        [event(4, 50)],
        [event(5, 1)],
    )
    hashes = {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in lake.files()}
    record = done(lake, Rules(retention=(keep(30, sources=("okta",)),)))
    assert left(lake) == ["u003", "u002", "u005"]
    assert (record.rows, record.held, record.by_source, record.by_class) == (2, 0, {"okta": 2}, {"3002": 2})
    (reason,) = record.reasons
    assert (reason.owner, reason.reason, reason.before, reason.rows) == (
        "privacy@example.com",
        "agreed",
        NOW - 30 * DAY,
        2,
    )
    for one in record.files:
        assert one.sha256 == hashes[str(tmp_path / one.path)]
        assert not (tmp_path / one.path).exists()
        if one.new_path:
            assert one.new_sha256 == hashlib.sha256((tmp_path / one.new_path).read_bytes()).hexdigest()
    assert sum(one.rows - one.new_rows for one in record.files) == 2
    assert deletions(lake) == (record,)
    assert delete(lake, Rules(retention=(keep(30, sources=("okta",)),)), now=NOW) is None
    assert b"u001" not in b"".join(path.read_bytes() for path in tmp_path.rglob("*.parquet"))


def test_the_first_retention_that_matches_counts(tmp_path: Path) -> None:
    lake = filled(tmp_path, [event(1, 40), event(2, 40, class_uid=1007), event(3, 400), event(4, 40, tenant="other")])
    done(lake, Rules(retention=(keep(365, classes=(3002,)), keep(30, tenants=("default",)))))
    assert left(lake) == ["u001"]
    assert left(lake, "other") == ["u004"]


def test_a_time_that_a_log_writes_deletes_and_keeps_nothing(tmp_path: Path) -> None:
    lake = filled(tmp_path, [event(1, 1, time=0), event(2, 40, time=NOW + 10**12)])
    done(lake, Rules(retention=(keep(30),)))
    assert left(lake) == ["u001"]


@pytest.mark.parametrize(
    ("held", "kept"),
    [
        (hold(entities=("user:alice",)), ["u001", "u002"]),
        (hold(sources=("zeek",)), ["u003"]),
        (hold(since=date(2026, 8, 1), until=date(2026, 8, 2)), ["u004"]),
        (hold(entities=("user:alice",), sources=("zeek",)), []),
        (hold(tenants=("other",)), []),
    ],
)
def test_a_hold_beats_retention(tmp_path: Path, held: Hold, kept: list[str]) -> None:
    day = 1_785_600_000_000
    lake = filled(
        tmp_path,
        [
            event(1, 40, **{"entity.actor": "user:alice"}),
            event(2, 40, **{"entity.user": "user:alice", "time": NOW - 41 * DAY}),
            event(3, 40, source="zeek"),
            event(4, 40, time=0, ordered_at=day + 1),
            event(5, 40),
        ],
    )
    record = done(lake, Rules(retention=(keep(30),), holds=(held,)))
    assert sorted(left(lake)) == kept
    assert (record.rows, record.held) == (5 - len(kept), len(kept))


Drawn = tuple[int, str, int | None, str | None]
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 60),
        st.sampled_from(["okta", "zeek"]),
        st.sampled_from([3002, 4001, None]),
        st.sampled_from(["a", "b", None]),
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=10)
@given(EVENTS, st.integers(0, 60), st.integers(0, 60), st.sampled_from(["a", "b", "none"]))
def test_any_events_and_rules_leave_what_they_say(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, str, int | None, str | None]],
    one: int,
    two: int,
    who: str,
) -> None:
    made = [
        event(n, age, source=source, class_uid=kind, **{"entity.host": name})
        for n, (age, source, kind, name) in enumerate(rows)
    ]
    lake = filled(tmp_path_factory.mktemp("lake"), made[::2] or made, made[1::2] or [event(99, 0)])
    before = set(left(lake))
    delete(
        lake,
        Rules(retention=(keep(one, classes=(3002,)), keep(two, sources=("zeek",))), holds=(hold(entities=(who,)),)),
        now=NOW,
    )
    gone = {
        row["metadata.uid"]
        for row in made
        if row["entity.host"] != who
        and (
            (row["class_uid"] == 3002 and row["ingested_at"] < NOW - one * DAY)
            or (row["class_uid"] != 3002 and row["source"] == "zeek" and row["ingested_at"] < NOW - two * DAY)
        )
    }
    assert before - set(left(lake)) == gone


def test_a_reader_still_has_what_it_began_with(tmp_path: Path) -> None:
    lake = filled(tmp_path, [event(1, 40)])
    with lake.snapshot() as snapshot:
        done(lake, Rules(retention=(keep(30),)))
        assert Path(snapshot.paths[0]).exists()
    assert left(lake) == []


def test_what_is_left_by_mistake_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = filled(tmp_path, [event(1, 40), event(2, 1)])
    monkeypatch.setattr(deletion, "_without", lambda _snapshot, old, _rules, _now: old)
    with pytest.raises(GateError, match="1 events and 1 files that should have gone are there still"):
        delete(lake, Rules(retention=(keep(30),)), now=NOW)


GOOD = """
retention:
  - {name: sign-ins, keep: 365d, classes: [3002], owner: privacy@example.com, reason: agreed}
holds:
  - {name: case-17, entities: ['user:alice'], since: 2026-03-01, owner: legal@example.com, reason: asked}
"""


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "retention.yml"
    path.write_text(GOOD)
    rules = read_rules(path)
    assert (rules.retention[0].classes, rules.holds[0].since) == ((3002,), date(2026, 3, 1))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("365d", "forever"), "keep"),
        (("owner: privacy@example.com, ", ""), "owner"),
        (("classes", "clases"), "clases"),
        (("case-17", "sign-ins"), "there twice"),
        (("entities: ['user:alice'], since: 2026-03-01, ", ""), "says not what it holds"),
        (("[3002]", "[sign-in]"), "int"),
        (("2026-03-01", "soon"), "date"),
        (("retention:", "retension:"), "retension"),
    ],
)
def test_a_file_that_is_wrong_deletes_nothing(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    path = tmp_path / "retention.yml"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(ContentError, match=says):
        read_rules(path)
