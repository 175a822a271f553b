"""Sorted files in, their rows in one order out, however many files there are and however small their row groups."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.store.ordered import SortedFile, merged

Event = tuple[int, str, int]
EVENTS = st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["", "a", "b", "é", "\U0001f480"]), st.integers(0, 99)))


def written(path: Path, events: Sequence[Event], group: int) -> SortedFile:
    """A file of events (time, uid, value); those with an odd value do not count."""
    columns = list(zip(*sorted(events), strict=True)) or [(), (), ()]
    kinds = (pa.int64(), pa.string(), pa.int64())
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    pq.write_table(
        pa.table(dict(zip(("time", "metadata.uid", "origin.line"), arrays, strict=True))), path, row_group_size=group
    )

    def keep(rows: pa.Table, first: int) -> pa.Table:
        assert rows.column("origin.line").to_pylist() == list(columns[2][first : first + rows.num_rows])
        return rows.filter(pa.array([value % 2 == 0 for value in rows.column("origin.line").to_pylist()], pa.bool_()))

    return SortedFile(path, keep)


@settings(max_examples=40)
@given(st.lists(EVENTS, max_size=9), st.integers(1, 4), st.integers(2, 4))
def test_any_files_become_one_order(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[Event]], group: int, fan_in: int
) -> None:
    folder = tmp_path_factory.mktemp("sorted")
    sources = [written(folder / f"{number}.parquet", events, group) for number, events in enumerate(files)]
    found = [
        (row["time"], row["metadata.uid"], row["origin.line"])
        for batch in merged(sources, ["origin.line"], folder=folder / "spill", fan_in=fan_in)
        for row in batch.to_pylist()
    ]
    assert sorted(found) == sorted(event for events in files for event in events if event[2] % 2 == 0)
    assert [event[:2] for event in found] == sorted(event[:2] for event in found)
    assert not list((folder / "spill").glob("*")), "what rested while files were merged is gone"


def test_files_one_after_the_other_are_read_one_after_the_other(tmp_path: Path) -> None:
    sources = [written(tmp_path / f"{number}.parquet", [(number, "a", 0), (number, "b", 2)], 1) for number in range(9)]
    times = [
        time
        for batch in merged(sources, ["origin.line"], folder=tmp_path / "spill", fan_in=2)
        for time in batch[0].to_pylist()
    ]
    assert times == [number for number in range(9) for _ in range(2)]
    assert not (tmp_path / "spill").exists()


def test_a_crowd_of_files_that_reach_one_moment_is_merged_in_steps(tmp_path: Path) -> None:
    sources = [written(tmp_path / f"{number}.parquet", [(0, "a", 0), (9, f"{number}", 2)], 1) for number in range(5)]
    rows = [
        row
        for batch in merged(sources, ["origin.line"], folder=tmp_path / "spill", fan_in=2)
        for row in batch.to_pylist()
    ]
    assert [row["metadata.uid"] for row in rows] == [*"aaaaa", *"01234"]
    assert (tmp_path / "spill").exists()
