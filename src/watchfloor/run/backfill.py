"""Backfills of an input that polls: by the live platform if it runs, else here."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from watchfloor.clock import Clock
from watchfloor.errors import StoreError
from watchfloor.ingest.inputs.poll.backfill import SHARE, Order, place_order, progress, read_order, work_off
from watchfloor.ingest.inputs.poll.poll import Poll
from watchfloor.run.inputs import folder_name
from watchfloor.run.intake import GroupCommit
from watchfloor.settings import DataFolder
from watchfloor.store.landing import Landing

_LOOK = 0.5

OnProgress = Callable[[float, str], None]
"""Told which part is done, from 0 to 1, and what hinders it, if anything does."""


async def backfill(poll: Poll, order: Order, folder: DataFolder, *, clock: Clock, on_progress: OnProgress) -> bool:
    """Read what a vendor has of a time that is past; whether it was read here, or else by the live platform.

    Whoever is killed goes on when it is asked for the same time again; the live platform, when it runs the next time.

    Raises:
        InputError: The input's settings cannot work.
        StoreError: The data folder cannot be written.
    """
    state = folder.inputs / folder_name(poll)
    place_order(state, order)
    hindrance = ""

    def hindered(text: str) -> None:
        nonlocal hindrance
        hindrance = text

    async with poll.api(clock, share=SHARE) as api:
        readers = poll.readers(api)
        streams = [reader.name for reader in readers]

        def tell() -> None:
            done = read_order(state / order.name) or order
            on_progress(progress(state / order.name, done, streams), hindrance)

        try:
            landing = Landing(folder.landing)
        except StoreError as error:
            if not isinstance(error.__cause__, BlockingIOError):
                raise
            await _elsewhere(state / order.name, tell)
            return False
        with landing:
            intake = GroupCommit(landing, clock, lambda _segment: None)
            telling = asyncio.create_task(_telling(tell))
            try:
                land = poll.landing(intake)
                await work_off(order, readers, land, clock=clock, state=state, on_hindrance=hindered)
            finally:
                telling.cancel()
                await intake.close()
        tell()
        return True


async def _telling(tell: Callable[[], None]) -> None:
    while True:
        tell()
        await asyncio.sleep(_LOOK)


async def _elsewhere(folder: Path, tell: Callable[[], None]) -> None:
    """Watch what the live platform does."""
    while True:
        tell()
        order = read_order(folder)
        if order is None or order.done:
            return
        await asyncio.sleep(_LOOK)
