"""The lake: batches of events in, the same events out, each once, in order, of one tenant."""

import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.errors import StoreError
from watchfloor.event import EVENT_SCHEMA
from watchfloor.store.lake import Lake, Row
from watchfloor.store.lake_writer import LakeWriter
from watchfloor.testing.events import batch_of

COLUMNS = ("time", "metadata.uid", "origin.path", "origin.line", "origin.index")
HOSTILE_UIDS = (
    "'; DROP TABLE events; --",
    '" OR 1=1 --',
    "$1 ? %s {} \\",
    "é☃\U0001f480\u202e“",
    "nul\0inside",
    "line\nbreak",
    "",
    "x" * 10_000,
)


def many(count: int, **columns: Any) -> pa.RecordBatch:
    """A batch of ``count`` events that differ in their uid only."""
    row = batch_of(columns)
    wide = row.take(pa.array([0] * count, pa.int64()))
    uids = pa.array([f"uid-{number}" for number in range(count)])
    return wide.set_column(wide.schema.get_field_index("metadata.uid"), EVENT_SCHEMA.field("metadata.uid"), uids)


def filled(folder: Path, *batches: pa.RecordBatch, each: bool = True) -> Lake:
    lake = Lake(folder)
    with lake.writer() as writer:
        for batch in batches:
            writer.append(batch)
            if each:
                writer.flush()
    return lake


