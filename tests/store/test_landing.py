"""What landed is there, whatever happens: arrivals in, segments out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.arrival import Arrival
from watchfloor.errors import OverloadError, StoreError
from watchfloor.store.landing import Landing, segments

NOW = 1_767_225_600_000


def arrival(*raw: bytes, path: str = "http", tenant: str = "default", source: str | None = None) -> Arrival:
    places = range(1, len(raw) + 1)
    return Arrival(tenant, path, raw, places, places, source)


def landed(folder: Path, after: int = 0) -> list[bytes]:
    return [raw for one in segments(folder, after=after) for raw in one.read().column("raw").to_pylist()]


def test_what_arrived_together_is_one_segment_with_all_that_is_known_of_each_record(tmp_path: Path) -> None:
    arrivals = [
        Arrival("a", "syslog", [b"one", b"\xff\0\n"], [1, 2], [70, 71], "linux_auth"),
        Arrival("b", "http", [b"{}"], [1], [0], None, [4]),
    ]
    with Landing(tmp_path) as landing:
        segment = landing.write(arrivals, now=NOW)
    first = {"tenant": "a", "raw": b"one", "path": "syslog", "line": 1, "index": None, "ordinal": 70}
    assert segment.number == 1
    assert segment.read().to_pylist() == [
        first | {"ingested_at": NOW, "source": "linux_auth"},
        first | {"raw": b"\xff\0\n", "line": 2, "ordinal": 71, "ingested_at": NOW, "source": "linux_auth"},
        {"tenant": "b", "raw": b"{}", "path": "http", "line": 1, "index": 4, "ordinal": 0}
        | {"ingested_at": NOW, "source": None},
    ]


@given(groups=st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=4), max_size=6))
def test_any_bytes_come_back_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, groups: list[list[bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("landing")
    with Landing(folder) as landing:
        for group in groups:
            landing.write([arrival(*group)], now=NOW)
    assert landed(folder) == [raw for group in groups for raw in group]


def test_numbers_go_on_after_a_restart_and_after_everything_was_forgotten(tmp_path: Path) -> None:
    with Landing(tmp_path) as landing:
        for text in (b"1", b"2", b"3"):
            landing.write([arrival(text)], now=NOW)
    with Landing(tmp_path) as landing:
        landing.forget(2)
        assert landed(tmp_path) == [b"3"]
        landing.forget(3)
    with Landing(tmp_path) as landing:
        assert landing.write([arrival(b"4")], now=NOW).number == 4
    assert landed(tmp_path, after=3) == [b"4"]


def test_half_a_segment_that_a_kill_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".0000000000000001.arrow.zst").write_bytes(b"half")
    (tmp_path / "0000000000000009.txt").write_bytes(b"somebody's own")
    with Landing(tmp_path) as landing:
        assert landing.write([arrival(b"x")], now=NOW).number == 1
    assert landed(tmp_path) == [b"x"]


def test_a_segment_that_rotted_says_so(tmp_path: Path) -> None:
    with Landing(tmp_path) as landing:
        segment = landing.write([arrival(b"some text to change a bit of")], now=NOW)
    data = bytearray(segment.path.read_bytes())
    data[len(data) // 2] ^= 1
    for rotten in (bytes(data), b""):
        segment.path.write_bytes(rotten)
        with pytest.raises(StoreError, match="not as it was written"):
            segment.read()


def test_a_full_disk_is_said_and_what_comes_when_there_is_room_again_lands(tmp_path: Path) -> None:
    free = [100]
    with Landing(tmp_path, reserve=1000, free=lambda _folder: free[0]) as landing:
        with pytest.raises(OverloadError, match="the disk is full") as raised:
            landing.write([arrival(b"x")], now=NOW)
        assert raised.value.retry_after > 0
        assert landed(tmp_path) == []
        free[0] = 1 << 30
        landing.write([arrival(b"y")], now=NOW)
    assert landed(tmp_path) == [b"y"]


REFUSED = """
import os, resource, signal, sys
from pathlib import Path
from watchfloor.arrival import Arrival
from watchfloor.errors import StoreError
from watchfloor.store.landing import Landing, segments

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
with Landing(folder) as landing:
    limit(4096)
    try:
        landing.write([Arrival("default", "http", [os.urandom(10_000)], [1], [1])], now=1)
    except StoreError as error:
        print(error)
    limit(resource.RLIM_INFINITY)
    landing.write([Arrival("default", "http", [b"small"], [1], [1])], now=1)
print([one.read().column("raw").to_pylist() for one in segments(folder)], sorted(p.name for p in folder.iterdir()))
"""


def test_a_write_that_the_system_refuses_leaves_nothing_and_the_next_one_lands(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - this interpreter, and the text above
        [sys.executable, "-c", REFUSED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    refused, then = done.stdout.splitlines()
    assert "File too large" in refused
    assert then == "[[b'small']] ['0000000000000001.arrow.zst', 'lock']"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_that_may_not_be_written_says_so(tmp_path: Path) -> None:
    with Landing(tmp_path) as landing:
        tmp_path.chmod(0o500)
        try:
            with pytest.raises(StoreError, match="Permission denied"):
                landing.write([arrival(b"x")], now=NOW)
        finally:
            tmp_path.chmod(0o700)
        assert landing.write([arrival(b"x")], now=NOW).number == 1


def test_only_one_process_writes(tmp_path: Path) -> None:
    with Landing(tmp_path), pytest.raises(StoreError, match="another process writes here"):
        Landing(tmp_path)
    with Landing(tmp_path):
        pass


def test_the_number_is_on_disk_before_the_last_segment_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    flush, unlink = os.fsync, Path.unlink

    def flushed(descriptor: int) -> None:
        steps.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
        flush(descriptor)

    def unlinked(path: Path, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's signature
        steps.append(f"without {path.name}")
        unlink(path, missing_ok)

    with Landing(tmp_path) as landing:
        segment = landing.write([arrival(b"x")], now=NOW)
        monkeypatch.setattr(os, "fsync", flushed)
        monkeypatch.setattr(Path, "unlink", unlinked)
        landing.forget(1)
    assert steps == [".number", tmp_path.name, f"without {segment.path.name}"]


def test_numbers_begin_behind_what_was_worked_on_though_the_folder_was_emptied(tmp_path: Path) -> None:
    with Landing(tmp_path, after=7) as landing:
        assert landing.write([arrival(b"x")], now=NOW).number == 8
    with Landing(tmp_path, after=3) as landing:
        assert landing.write([arrival(b"y")], now=NOW).number == 9
