"""A process that polls into a landing zone until it is told to stop, or killed: URL, data folder, kind of vendor."""

import asyncio
import signal
import sys
from pathlib import Path

from tests.ingest.poll.conftest import github, okta

from watchfloor.clock import system_clock
from watchfloor.run.intake import GroupCommit
from watchfloor.store.landing import Landing


async def _main(url: str, data: Path, kind: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    poll = okta(url, lookback="2h") if kind == "okta" else github(url, lookback="2h")
    with Landing(data / "landing") as landing:
        intake = GroupCommit(landing, system_clock, lambda _segment: None)
        await poll.run(intake, clock=system_clock, state=data / "state", stop=stop, on_state=lambda *_: None)
        await intake.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
