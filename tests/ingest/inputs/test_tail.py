"""Log files as programs and rotators treat them, followed while it happens, and across crashes."""

import asyncio
import gzip
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard

from watchfloor.errors import StoreError
from watchfloor.ingest.inputs import tail_finding
from watchfloor.ingest.inputs.tail import Tail
from watchfloor.testing.inputs import MemoryIntake, check_input, running


def tail(folder: Path, pattern: str = "app.log*", **settings: Any) -> Tail:
    return Tail(files=(str(folder / pattern),), poll_seconds=0.02, **settings)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def lines(first: int, last: int) -> list[bytes]:
    return [b"%d a line of a log that is long enough to tell files apart" % n for n in range(first, last)]


def text(first: int, last: int) -> bytes:
    return b"".join(line + b"\n" for line in lines(first, last))


class Writer:
    """Appends to a log file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.transport = tail(path.parent)

    async def send(self, records: Sequence[bytes]) -> None:
        append(self._path, b"".join(record + b"\n" for record in records))

    async def acknowledged(self) -> int | None:
        return None


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "app.log"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_the_laws_of_inputs(log: Path, state: Path) -> None:
    asyncio.run(check_input(Writer(log), state))


def test_a_line_that_is_not_whole_waits_and_blank_ones_are_none(log: Path, state: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        async with running(tail(log.parent, tenant="acme", source="linux_auth"), intake, state):
            append(log, b"one\r\n\n  two\n\xff\0three\nfo")
            await intake.until(lambda: len(intake.raw) == 3)
            await asyncio.sleep(0.1)
            assert intake.raw == [b"one", b"  two", b"\xff\0three"]
            append(log, b"ur\n")
            await intake.until(lambda: len(intake.raw) == 4)
        assert intake.raw[3:] == [b"four"]
        assert [list(arrival.line) for arrival in intake.arrivals][-1] == [5]
        assert {(arrival.tenant, arrival.source, arrival.path) for arrival in intake.arrivals} == {
            ("acme", "linux_auth", str(log))
        }

    asyncio.run(scenario())


def test_rotation_by_rename_while_the_program_goes_on_writing_into_the_old_file(log: Path, state: Path) -> None:
    async def scenario(pattern: str) -> None:
        intake = MemoryIntake()
        async with running(tail(log.parent, pattern), intake, state):
            append(log, text(0, 10))
            await intake.until(lambda: len(intake.raw) == 10)
            old = log.open("ab", buffering=0)
            log.rename(log.with_name("app.log.1"))
            await asyncio.sleep(0.1)
            old.write(text(10, 12))
            append(log, text(12, 14))
            await intake.until(lambda: len(intake.raw) == 14)
            old.write(text(14, 15))
            await intake.until(lambda: len(intake.raw) == 15)
            old.close()
        assert sorted(intake.raw) == sorted(lines(0, 15))
        assert len(intake.distinct) == 15

    for pattern in ("app.log*", "app.log"):
        asyncio.run(scenario(pattern))
        shutil.rmtree(log.parent)
        shutil.rmtree(state)
        log.parent.mkdir()


def test_rotation_by_rename_while_nobody_looks(log: Path, state: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        async with running(tail(log.parent, "app.log"), intake, state):
            append(log, text(0, 10))
            await intake.until(lambda: len(intake.raw) == 10)
        append(log, text(10, 12))
        log.rename(log.with_name("app.log.1"))
        append(log, text(12, 14))
        async with running(tail(log.parent, "app.log"), intake, state):
            await intake.until(lambda: len(intake.raw) == 14)
            await asyncio.sleep(0.1)
        assert sorted(intake.raw) == sorted(lines(0, 14))

    asyncio.run(scenario())


def test_rotation_by_copy_and_truncate(log: Path, state: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        async with running(tail(log.parent), intake, state):
            for turn in range(5):
                at = turn * 20
                append(log, text(at, at + 10))
                await intake.until(lambda: len(intake.raw) == at + 10)  # noqa: B023
                # Written between the last look and the rotation: it is in the copy alone.
                append(log, text(at + 10, at + 15))
                shutil.copyfile(log, log.with_name(f"app.log.{turn}"))
                os.truncate(log, 0)
                append(log, text(at + 15, at + 20))
                await intake.until(lambda: len(intake.raw) >= at + 20)  # noqa: B023
            await asyncio.sleep(0.2)
        assert sorted(intake.distinct.values()) == sorted(lines(0, 100))

    asyncio.run(scenario())


def test_a_file_begun_anew_that_has_grown_larger_than_it_was(log: Path, state: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        async with running(tail(log.parent), intake, state):
            append(log, b"the same first line\n" + text(0, 10))
            await intake.until(lambda: len(intake.raw) == 11)
        log.write_bytes(b"the same first line\n" + text(10, 40))
        async with running(tail(log.parent), intake, state):
            await intake.until(lambda: len(intake.raw) == 42)
        assert len(intake.distinct) == 42

    asyncio.run(scenario())


@pytest.mark.parametrize("compressed", [gzip.compress, lambda data: zstandard.ZstdCompressor().compress(data)])
@pytest.mark.parametrize("looking", [True, False])
def test_a_file_that_was_compressed_is_read_to_its_end(
    log: Path, state: Path, *, compressed: Any, looking: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail_finding, "_SETTLED_SECONDS", 0.1)

    async def scenario() -> None:
        intake = MemoryIntake()
        async with running(tail(log.parent), intake, state):
            append(log, text(0, 100))
            await intake.until(lambda: len(intake.raw) == 100)
            if looking:
                rotate()
                await intake.until(lambda: len(intake.raw) >= 211)
        if not looking:
            rotate()
        async with running(tail(log.parent), intake, state):
            await intake.until(lambda: len(intake.raw) >= 211)
            await asyncio.sleep(0.3)
        async with running(tail(log.parent), intake, state):
            await asyncio.sleep(0.3)
        assert sorted(intake.distinct.values()) == sorted([*lines(0, 210), b"without end"])

    def rotate() -> None:
        data = log.read_bytes() + text(100, 200) + b"without end"
        log.with_name("app.log.1.gz").write_bytes(compressed(data))
        log.unlink()
        append(log, text(200, 210))

    asyncio.run(scenario())


def test_damaged_compressed_files_give_what_is_before_the_damage(log: Path, state: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(tail_finding, "_SETTLED_SECONDS", 0.05)

    async def scenario() -> None:
        intake = MemoryIntake()
        packed = gzip.compress(os.urandom(100_000).hex().encode() + b"\n" + text(0, 2000))
        log.with_name("app.log.1.gz").write_bytes(packed[:-100])
        log.with_name("app.log.2.gz").write_bytes(b"\x1f\x8b\x08 nothing that could be")
        async with running(tail(log.parent), intake, state):
            await intake.until(lambda: sum(intake.dropped.values()) == 2)
        assert len(intake.raw) > 1000
        assert set(intake.dropped) == {"gzip data is cut off", "damaged gzip data"}

    asyncio.run(scenario())


def test_an_endless_line_costs_bounded_memory_and_the_next_one_is_read(log: Path, state: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        async with running(tail(log.parent, line_bytes=1000), intake, state):
            for _ in range(20):
                append(log, b"a" * (1 << 20))
                await asyncio.sleep(0.02)
            append(log, b"\n" + b"b" * 1001 + b"\nafter\n")
            await intake.until(lambda: bool(intake.raw))
        assert intake.raw == [b"after"]
        assert intake.dropped == {"longer than 1,000 bytes": 2}
        assert list(intake.arrivals[0].line) == [3]

    asyncio.run(scenario())


def test_content_is_framed_as_files_are_that_are_read_whole(log: Path, state: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        pretty = log.with_name("app.log.json")
        table = log.with_name("app.log.csv")
        for part in (0, 1):
            async with running(tail(log.parent, framing="content"), intake, state):
                if part == 0:
                    append(pretty, b'[{"n": 0,\n "a": 1},\n{"n": 1,')
                    append(table, b"name,user\n0,alice\n1,b")
                    await intake.until(lambda: len(intake.raw) == 2)
                    await asyncio.sleep(0.1)
                else:
                    append(pretty, b'\n"a": 2}]\n')
                    append(table, b"ob\n")
                    await intake.until(lambda: len(intake.raw) >= 4)
                    await asyncio.sleep(0.1)
        assert sorted(intake.raw) == [
            b'{"n": 0,\n "a": 1}',
            b'{"n": 1,\n"a": 2}',
            b'{"name":"0","user":"alice"}',
            b'{"name":"1","user":"bob"}',
        ]

    asyncio.run(scenario())


def test_from_the_end_of_what_is_there_at_first_sight_and_never_again(log: Path, state: Path) -> None:
    """What came before is not read, what comes is, with the numbers that its lines have in the file."""

    async def scenario() -> None:
        intake = MemoryIntake()
        append(log, text(0, 30_000) + b"half a li")
        log.with_name("app.log.1.gz").write_bytes(gzip.compress(text(50_000, 50_010)))
        follow = tail(log.parent, begin="end")
        async with running(follow, intake, state):
            await asyncio.sleep(0.3)
            append(log, b"ne\n" + text(30_000, 30_002))
            await intake.until(lambda: len(intake.raw) == 3)
            append(log.with_name("app.log.new"), text(60_000, 60_002))
            await intake.until(lambda: len(intake.raw) == 5)
        assert intake.raw == [b"half a line", *lines(30_000, 30_002), *lines(60_000, 60_002)]
        assert [line for arrival in intake.arrivals for line in arrival.line][:3] == [30_001, 30_002, 30_003]
        append(log, text(30_002, 30_004))
        append(log.with_name("app.log.while-away"), text(70_000, 70_002))
        async with running(follow, intake, state):
            await intake.until(lambda: len(intake.raw) == 9)
            await asyncio.sleep(0.1)
        assert len(intake.raw) == len(intake.distinct) == 9

    asyncio.run(scenario())


def test_from_the_end_where_nothing_was_at_first_sight(log: Path, state: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        async with running(tail(log.parent, begin="end"), intake, state):
            await asyncio.sleep(0.1)
        append(log, text(0, 2))
        async with running(tail(log.parent, begin="end"), intake, state):
            await intake.until(lambda: len(intake.raw) == 2)

    asyncio.run(scenario())


def test_a_file_that_is_begun_anew_while_its_past_is_passed_over_is_read_whole(log: Path, state: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        append(log, text(0, 100_000))
        async with running(tail(log.parent, begin="end"), intake, state):
            await asyncio.sleep(0.05)
            log.write_bytes(text(200_000, 200_003))
            await intake.until(lambda: len(intake.raw) == 3)
        assert intake.raw == lines(200_000, 200_003)

    asyncio.run(scenario())


def test_from_the_end_of_content_with_a_header(log: Path, state: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        append(log, b"time,user\n1,alice\n2,bob\n")
        async with running(tail(log.parent, begin="end", framing="content"), intake, state):
            await asyncio.sleep(0.3)
            append(log, b"3,carol\n4,dave\n")
            await intake.until(lambda: bool(intake.raw))
        assert not any(b"alice" in raw for raw in intake.raw)
        assert any(b"carol" in raw and b"user" in raw for raw in intake.raw)

    asyncio.run(scenario())


def test_links_and_pipes_are_no_files_unless_links_are_asked_for(log: Path, state: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        secret = tmp_path / "shadow"
        secret.write_bytes(b"root\n")
        (log.parent / "app.log.link").symlink_to(secret)
        (log.parent / "app.log.d").symlink_to(tmp_path)
        os.mkfifo(log.parent / "app.log.pipe")
        append(log, b"good\n")
        for symlinks, expected in ((False, {b"good"}), (True, {b"good", b"root"})):
            intake = MemoryIntake()
            patterns = (str(log.parent / "app.log*"), str(log.parent / "*" / "shadow"))
            transport = Tail(files=patterns, poll_seconds=0.02, symlinks=symlinks)
            async with running(transport, intake, state / str(symlinks)):
                await intake.until(lambda: len(intake.raw) == len(expected))  # noqa: B023
                await asyncio.sleep(0.1)
            assert set(intake.raw) == expected

    asyncio.run(scenario())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told_and_tried_again(log: Path, state: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        append(log, b"secret\n")
        log.chmod(0)
        async with running(tail(log.parent), intake, state):
            await intake.until(lambda: "1 files cannot be read: Permission denied" in intake.states)
            log.chmod(0o600)
            await intake.until(lambda: intake.raw == [b"secret"])
            await intake.until(lambda: intake.states[-1] == "")

    asyncio.run(scenario())


def test_a_state_that_is_not_as_it_was_written_is_told(log: Path, state: Path) -> None:
    state.mkdir()
    (state / "files.json").write_bytes(b"[{]")

    async def start() -> None:
        async with running(tail(log.parent), MemoryIntake(), state):
            pass

    with pytest.raises(StoreError, match=r"files.json: not what was written there"):
        asyncio.run(start())


def test_a_thousand_idle_files_cost_little(log: Path, state: Path) -> None:
    async def scenario() -> float:
        intake = MemoryIntake()
        for n in range(1000):
            append(log.with_name(f"app.log.{n}"), text(n, n + 1))
        transport = Tail(files=(str(log.parent / "app.log*"),))
        async with running(transport, intake, state):
            await intake.until(lambda: len(intake.raw) == 1000, 60)
            before = time.process_time()
            await asyncio.sleep(3)
            return (time.process_time() - before) / 3

    assert asyncio.run(scenario()) < 0.15


_PROCESS = """
import asyncio, os, sys, msgspec
from datetime import UTC, datetime
from pathlib import Path
from watchfloor.ingest.inputs.tail import Tail

