"""Runs inputs side by side: one that fails is started again, and harms no other."""

import asyncio
import hashlib
from collections.abc import MutableMapping, Sequence
from pathlib import Path

from watchfloor.arrival import Intake
from watchfloor.clock import Clock
from watchfloor.errors import WatchfloorError
from watchfloor.ingest.inputs import Input

RESTART_SECONDS = 5.0


async def inputs(
    several: Sequence[Input],
    intake: Intake,
    hindered: MutableMapping[str, str],
    state: Path,
    *,
    clock: Clock,
    stop: asyncio.Event,
) -> None:
    """Run inputs until ``stop`` is set and all of them have finished what they read.

    ``hindered`` says by path what hinders one.

    Raises:
        InputError: The settings of one cannot work.
        StoreError: The state of one cannot be read or written.
    """
    async with asyncio.TaskGroup() as group:
        for one in several:
            group.create_task(_run(one, intake, hindered, state / folder_name(one), clock=clock, stop=stop))


async def _run(
    one: Input, intake: Intake, hindered: MutableMapping[str, str], state: Path, *, clock: Clock, stop: asyncio.Event
) -> None:
    def tell(path: str, hindered_by: str) -> None:
        if hindered_by:
            hindered[path] = hindered_by
        else:
            hindered.pop(path, None)

    while not stop.is_set():
        try:
            await one.run(intake, clock=clock, state=state, stop=stop, on_state=tell)
        except WatchfloorError:
            raise
        except Exception as error:  # noqa: BLE001 - an edge: what one input does not foresee must not end the others
            # The text of an error that nobody foresaw may hold what a sender chose.
            tell(one.path, f"failed: {type(error).__name__}; it starts again")
            await _pause(stop)
        else:
            return


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(RESTART_SECONDS):
            await stop.wait()
    except TimeoutError:
        pass


def folder_name(one: Input) -> str:
    """The name of an input's folder: the same as long as it reads the same."""
    return f"{type(one).__name__.lower()}-{hashlib.sha256(one.path.encode()).hexdigest()[:16]}"
