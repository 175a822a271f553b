"""Compaction changes files and nothing else: at any moment readers see all events, and each once."""

import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.event import EVENT_SCHEMA
from watchfloor.store.compaction import chosen, compact, compact_all
from watchfloor.store.hours import HOUR
from watchfloor.store.lake import Lake
from watchfloor.store.lakefile import LakeFile
from watchfloor.testing.events import batch_of

NOW = 1_790_000_000_000 // HOUR * HOUR
LATER = NOW + 5 * HOUR


def event(number: int, **columns: Any) -> dict[str, Any]:
    return {"metadata.uid": f"u{number:04}", "time": NOW + number * 1000, "ingested_at": NOW + 9_000_000, **columns}


def filled(folder: Path, *lots: list[dict[str, Any]]) -> Lake:
    lake = Lake(folder)
    with lake.writer() as writer:
        for lot in lots:
            writer.append(batch_of(*lot))
            writer.flush()
    return lake


def stored(lake: Lake) -> list[dict[str, Any]]:
    return [row for batch in lake.in_order("default", EVENT_SCHEMA.names) for row in batch.to_pylist()]


DELIVERIES = st.tuples(st.integers(0, 30), st.integers(0, 2))
"""An event, and which delivery of it."""

LOTS = st.lists(st.lists(DELIVERIES, min_size=1, max_size=9), min_size=2, max_size=9)


@settings(max_examples=5)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), min_size=1, max_size=9), min_size=2, max_size=9)
)
def test_any_files_hold_the_same_events_afterwards(
    tmp_path_factory: pytest.TempPathFactory, lots: list[list[tuple[int, int]]]
) -> None:
    rows = [[event(n, **{"origin.line": 1 + d, "raw": b"x" * n}) for n, d in lot] for lot in lots]
    lake = filled(tmp_path_factory.mktemp("lake"), *rows)
    before = stored(lake)
    done = compact_all(lake, now=LATER)
    assert stored(lake) == before
    with lake.snapshot() as snapshot:
        assert snapshot.rows == len(before), "what is compacted is there once"
        assert done.doubles == sum(map(len, lots)) - len(before)
    assert {str(path) for path in lake.folder.rglob("*.parquet")} == set(lake.files())


def test_an_hour_that_goes_on_waits_for_more_files(tmp_path: Path) -> None:
    lake = filled(tmp_path, *([event(n)] for n in range(7)))
    assert compact(lake, now=NOW + 1).before == 0
    filled(tmp_path, [event(7)])
    assert compact(lake, now=NOW + 1).before == 8
    assert len(lake.files()) == 1


def test_little_that_is_late_does_not_have_much_written_again(tmp_path: Path) -> None:
    lake = filled(tmp_path, [event(n) for n in range(100)], [event(500)])
    assert compact_all(lake, now=LATER).before == 0
    assert len(lake.files()) == 2


def test_an_event_is_written_again_a_few_times_however_often_somebody_compacts(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    written = 0
    for number in range(16):
        filled(tmp_path, [event(number)])
        written += compact_all(lake, now=LATER).rows
    assert len(stored(lake)) == 16
    assert len(lake.files()) < 8
    assert written < 16 * 6


def test_files_of_the_full_size_are_left_alone() -> None:
    large = [LakeFile(str(n), "t", "h", 1_000_000, 1, 0, 0) for n in range(9)]
    assert chosen(large, is_over=True) == []


def test_groups_keep_their_size(tmp_path: Path) -> None:
    lots = [[event(n * 100 + m, raw=bytes(100_000)) for m in range(60)] for n in range(3)]
    lake = filled(tmp_path, *lots)
    compact_all(lake, now=LATER)
    (path,) = lake.files()
    groups = pq.ParquetFile(path)
    assert groups.num_row_groups > 3
    assert (
        max(len(b"".join(groups.read_row_group(n)["raw"].to_pylist())) for n in range(groups.num_row_groups)) <= 4 << 20
    )


def test_readers_see_all_of_it_while_it_goes_on(tmp_path: Path) -> None:
    lake = filled(tmp_path, *([event(n)] for n in range(30)))
    wrong: list[object] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                uids = [uid for batch in lake.in_order("default", ["metadata.uid"]) for uid in batch[0].to_pylist()]
            except Exception as error:  # noqa: BLE001 - told below
                wrong.append(error)
            else:
                wrong.extend([uids] if uids != sorted(set(uids)) or len(uids) < 30 else [])

    readers = [threading.Thread(target=read) for _ in range(2)]
    for one in readers:
        one.start()
    for number in range(30, 42):
        filled(tmp_path, [event(number)])
        compact_all(lake, now=LATER)
    stop.set()
    for one in readers:
        one.join()
    assert wrong == []
    assert len(stored(lake)) == 42


KILLED = """
import os, signal, sys
from pathlib import Path
from watchfloor.store import compaction
from watchfloor.store.lake import Lake
from watchfloor.store.manifest import Manifest

when = sys.argv[2]
kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
replace, sweep, group = Manifest.replace, compaction.sweep, compaction.grouped
def replaced(*a, **k):
    if when == "written": kill()
    done = replace(*a, **k)
    if when == "replaced": kill()
    return done
def grouped(batches):
    for one in group(batches):
        yield one
        if when == "writing": kill()
Manifest.replace, compaction.grouped = replaced, grouped
compaction.compact_all(Lake(Path(sys.argv[1])), now=int(sys.argv[3]))
"""


@pytest.mark.parametrize("when", ["writing", "written", "replaced"])
def test_killed_at_any_moment_it_leaves_the_old_files_or_the_new(tmp_path: Path, when: str) -> None:
    lake = filled(tmp_path, *([event(n)] for n in range(9)))
    before, files = stored(lake), lake.files()
    command = [sys.executable, "-c", KILLED, str(tmp_path), when, str(LATER)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL  # noqa: S603 - our own
    assert (lake.files() == files) == (when != "replaced")
    assert stored(lake) == before
    compact_all(lake, now=LATER)
    filled(tmp_path, [event(9)])
    assert len(stored(lake)) == 10
    assert {str(path) for path in lake.folder.rglob("*.parquet")} == set(lake.files())
    assert not list(lake.folder.rglob(".*.parquet"))


def test_it_is_no_matter_what_lies_in_a_batch(tmp_path: Path) -> None:
    empty = pa.RecordBatch.from_pylist([], schema=EVENT_SCHEMA)
    lake = Lake(tmp_path)
    with lake.writer() as writer:
        writer.append(empty, segment=3)
    assert compact_all(lake, now=LATER).before == 0
    assert compact_all(Lake(tmp_path / "nowhere"), now=LATER).before == 0
    assert not (tmp_path / "nowhere").exists()