class Disk:
    async def land(self, arrival):
        pairs = zip(arrival.ordinal, arrival.raw, strict=True)
        with open(sys.argv[2], "ab", buffering=0) as file:
            file.write(b"".join(b"%d %s\\n" % pair for pair in pairs))
        await asyncio.sleep(0.02)
    def drop(self, path, reason, records=1):
        print("dropped", reason, records, flush=True)

async def main():
    tail, state, stop = Tail(files=(sys.argv[1],), poll_seconds=0.01), Path(sys.argv[3]), asyncio.Event()
    await tail.run(Disk(), clock=lambda: datetime.now(UTC), state=state, stop=stop, on_state=print)

asyncio.run(main())
"""


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_lost_and_nothing_has_two_uids(log: Path, state: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    chance = random.Random(7)  # noqa: S311
    written = 0
    command = [sys.executable, "-c", _PROCESS, str(log) + "*", str(taken), str(state)]
    for kill in range(15):
        process = subprocess.Popen(command)  # noqa: S603
        before = taken.stat().st_size
        end = None
        while end is None or time.monotonic() < end:
            append(log, text(written, written + 50))
            written += 50
            if chance.random() < 0.02:
                log.rename(log.with_name(f"app.log.{written}"))
            # Not faster than it can be read while the process starts, however long that takes.
            time.sleep(0.05 if end is None else 0.002)
            if end is None and taken.stat().st_size > before:
                end = time.monotonic() + chance.random() * 0.2
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL, f"ended by itself in round {kill}"
    process = subprocess.Popen(command)  # noqa: S603
    expected = set(lines(0, written))
    for _ in range(120):
        time.sleep(0.5)
        found = [tuple(line.split(b" ", 1)) for line in taken.read_bytes().splitlines()]
        if {raw for _, raw in found} == expected:
            break
    process.kill()
    process.wait()
    assert {raw for _, raw in found} == expected, "lost"
    assert len(found) > len(expected), "no kill fell between landing and remembering: this tests nothing"
    assert len(set(found)) == len(expected), "the same record has two ordinals"


@pytest.mark.parametrize("settings", [{"files": ()}, {"files": ("relative",)}, {"files": ("/a",), "line_bytes": 0}])
def test_settings_that_are_none(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"files|line_bytes"):
        Tail(**settings)


def test_a_log_that_gets_the_number_of_a_compressed_file_that_was_deleted_is_read(log: Path, state: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        packed = log.with_name("app.log.1.gz")
        packed.write_bytes(gzip.compress(text(0, 10)))
        async with running(tail(log.parent), intake, state):
            await intake.until(lambda: intake.raw == lines(0, 10))
            # The file system gives the number of a file that is gone to the next one that is made.
            packed.write_bytes(text(100, 120))
            packed.rename(log)
            await intake.until(lambda: intake.raw == lines(0, 10) + lines(100, 120))
        async with running(tail(log.parent), intake, state):
            append(log, text(120, 125))
            await intake.until(lambda: intake.raw == lines(0, 10) + lines(100, 125))

    asyncio.run(scenario())


def test_such_a_log_is_read_also_when_it_came_while_nobody_looked(log: Path, state: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        packed = log.with_name("app.log.1.gz")
        packed.write_bytes(gzip.compress(text(0, 10)))
        async with running(tail(log.parent), intake, state):
            await intake.until(lambda: intake.raw == lines(0, 10))
        async with running(tail(log.parent), intake, state):
            await asyncio.sleep(0.2)
        packed.write_bytes(text(100, 120))
        packed.rename(log)
        async with running(tail(log.parent), intake, state):
            await intake.until(lambda: intake.raw == lines(0, 10) + lines(100, 120))

    asyncio.run(scenario())
