"""What events teach a live run: it is known for the events that follow, and after a kill or a restart."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest

import watchfloor.run.learning
from watchfloor.arrival import Arrival
from watchfloor.clock import system_clock
from watchfloor.identity import Decision, Noted, Person, Term
from watchfloor.run.content import Content
from watchfloor.run.learning import Learning
from watchfloor.run.live import Live
from watchfloor.run.offer import Given, Offer
from watchfloor.run.uncommitted import Knowledge, Stores
from watchfloor.settings import DataFolder
from watchfloor.store.findings import FindingStore
from watchfloor.store.identities import IdentityStore
from watchfloor.store.lake import Lake
from watchfloor.store.landing import Landing, segments
from watchfloor.store.letters import LetterFolder
from watchfloor.store.quality import QualityStore
from watchfloor.testing.events import batch_of

NOW = 1_767_225_600_000
MINUTE = 60_000
LEARNED = ("entity.actor", "entity.host", "time", "ordered_at", "tags")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchfloor.run.learning, "TELL_SECONDS", 0.1)


def sign_in(number: int, *, time: int = NOW, **actor: str) -> bytes:
    return orjson.dumps(
        {
            "uuid": f"uid-{number}",
            "published": f"{time // 1000}",
            "eventType": "user.session.start",
            "displayMessage": "User login to Okta",
            "outcome": {"result": "SUCCESS"},
            "actor": {"type": "User", "displayName": "A", **actor},
            "client": {"ipAddress": "192.0.2.7"},
        }
    )


class Run:
    """A live run over a data folder, which is fed segment by segment."""

    def __init__(self, folder: Path, content: Content, *, workers: int = 0, given: Given | None = None) -> None:
        self.folder = DataFolder(folder)
        self.folder.prepare()
        self.lake = Lake(self.folder.lake)
        self.identities = IdentityStore(self.folder.database)
        self.findings = FindingStore(self.folder.database)
        letters, quality = LetterFolder(self.folder.letters), QualityStore(self.folder.quality)
        stores = Stores(self.folder.landing, self.lake, self.findings, letters, quality)
        learning = Learning(given=given or Given(), store=self.identities)
        known = learning.reference()
        self.live = Live(
            stores,
            content.workers(workers, reference=known, exchange=self.folder.exchange),
            system_clock,
            knowledge=Knowledge(known),
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


@pytest.mark.parametrize("workers", [0, 1])
def test_a_name_that_an_event_gave_is_known_from_then_on_and_after_a_restart(
    tmp_path: Path, content: Content, workers: int
) -> None:
    with running(tmp_path, content, workers=workers) as run:
        run.send(sign_in(1, id="00u1"))
        run.send(sign_in(2, id="00u1", alternateId="alice@example.com"))
        time.sleep(0.5)
        run.send(sign_in(3, id="00u1"))
        actors = {number: row["entity.actor"] for number, row in run.rows().items()}
    assert actors == {"1": "user:okta:00u1", "2": "user:alice@example.com", "3": "user:alice@example.com"}
    with running(tmp_path, content, workers=workers) as run:
        run.send(sign_in(4, id="00u1"))
        assert run.rows()["4"]["entity.actor"] == "user:alice@example.com"


def test_names_of_another_tenant_teach_nothing(tmp_path: Path, content: Content) -> None:
    with running(tmp_path, content) as run:
        run.send(sign_in(2, id="00u1", alternateId="mallory@example.com"), tenant="acme")
        time.sleep(0.5)
        run.send(sign_in(3, id="00u1"))
        assert run.rows()["3"]["entity.actor"] == "user:okta:00u1"


def test_a_directory_that_is_imported_and_a_decision_hold_from_the_next_batch_on(
    tmp_path: Path, content: Content
) -> None:
    with running(tmp_path, content) as run:
        run.send(sign_in(1, id="00u1", alternateId="alice@example.com"))
        person = Person("17", terms=(Term("user:alice@example.com"), Term("user:okta:00u2")))
        run.live.offer(Offer(people=(person,)))
        until(lambda: run.live.worked.taken_over == 1)
        run.send(sign_in(2, id="00u2"), sign_in(3, id="00u1"))
        decision = Decision("split", "user:alice@example.com", "user:okta:00u1", "carol", NOW, "namesakes")
        run.live.offer(Offer(decisions=(decision,)))
        until(lambda: run.live.worked.taken_over == 2)
        run.send(sign_in(4, id="00u1"), sign_in(5, id="00u2"))
        actors = {number: row["entity.actor"] for number, row in run.rows().items()}
    alice = "user:alice@example.com"
    assert [actors[number] for number in "12345"] == [alice, alice, alice, "user:okta:00u1", alice]


def test_hosts_and_devices_are_kept(tmp_path: Path) -> None:
    rows = (
        {"source": "windows_event_log", "device.hostname": "WS-17.corp.example.com"},
        {"source": "crowdstrike", "device.hostname": "ws-17.corp.example.com", "device.uid": "dev1"},
        {"source": "windows_event_log", "user.name": "ws-17$", "user.domain": "CORP"},
    )
    store = IdentityStore(tmp_path / "watchfloor.db")
    learning = Learning(store=store)
    learning.observe(batch_of(*rows))
    learning.keep()
    table = learning.reference().tables["identity"]
    host = "host:ws-17.corp.example.com"
    assert table == {"host:ws-17": host, "host:crowdstrike:dev1": host, r"user:corp\ws-17$": host}
    assert Learning(store=store).reference().tables["identity"] == table
    assert Noted("device", "host:crowdstrike:dev1", host) in store.noted("default")
    store.close()


def test_a_link_is_kept_once_with_when_it_was_seen_last(tmp_path: Path) -> None:
    store = IdentityStore(tmp_path / "watchfloor.db")
    learning = Learning(store=store)
    for at in (NOW, NOW - MINUTE, NOW + MINUTE):
        row = {"source": "okta_system_log", "actor.user.uid": "00u1", "actor.user.email_addr": "a@example.com"}
        learning.observe(batch_of({**row, "time": at, "metadata.uid": f"e{at}"}))
        learning.keep()
    ((link),) = store.links("default")
    assert (link.first, link.last) == (NOW, NOW)
    learning.keep(everything=True)
    ((link),) = store.links("default")
    assert (link.first, link.last, link.count, link.event_uid) == (NOW - MINUTE, NOW + MINUTE, 3, f"e{NOW - MINUTE}")
    store.close()


def test_a_clock_that_is_ahead_is_corrected_in_what_follows_and_after_a_restart(
    tmp_path: Path, content: Content
) -> None:
    hour = 60 * MINUTE
    with running(tmp_path, content) as run:
        for minute in range(8):
            at = NOW + minute * MINUTE
            run.send(sign_in(minute, time=at + hour, id="00u1"), now=at)
        time.sleep(0.5)
        later = NOW + 9 * MINUTE
        run.send(sign_in(20, time=later + hour, id="00u1"), now=later)
        rows = run.rows()
    assert (rows["0"]["time"], rows["0"]["ordered_at"]) == (NOW + hour, NOW)
    assert rows["0"]["tags"] == ["time=future"]
    assert (rows["20"]["time"], rows["20"]["ordered_at"]) == (later + hour, later)
    assert rows["20"]["tags"] == [f"clock.ahead={hour}"]
    with running(tmp_path, content) as run:
        run.send(sign_in(21, time=later + hour + 5000, id="00u1"), now=later + 5000)
        assert run.rows()["21"]["tags"] == [f"clock.ahead={hour}"]
