"""A real server over a real landing zone, in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from watchfloor.clock import system_clock
from watchfloor.ingest.http.app import application
from watchfloor.ingest.http.body import BodyLimits
from watchfloor.ingest.http.gate import Gate
from watchfloor.ingest.http.server import Listen, bind, serve_http
from watchfloor.ingest.http.tokens import Tokens
from watchfloor.run.intake import GroupCommit
from watchfloor.store.landing import Landing, segments

LIMITS = BodyLimits(request_bytes=1 << 20, plain_bytes=4 << 20, all_bytes=6 << 20, seconds=2, records=5_000)


class Door:
    """A server, and what landed through it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tokens = Tokens(folder / "tokens.json")
        self.token = self.tokens.create("shipper", tenant="acme", source=None, now="")
        self.listener = bind(Listen(port=0))
        self.port = self.listener.getsockname()[1]
        self.intake: GroupCommit
        self.gate: Gate
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        with Landing(self.folder / "landing") as landing:
            self.landing = landing
            self.intake = GroupCommit(landing, system_clock, lambda _segment: None, backlog_bytes=1 << 20)
            self.gate = Gate(self.intake, self.tokens, LIMITS)
            app = application(self.gate, lambda: {"ok": True}, dict)
            serving = asyncio.create_task(serve_http(app, self.listener, None, self._stop))
            self._ready.set()
            await serving
            await self.intake.close()

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def client(self, token: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=10)

    def landed(self) -> list[dict[str, object]]:
        return [row for one in segments(self.folder / "landing") for row in one.read().to_pylist()]

    def raw(self) -> list[object]:
        return [row["raw"] for row in self.landed()]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    one = Door(tmp_path)
    one.start()
    try:
        yield one
    finally:
        one.stop()
