"""What is put into a room is there, and nothing else is ever written to."""

import os
from pathlib import Path

import pyarrow as pa
import pytest

from watchfloor.errors import StoreError
from watchfloor.run.room import Room, got, put

BATCH = pa.record_batch({"raw": [b"a" * 5000, b""], "n": pa.array([1, None], pa.int64())})


def test_a_batch_stays_as_long_as_somebody_has_it() -> None:
    room = Room()
    put(room.place, BATCH)
    taken = got(room.place)
    room.close()
    room.close()
    assert taken.equals(BATCH)
    assert taken.slice(1).to_pylist() == [{"raw": b"", "n": None}]


def test_rooms_that_nobody_wants_any_more_are_no_open_files() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        room = Room()
        put(room.place, BATCH)
        assert got(room.place).num_rows == 2
        del room
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_opened_under_the_number_of_a_closed_room_is_not_touched(tmp_path: Path) -> None:
    room = Room()
    place = room.place
    room.close()
    with (tmp_path / "segment").open("wb") as file:
        file.write(b"what landed")
        file.flush()
        assert place.path == f"/proc/{os.getpid()}/fd/{file.fileno()}"
        with pytest.raises(StoreError, match="there no more"):
            put(place, BATCH)
        with pytest.raises(StoreError, match="there no more"):
            got(place)
    with pytest.raises(StoreError):
        put(place, BATCH)
    assert (tmp_path / "segment").read_bytes() == b"what landed"


def test_an_empty_room_holds_no_batch() -> None:
    with pytest.raises(StoreError):
        got(Room().place)
