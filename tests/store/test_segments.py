"""Segments of a stream become part of the lake all or nothing, once, with the progress that says so."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.errors import StoreError
from watchfloor.store.hours import FUTURE, HOUR, PAST, SHARE
from watchfloor.store.lake import Lake
from watchfloor.store.lake_writer import LakeWriter, Writing, stage
from watchfloor.store.leases import oldest
from watchfloor.store.manifest import Manifest
from watchfloor.store.sweeping import sweep
from watchfloor.testing.events import batch_of

NOW = 1_790_000_000_000


def events(*uids: str, **columns: Any) -> pa.RecordBatch:
    return batch_of(*({"metadata.uid": uid, "time": NOW, "ingested_at": NOW, **columns} for uid in uids))


def uids(lake: Lake) -> list[str]:
    return sorted(
        uid for batch in lake.in_order("default", ["metadata.uid"]) for uid in batch.column("metadata.uid").to_pylist()
    )


def test_progress_is_part_of_the_commit(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    assert lake.upto("east") is None
    with lake.writer("east") as writer:
        assert writer.append(events("a"), segment=3)
        assert writer.append(events("b"), segment=3)
        assert writer.append(events("c"), segment=7)
        assert lake.upto("east") is None
        assert lake.files() == []
        writer.flush()
        assert (lake.upto("east"), uids(lake)) == (7, ["a", "b", "c"])
        assert writer.append(batch_of(), segment=8)
    assert (lake.upto("east"), lake.upto("west")) == (8, None)
    (name,) = {Path(path).name for path in lake.files()}
    assert name == "east-000000000003-000000000007.parquet"


def test_segments_that_come_again_are_left_out(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for first in (0, 0, 2):
        with lake.writer("east") as writer:
            taken = [writer.append(events(f"e{number}"), segment=number) for number in range(first, 4)]
            assert taken == [number > 3 or lake.upto("east") is None for number in range(first, 4)]
    assert uids(lake) == ["e0", "e1", "e2", "e3"]
    with lake.writer("west") as writer:
        assert writer.append(events("w"), segment=0)
    assert uids(lake) == ["e0", "e1", "e2", "e3", "w"]


def test_a_segment_never_comes_after_a_later_one(tmp_path: Path) -> None:
    writer = LakeWriter(tmp_path / "lake")
    writer.append(events("a"), segment=5)
    with pytest.raises(StoreError, match="segment 4 of 'input' comes after 5"):
        writer.append(events("b"), segment=4)


def test_it_flushes_between_segments_only(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    with LakeWriter(lake.folder, flush_rows=2) as writer:
        for uid in ("a", "b", "c"):
            writer.append(events(uid), segment=0)
            assert lake.upto() is None
        writer.append(events("d"), segment=1)
        assert (lake.upto(), uids(lake)) == (0, ["a", "b", "c"])
    assert (lake.upto(), uids(lake)) == (1, ["a", "b", "c", "d"])


def test_others_may_stage_what_one_commits(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    with Writing(lake.folder):
        files = stage(lake.folder, [events("a")], stream="east", first=0, last=4)
        assert lake.files() == []
        with Writing(lake.folder):
            assert list(lake.folder.rglob("east-*.parquet")), "another writer leaves staged files alone"
        assert lake.commit(files, stream="east", upto=4)
        assert not lake.commit(files, stream="east", upto=4)
        with pytest.raises(StoreError, match="segment 4 of 'east' is contained already"):
            stage(lake.folder, [events("a")], stream="east", first=4, last=5)
        assert lake.commit((), stream="east", upto=5)
    assert (lake.upto("east"), uids(lake)) == (5, ["a"])


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.store.test_segments import events
from watchfloor.store import lake_writer
from watchfloor.store.lake import Lake
from watchfloor.store.manifest import Manifest

when = sys.argv[2]
kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
staged, added = lake_writer.stage, Manifest.add
def stage(*a, **k):
    files = staged(*a, **k)
    if when == "staged": kill()
    return files
def add(*a, **k):
    done = added(*a, **k)
    if when == "committed": kill()
    return done
lake_writer.stage, Manifest.add = stage, add
with Lake(Path(sys.argv[1])).writer("east") as writer:
    for number in range(3):
        writer.append(events(f"e{number}"), segment=number)
"""


