"""Whole files put into a folder, while it is watched, and across crashes."""

import asyncio
import gzip
import os
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from watchfloor.errors import StoreError
from watchfloor.ingest.inputs.folder import Folder
from watchfloor.testing.evtx_writer import WindowsEvent, evtx
from watchfloor.testing.inputs import MemoryIntake, check_input, running


def watched(folder: Path, **settings: Any) -> Folder:
    folder.mkdir(exist_ok=True)
    return Folder(folder=folder, settled_seconds=settings.pop("settled_seconds", 0), poll_seconds=0.02, **settings)


def put(path: Path, data: bytes) -> None:
    """Written beside, and renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    part.write_bytes(data)
    part.rename(path)


class Dropping:
    """Puts each delivery into a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.transport = watched(folder)
        self._folder = folder
        self._count = 0

    async def send(self, records: Sequence[bytes]) -> None:
        # A delivery that repeats another one word for word is the same delivery.
        self._count += 1
        put(self._folder / f"{self._count}.ndjson", b"\n" * self._count + b"".join(one + b"\n" for one in records))

    async def acknowledged(self) -> int | None:
        return None


def test_the_laws_of_inputs(tmp_path: Path) -> None:
    asyncio.run(check_input(Dropping(tmp_path / "drop"), tmp_path / "state"))


def test_any_framing_compression_and_archive(tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        drop = tmp_path / "drop"
        async with running(watched(drop, tenant="acme", source="aws_cloudtrail"), intake, tmp_path / "state"):
            put(drop / "a.json.gz", gzip.compress(b'{"Records": [{"n": 1}, {"n": 2}]}'))
            put(drop / "below" / "b.csv", b"name,user\n3,alice\n")
            with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
                archive.writestr("inner.ndjson", b'{"n": 4}\n{"n": \n')
            shutil.move(tmp_path / "c.zip", drop / "c.zip")
            await intake.until(lambda: len(intake.raw) == 5)
        assert set(intake.raw) == {b'{"n": 1}', b'{"n": 2}', b'{"name":"3","user":"alice"}', b'{"n": 4}', b'{"n":'}
        assert {arrival.path for arrival in intake.arrivals} == {
            f"{drop}/a.json.gz",
            f"{drop}/below/b.csv",
            f"{drop}/c.zip!inner.ndjson",
        }
        assert {(arrival.tenant, arrival.source) for arrival in intake.arrivals} == {("acme", "aws_cloudtrail")}
        (first,) = (arrival for arrival in intake.arrivals if arrival.path.endswith("a.json.gz"))
        assert first.index == [0, 1]

    asyncio.run(scenario())


def logon(user: str) -> WindowsEvent:
    return WindowsEvent(
        provider="Microsoft-Windows-Security-Auditing",
        provider_guid=UUID("54849625-5478-4994-a5ba-3e3b0328c30d"),
        event_id=4624,
        version=2,
        task=12544,
        channel="Security",
        computer="ws-17.example.com",
        time=1_772_366_400_123,
        user_sid="S-1-5-18",
        data={"TargetUserName": user, "IpAddress": "192.0.2.7"},
    )


def test_event_logs(tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        drop = tmp_path / "drop"
        async with running(watched(drop), intake, tmp_path / "state"):
            put(drop / "Security.evtx", evtx([logon("alice"), logon("bob")]))
            await intake.until(lambda: len(intake.raw) == 2)
        users = [orjson.loads(raw)["Event"]["EventData"]["TargetUserName"] for raw in intake.raw]
        assert users == ["alice", "bob"]

    asyncio.run(scenario())


def test_a_file_that_is_still_being_written_waits_and_what_programs_hide_is_left_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        drop = tmp_path / "drop"
        async with running(watched(drop, settled_seconds=0.4), intake, tmp_path / "state"):
            for name in (".hidden", "b.part", "c.tmp"):
                (drop / name).write_bytes(b"hidden")
            (drop / "link").symlink_to("/etc/passwd")
            with (drop / "slow.txt").open("wb", buffering=0) as file:
                for n in range(8):
                    file.write(b"%d " % n)
                    await asyncio.sleep(0.1)
            await intake.until(lambda: bool(intake.raw))
            await asyncio.sleep(0.5)
        assert intake.raw == [b"0 1 2 3 4 5 6 7 "]

    asyncio.run(scenario())


def test_read_once_and_again_only_when_it_was_changed_and_the_same_content_has_the_same_uids(tmp_path: Path) -> None:
    async def scenario() -> None:
        drop, state = tmp_path / "drop", tmp_path / "state"
        uids: set[str] = set()
        content = b'{"n": 1}\n{"n": 1}\n'
        for turn, (name, data, fresh) in enumerate(
            [("a", content, 2), ("a", None, 0), ("b", content, 0), ("a", content + b"\n", 2)]
        ):
            intake = MemoryIntake()
            async with running(watched(drop), intake, state):
                if data:
                    put(drop / name, data)
                await asyncio.sleep(0.3)
            assert len(set(intake.distinct) - uids) == fresh, turn
            uids |= set(intake.distinct)

    asyncio.run(scenario())


def test_an_end_in_the_middle_of_a_file_goes_on_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        drop, state = tmp_path / "drop", tmp_path / "state"
        watched(drop)
        records = [b'{"n": %d, "pad": "%s"}' % (n, b"a" * 1000) for n in range(20_000)]
        put(drop / "large.json", b"\n".join(records))
        uids: dict[str, bytes] = {}
        taken = 0
        for turn in range(100):
            intake = MemoryIntake()
            async with running(watched(drop), intake, state):
                await intake.until(lambda: bool(intake.arrivals) or turn > 30)  # noqa: B023
            uids |= intake.distinct
            taken += len(intake.raw)
            if len(uids) == len(records):
                break
        assert list(uids.values()) == records
        assert taken == len(records), "what had landed lands again"
        assert turn > 1

    asyncio.run(scenario())


def test_what_cannot_be_read_is_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        intake = MemoryIntake()
        drop = tmp_path / "drop"
        async with running(watched(drop), intake, tmp_path / "state"):
            put(drop / "a.gz", gzip.compress(os.urandom(1000).hex().encode())[:-300])
            put(drop / "b", b"")
            put(drop / "c", b'{"n": 1}')
            await intake.until(lambda: b'{"n": 1}' in intake.raw)
            shutil.rmtree(drop)
            await intake.until(lambda: any("cannot be read: No such file" in text for text in intake.states))
            put(drop / "d", b'{"n": 2}')
            await intake.until(lambda: intake.raw[-1] == b'{"n": 2}' and intake.states[-1] == "")
        assert intake.dropped == {"empty file": 1, "gzip data is cut off": 1}

    asyncio.run(scenario())


def test_a_state_that_is_not_as_it_was_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "files.json").write_bytes(b"[1]")

    async def start() -> None:
        async with running(watched(tmp_path / "drop"), MemoryIntake(), tmp_path):
            pass

    with pytest.raises(StoreError, match=r"files.json: not what was written there"):
        asyncio.run(start())


def test_settings_that_are_none() -> None:
    with pytest.raises(ValueError, match="begins with /"):
        Folder(folder=Path("relative"))
    with pytest.raises(ValueError, match="settled_seconds"):
        Folder(folder=Path("/a"), poll_seconds=0)
