"""A live run in this process, over a data folder, which is fed segment by segment."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import orjson

from watchfloor.arrival import Arrival
from watchfloor.clock import system_clock
from watchfloor.run.content import Content
from watchfloor.run.knowledge import given_of
from watchfloor.run.learning import Learning
from watchfloor.run.live import Live
from watchfloor.run.uncommitted import Knowledge, Stores
from watchfloor.settings import DataFolder
from watchfloor.store.findings import FindingStore
from watchfloor.store.identities import IdentityStore
from watchfloor.store.lake import Lake
from watchfloor.store.landing import Landing, segments
from watchfloor.store.letters import LetterFolder
from watchfloor.store.quality import QualityStore

NOW = 1_767_225_600_000
LEARNED = ("entity.actor", "entity.host", "time", "ordered_at", "tags")


def sign_in(number: int, *, time: int = NOW, kind: str = "user.session.start", **actor: str) -> bytes:
    return orjson.dumps(
        {
            "uuid": f"uid-{number}",
            "published": f"{time // 1000}",
            "eventType": kind,
            "displayMessage": "User login to Okta",
            "outcome": {"result": "SUCCESS"},
            "actor": {"type": "User", "displayName": "A", **actor},
            "client": {"ipAddress": "192.0.2.7"},
        }
    )


class Run:
    """A live run over a data folder, which is fed segment by segment."""

    def __init__(self, folder: Path, content: Content, *, workers: int = 0) -> None:
        self.folder = DataFolder(folder)
        self.folder.prepare()
        self.lake = Lake(self.folder.lake)
        self.identities = IdentityStore(self.folder.database)
        self.findings = FindingStore(self.folder.database)
        letters, quality = LetterFolder(self.folder.letters), QualityStore(self.folder.quality)
        stores = Stores(self.folder.landing, self.lake, self.findings, letters, quality)
        learning = Learning(given=given_of(self.folder, content, "default"), store=self.identities)
        known = learning.reference()
        self.live = Live(
            stores,
            content.workers(workers, reference=known, exchange=self.folder.exchange),
            system_clock,
            knowledge=Knowledge(known, keyed=content.keyed),
            learning=learning,
            commit_seconds=0.2,
        )
        self._sent = 0
        self._landing = Landing(self.folder.landing)

    def send(self, *raw: bytes, tenant: str = "default", now: int = NOW, source: str | None = None) -> None:
        """Land records and wait until they are in the lake."""
        arrival = Arrival(tenant, "http/test", raw, range(1, len(raw) + 1), [0] * len(raw), source)
        self._landing.write([arrival], now=now)
        self.live.notify(list(segments(self.folder.landing))[-1])
        self._sent += len(raw)
        until(lambda: self.live.worked.committed >= self._sent)

    def rows(self) -> dict[str, dict[str, Any]]:
        columns = ("metadata.uid", *LEARNED)
        found = [row for batch in self.lake.in_order("default", columns) for row in batch.to_pylist()]
        return {row["metadata.uid"].rpartition("-")[2]: row for row in found}

    def close(self) -> None:
        self._landing.__exit__()
        self.findings.close()
        self.identities.close()


@contextmanager
def running(*args: Any, **more: Any) -> Iterator[Run]:
    run = Run(*args, **more)
    thread = Thread(target=run.live.run)
    thread.start()
    try:
        yield run
    finally:
        run.live.stop()
        thread.join()
        run.close()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
