"""Killed at any moment, polling goes on where it was: nothing is lost, and nothing is two events."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.ingest.poll.conftest import open_for_business
from tests.ingest.poll.vendors import GitHub, Okta

from watchfloor.normalize import Normalizer, load_sources
from watchfloor.store.landing import segments

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("WATCHFLOOR_KILLS", "6"))
ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def _process(url: str, data: Path, kind: str) -> AsyncIterator[asyncio.subprocess.Process]:
    env = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    module = "tests.ingest.poll.polling_process"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, url, str(data), kind, env=env, cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _uids(data: Path, source: str) -> list[str]:
    sources = [one for one in load_sources()[0] if one.name == source]
    folder = data / "landing"
    batches = [segment.read() for segment in segments(folder)] if folder.exists() else []
    events = [Normalizer(sources).process(batch).events for batch in batches]
    return [uid for batch in events for uid in batch.column("metadata.uid").to_pylist()]


async def _until(done: Callable[[], bool], every: float = 0.005) -> None:
    # What was logged meanwhile must be caught up with, seven records a page.
    async with asyncio.timeout(90 + 5 * KILLS):
        while not done():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(every)


@pytest.mark.parametrize("kind", ["okta", "github"])
def test_kills_at_random_moments_lose_and_double_nothing(kind: str, tmp_path: Path) -> None:
    chance = random.Random(11)  # noqa: S311 - moments, not secrets
    vendor: Okta | GitHub = Okta() if kind == "okta" else GitHub()
    vendor.page = 7
    source = "okta_system_log" if kind == "okta" else "github_audit"
    logged: list[str] = []

    async def log() -> None:
        while True:
            late = timedelta(seconds=chance.choice([0, 0, 0, 60, 300]))
            logged.append(vendor.log(datetime.now(UTC) - late))
            await asyncio.sleep(0.25)

    async def scenario() -> None:
        before = datetime.now(UTC) - timedelta(hours=1)
        logged.extend(vendor.log(before + timedelta(seconds=number)) for number in range(100))
        async with open_for_business(vendor) as peer:
            logging = asyncio.create_task(log())
            # How long a process takes until it asks differs from machine to machine: moments count from there.
            for _ in range(KILLS):
                asked = len(peer.asked)
                async with _process(peer.url, tmp_path, kind):
                    await _until(lambda asked=asked: len(peer.asked) > asked)  # type: ignore[misc]
                    await asyncio.sleep(chance.uniform(0, 0.3))
            logging.cancel()
            asked = len(peer.asked)
            async with _process(peer.url, tmp_path, kind) as process:
                # All may be there before it has begun, and what has not begun cannot end well.
                await _until(lambda: len(peer.asked) > asked)
                await _until(lambda: len(set(_uids(tmp_path, source))) >= len(logged), every=0.5)
                process.terminate()
                assert await process.wait() == 0

    asyncio.run(scenario())
    assert set(_uids(tmp_path, source)) == {f"{source}:{one}" for one in logged}
