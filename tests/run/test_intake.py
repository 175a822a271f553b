"""Whoever delivers is told what became of it, whatever happens to the disk or to others."""

import asyncio
from pathlib import Path

import pytest

from watchfloor.arrival import Arrival
from watchfloor.clock import system_clock
from watchfloor.errors import StoreError
from watchfloor.run.intake import GroupCommit
from watchfloor.store.landing import Landing, segments


def arrival(raw: bytes, path: str = "http/x") -> Arrival:
    return Arrival("default", path, [raw], [1], [0])


def test_what_cannot_be_written_is_told_to_its_sender_and_the_next_one_lands(tmp_path: Path) -> None:
    async def scenario() -> str:
        with Landing(tmp_path) as landing:
            intake = GroupCommit(landing, system_clock, lambda _segment: None)
            async with asyncio.timeout(5):
                # No text that any file can hold: nobody foresaw a transport that gives it.
                with pytest.raises(StoreError, match="cannot be written: UnicodeEncodeError"):
                    await intake.land(arrival(b"1", path="\udcff"))
                trouble = intake.trouble
                await intake.land(arrival(b"2"))
            await intake.close()
            assert not intake.trouble
            return trouble

    assert asyncio.run(scenario()) == "cannot be written: UnicodeEncodeError"
    assert [raw for one in segments(tmp_path) for raw in one.read().column("raw").to_pylist()] == [b"2"]


def test_what_was_under_way_at_the_end_lands(tmp_path: Path) -> None:
    async def scenario() -> None:
        with Landing(tmp_path) as landing:
            intake = GroupCommit(landing, system_clock, lambda _segment: None, window=60)
            waiting = asyncio.create_task(intake.land(arrival(b"1")))
            await asyncio.sleep(0)
            await intake.close()
            await waiting

    asyncio.run(asyncio.wait_for(scenario(), 5))
    assert len(list(segments(tmp_path))) == 1