def by_uid(lake: Lake, uids: Iterable[str], tenant: str = "default") -> dict[str, Row]:
    rows = list(lake.by_uid(tenant, uids))
    found = {row["metadata.uid"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def rows_of(batches: Iterator[pa.RecordBatch]) -> list[dict[str, Any]]:
    return [row for batch in batches for row in batch.to_pylist()]


DELIVERIES = st.lists(
    st.builds(
        lambda uid, time, path, line, index: {
            "metadata.uid": f"u{uid}",
            "time": uid * 7 % 5 * 1000 + time,
            "origin.path": path,
            "origin.line": line,
            "origin.index": index,
        },
        st.integers(0, 9),
        st.integers(0, 1),
        st.sampled_from("ab"),
        st.integers(1, 2),
        st.none() | st.integers(0, 1),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=5)
@given(DELIVERIES, st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_order_of_delivery_gives_each_event_once_in_event_time(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], random: Any, size: int
) -> None:
    shuffled = random.sample(rows, len(rows))
    batches = [batch_of(*shuffled[at : at + size]) for at in range(0, len(rows), size)]
    found = rows_of(filled(tmp_path_factory.mktemp("a"), *batches).in_order("default", COLUMNS))
    assert found == rows_of(filled(tmp_path_factory.mktemp("b"), batch_of(*rows)).in_order("default", COLUMNS))
    assert {row["metadata.uid"] for row in found} == {row["metadata.uid"] for row in rows}
    assert len(found) == len({row["metadata.uid"] for row in found})
    times = [row["time"] for row in found]
    assert times == sorted(times)


@settings(max_examples=4)
@given(DELIVERIES)
def test_of_several_deliveries_both_ways_to_read_give_the_same_one(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    lake = filled(tmp_path_factory.mktemp("lake"), *(batch_of(row) for row in rows))
    found = by_uid(lake, (row["metadata.uid"] for row in rows))
    for row in rows_of(lake.in_order("default", COLUMNS)):
        assert {name: found[row["metadata.uid"]][name] for name in COLUMNS} == row


def test_the_first_ingested_counts(tmp_path: Path) -> None:
    late, early = ({"metadata.uid": "u", "ingested_at": at, "origin.path": path} for at, path in ((9, "a"), (5, "z")))
    lake = filled(tmp_path, batch_of(late), batch_of(early))
    assert by_uid(lake, ["u"])["u"]["origin.path"] == "z"
    assert [row["origin.path"] for row in rows_of(lake.in_order("default", COLUMNS))] == ["z"]


def test_twenty_five_thousand_events_by_uid(tmp_path: Path) -> None:
    lake = filled(tmp_path, many(30_000))
    wanted = [f"uid-{number}" for number in range(25_000)]
    found = by_uid(lake, [*wanted, *wanted[:9], "uid-none"])
    assert set(found) == set(wanted)
    assert all(row["metadata.uid"] == uid for uid, row in found.items())


def test_hostile_uids_are_values(tmp_path: Path) -> None:
    rows = [{"metadata.uid": uid, "time": number} for number, uid in enumerate(HOSTILE_UIDS)]
    lake = filled(tmp_path, batch_of(*rows, {"metadata.uid": "other"}))
    found = by_uid(lake, HOSTILE_UIDS)
    assert [found[uid]["time"] for uid in HOSTILE_UIDS] == list(range(len(HOSTILE_UIDS)))
    assert by_uid(lake, ["%", "_", "' OR ''='"]) == {}


TENANTS = ("default", "../x", "a/b", "nul\0", "..", ".", "", "a b", "tenant=b", "é☃", "*", "' OR 1=1 --", "Default")


def test_tenants_see_their_own_events_and_are_no_paths(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "lake"
    rows = [{"tenant": tenant, "metadata.uid": "same", "time": number} for number, tenant in enumerate(TENANTS)]
    lake = filled(folder, batch_of(*rows))
    for number, tenant in list(enumerate(TENANTS))[::2]:
        assert [row["time"] for row in rows_of(lake.in_order(tenant, ["time"]))] == [number]
    assert by_uid(lake, ["same"], "../x")["same"]["time"] == 1
    assert by_uid(lake, ["same"], "%") == {}
    assert [one.name for one in (tmp_path / "deep").iterdir()] == ["lake"]
    ours = {"manifest.db", ".writing", ".reading"}
    assert all(one.is_dir() and one.name.startswith("tenant=") for one in folder.iterdir() if one.name not in ours)
    assert len(lake.files()) == len(TENANTS)


def test_a_tenant_whose_name_is_no_file_name_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="too long"):
        filled(tmp_path, batch_of({"tenant": "x" * 300}))


@pytest.mark.parametrize("name", ["case*", "case[12]", "case?", "it's", 'quo"te', "p%20q", "a=b", "é☃", "{a,b}", "~"])
def test_a_folder_of_any_name_is_read_and_no_other_beside_it(tmp_path: Path, name: str) -> None:
    for other in ("case1", "a"):
        filled(tmp_path / other, batch_of({"metadata.uid": other}))
    lake = filled(tmp_path / name, batch_of({"metadata.uid": "mine"}))
    assert [row["metadata.uid"] for row in rows_of(lake.in_order("default", COLUMNS))] == ["mine"]


def test_an_empty_lake_has_no_events(tmp_path: Path) -> None:
    for lake in (Lake(tmp_path / "nowhere"), filled(tmp_path / "empty", batch_of())):
        assert lake.files() == []
        assert list(lake.in_order("default", COLUMNS)) == []
        assert by_uid(lake, ["u"]) == {}
    assert not (tmp_path / "empty").exists()
    assert by_uid(filled(tmp_path / "full", batch_of({})), []) == {}


def test_what_is_written_comes_back_as_it_was(tmp_path: Path) -> None:
    row = {"raw": b"\xff\0", "unmapped": '{"a":"“\\u202e"}', "is_mfa": True, "src_endpoint.location.lat": 1.5}
    wide = batch_of(row)
    wide = wide.append_column("native.EventID", pa.array(["1"]))
    lake = filled(tmp_path, wide)
    assert [by_uid(lake, ["event-1"])["event-1"]] == batch_of(row).to_pylist()


KILLED_WHILE_WRITING = """
import resource, signal, sys
from pathlib import Path
from watchfloor.store.lake import LakeWriter
from watchfloor.testing.events import batch_of

writer = LakeWriter(Path(sys.argv[1]))
writer.append(batch_of({"raw": b"x"}))
# The kernel kills whoever writes more than this into one file.
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
writer.flush()
"""


def test_a_file_whose_writer_was_killed_is_not_seen(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, tmp_path], check=False)  # noqa: S603 - our own
    assert killed.returncode == -signal.SIGXFSZ
    (half,) = tmp_path.rglob(".*.parquet")
    assert half.stat().st_size == 2000
    assert Lake(tmp_path).files() == []
    lake = filled(tmp_path, batch_of({"metadata.uid": "whole"}))
    assert list(by_uid(lake, ["whole"])) == ["whole"]
    assert not half.exists()


def test_what_a_failed_run_had_not_flushed_is_not_there(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")

    def fail(batches: Sequence[pa.RecordBatch]) -> None:
        with lake.writer() as writer:
            for batch in batches:
                writer.append(batch)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        fail([batch_of({})])
    assert lake.files() == []


def test_a_file_is_written_when_enough_rows_or_bytes_wait(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with LakeWriter(tmp_path, flush_rows=100, flush_bytes=200_000) as writer:
        writer.append(many(99))
        assert (lake.files(), writer.rows) == ([], 0)
        writer.append(batch_of({}))
        assert (len(lake.files()), writer.rows) == (1, 100)
        writer.append(batch_of({"raw": b"x" * 200_001}))
        assert (len(lake.files()), writer.rows) == (2, 101)
        writer.append(batch_of({}))
    assert (len(lake.files()), writer.rows) == (3, 102)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as caught:
        filled(tmp_path / "file" / "lake", batch_of({}))
    assert str(tmp_path / "file") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    lake = filled(tmp_path, many(2000))
    whole = Path(lake.files()[0])
    data = whole.read_bytes()
    for broken in (b"", b"PAR1", data[: len(data) // 2], data[:4] + bytes(len(data) - 8) + data[-4:]):
        whole.write_bytes(broken)
        for reading in (lambda: list(lake.in_order("default", COLUMNS)), lambda: [by_uid(lake, ["uid-1"])]):
            with pytest.raises(StoreError) as caught:
                reading()
            assert str(caught.value).startswith(f"{tmp_path}: cannot be searched: ")
            assert "\n" not in str(caught.value)