@pytest.mark.parametrize(("when", "upto"), [("staged", None), ("committed", 2)])
def test_a_writer_that_is_killed_loses_and_doubles_nothing(tmp_path: Path, when: str, upto: int | None) -> None:
    lake = Lake(tmp_path / "lake")
    command = [sys.executable, "-c", KILLED, str(lake.folder), when]
    killed = subprocess.run(command, check=False, cwd=Path(__file__).parents[2])  # noqa: S603 - our own
    assert killed.returncode == -signal.SIGKILL
    assert lake.upto("east") == upto
    assert uids(lake) == ([] if upto is None else ["e0", "e1", "e2"])
    assert len(list(lake.folder.rglob("east-*.parquet"))) == 1
    # Whoever begins again cuts the segments into other ranges.
    with lake.writer("east") as writer:
        for number in range(5):
            writer.append(events(f"e{number}"), segment=number)
            if number == 1:
                writer.flush()
    assert (lake.upto("east"), uids(lake)) == (4, [f"e{number}" for number in range(5)])
    on_disk = {str(path) for path in lake.folder.rglob("*.parquet")}
    assert on_disk == set(lake.files()), "what was staged and not committed is gone"


TIMES = st.lists(
    st.one_of(
        st.integers(-(1 << 63), (1 << 63) - 1),
        st.integers(NOW - 2 * PAST, NOW + 2 * FUTURE),
        st.integers(NOW - 48 * HOUR, NOW),
        st.sampled_from([0, -1, NOW - PAST, NOW - PAST - 1, NOW + FUTURE, NOW + FUTURE + 1]),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=40)
@given(TIMES)
def test_times_that_attackers_write_make_few_files_and_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, times: list[int]
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    rows = [{"metadata.uid": str(n), "time": time, "ingested_at": NOW} for n, time in enumerate(times)]
    with lake.writer() as writer:
        writer.append(batch_of(*rows))
    with lake.snapshot() as snapshot:
        assert len(snapshot.files) <= SHARE + 3
        assert snapshot.rows == len(times)
        for one in snapshot.files:
            if one.hour.isdigit():
                assert one.low // HOUR == one.high // HOUR
            else:
                assert one.hour in {"early", "late", "mixed"}
        early = [one for one in snapshot.files if one.hour == "early"]
        assert sum(one.rows for one in early) == sum(time < NOW - PAST for time in times)
        late = [one for one in snapshot.files if one.hour == "late"]
        assert sum(one.rows for one in late) == sum(time > NOW + FUTURE for time in times)
    assert uids(lake) == sorted(str(n) for n in range(len(times)))
    found = [time for batch in lake.in_order("default", ["time"]) for time in batch.column("time").to_pylist()]
    assert found == sorted(times)


def test_hours_that_are_sparse_share_a_folder(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    rows = [{"metadata.uid": str(n), "time": NOW - n * HOUR, "ingested_at": NOW} for n in range(1000)]
    with lake.writer() as writer:
        writer.append(batch_of(*rows))
    (only,) = lake.files()
    assert "hour=mixed" in only


def test_a_file_that_left_stays_until_its_readers_are_done(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    with lake.writer() as writer:
        writer.append(events("a"))

    with lake.snapshot() as before:
        (path,) = before.paths
        assert Manifest(lake.folder).replace(before.files, ())
        assert sweep(lake.folder) == 1
        assert Path(path).exists()
        with lake.snapshot() as after:
            assert after.files == ()
    assert sweep(lake.folder) == 0
    assert not Path(path).exists()


LEFT_READING = """
import os, sys
from pathlib import Path
from watchfloor.store.lake import Lake
with Lake(Path(sys.argv[1])).snapshot():
    os._exit(0)
"""


def test_a_reader_that_was_killed_keeps_nothing(tmp_path: Path) -> None:

    lake = Lake(tmp_path / "lake")
    with lake.writer() as writer:
        writer.append(events("a"))
    subprocess.run([sys.executable, "-c", LEFT_READING, str(lake.folder)], check=True)  # noqa: S603 - our own
    assert len(list((lake.folder / ".reading").iterdir())) == 1
    assert oldest(lake.folder) is None
    assert list((lake.folder / ".reading").iterdir()) == []
