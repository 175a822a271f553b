"""Polling as a live run does it: an input runs against a vendor until what was expected has landed."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.ingest.poll.peer import Peer, listening
from tests.ingest.poll.vendors import Google, Vendor

from watchfloor.clock import Clock, system_clock
from watchfloor.ingest.inputs.poll.poll import Poll
from watchfloor.testing.inputs import MemoryIntake


class Run:
    """One input that is running."""

    def __init__(self, state: Path) -> None:
        self.taken = MemoryIntake()
        self.state = state

    @property
    def states(self) -> list[str]:
        return self.taken.states

    def ids(self, key: str = "uuid") -> list[str]:
        return [orjson.loads(raw)[key] for raw in self.taken.raw]

    @asynccontextmanager
    async def of(self, poll: Poll, clock: Clock = system_clock) -> AsyncIterator["Run"]:
        stop = asyncio.Event()
        work = poll.run(self.taken, clock=clock, state=self.state, stop=stop, on_state=self.taken.on_state)
        task = asyncio.create_task(work)
        try:
            yield self
        finally:
            stop.set()
            await asyncio.wait_for(task, 10)

    async def until(self, done: Callable[[], bool]) -> None:
        await self.taken.until(done, patience=15)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "state")


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("okta", "github"):
        monkeypatch.setenv(f"POLL_{name.upper()}", f"token-of-{name}")
    monkeypatch.setenv("POLL_CLIENT", "secret-of-client")


@asynccontextmanager
async def open_for_business(vendor: Vendor) -> AsyncIterator[Peer]:
    async with listening(vendor) as peer:
        vendor.url = peer.url
        yield peer


def okta(url: str, **more: Any) -> Poll:
    settings = {"url": url, "token": {"env": "POLL_OKTA"}}
    return Poll(source="okta_system_log", settings=settings, private=True, **({"every": "1s"} | more))


def m365(url: str, *kinds: str, **more: Any) -> Poll:
    settings = {
        "tenant_id": "00000000-0000-4000-8000-0000000000ff",
        "client_id": "client",
        "client_secret": {"env": "POLL_CLIENT"},
        "api": url,
        "login": url,
        "content_types": kinds or ["Audit.General"],
    }
    return Poll(source="m365_unified_audit", settings=settings, private=True, **({"every": "1s"} | more))


def github(url: str, **more: Any) -> Poll:
    settings = {"org": "example", "api": url, "token": {"env": "POLL_GITHUB"}}
    return Poll(source="github_audit", settings=settings, private=True, **({"every": "1s"} | more))


def graph(url: str, **more: Any) -> Poll:
    settings = {
        "tenant_id": "00000000-0000-4000-8000-0000000000ff",
        "client_id": "client",
        "client_secret": {"env": "POLL_CLIENT"},
        "api": url,
        "login": url,
    }
    return Poll(source="azure_monitor", settings=settings, private=True, **({"every": "1s"} | more))


def google(url: str, vendor: Google, **settings: Any) -> Poll:
    os.environ["POLL_GOOGLE"] = vendor.key_file
    known = {"key": {"env": "POLL_GOOGLE"}, "admin": "admin@example.com", "api": url, "token_url": f"{url}/token"}
    return Poll(source="google_workspace", settings=known | settings, private=True, every="1s")


def crowdstrike(url: str) -> Poll:
    settings = {"client_id": "client", "client_secret": {"env": "POLL_CLIENT"}, "api": url}
    return Poll(source="crowdstrike", settings=settings, private=True, every="1s")
