"""Load for a live platform: simulated days over and over, each record new, and what senders see of it."""

import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import msgspec
import orjson

from watchfloor.clock import system_clock
from watchfloor.ingest import read
from watchfloor.normalize import Normalizer, load_sources
from watchfloor.simulate import write_day

MARK = b"73194682"
"""Stands in each record where another round puts its own number, in the vendor's id if there is one."""
_NUMBER = re.compile(rb'"EventRecordID": ?\d+')
_DAY = date(2026, 3, 17)
_AT_ONCE = 500
_WITNESS = "user.mfa.factor.reset_all"
"""An event that a built-in rule is true of: its finding shows when it was found."""

Mix = dict[str, int]
"""Records by source."""


class Load(msgspec.Struct, frozen=True):
    """Records to send, in bodies of :data:`_AT_ONCE`, and of which sources they are."""

    bodies: list[bytes]
    records: list[bytes]
    mix: Mix

    def round(self, number: int) -> Iterator[tuple[bytes, int]]:
        """The bodies of a round with the number of their records; each record is unlike those of all other rounds."""
        mark = f"{number:08}".encode()
        for body in self.bodies:
            yield body.replace(MARK, mark), body.count(b"\n") + 1


def load(folder: Path, records: int) -> Load:
    """Simulated days of several companies, until there are so many records."""
    sources = load_sources()[0]
    normalizer = Normalizer(sources)
    made: list[bytes] = []
    mix: Mix = {}
    seed = 0
    while len(made) < records:
        seed += 1
        logs = write_day(folder / f"{seed}", seed=seed, day=_DAY).logs
        for batch in read([logs], tenant="bench", clock=system_clock, on_dead_letter=lambda _letter: None):
            events = normalizer.process(batch).events
            columns = (events.column(name).to_pylist() for name in ("raw", "source", "metadata.uid"))
            for raw, source, uid in zip(*columns, strict=True):
                if MARK not in raw:
                    made.append(_marked(raw, uid.partition(":")[2].encode()))
                    mix[source] = mix.get(source, 0) + 1
    # Products deliver side by side: a body holds what several of them wrote.
    mixed = [made[at] for start in range(_AT_ONCE) for at in range(start, len(made), _AT_ONCE)]
    bodies = [b"\n".join(mixed[at : at + _AT_ONCE]) for at in range(0, len(mixed), _AT_ONCE)]
    return Load(bodies, mixed, dict(sorted(mix.items())))


def _marked(raw: bytes, uid: bytes) -> bytes:
    """The record with a mark in its vendor's id, which is the whole uid or a record's number in its log."""
    if uid in raw:
        return raw.replace(uid, uid + MARK)
    return _NUMBER.sub(rb"\g<0>" + MARK, raw, count=1)


def witness(number: int) -> bytes:
    """A record that a rule is true of, unlike all others."""
    return orjson.dumps(
        {
            "uuid": f"witness-{number}",
            "published": "2026-03-17T12:00:00Z",
            "eventType": _WITNESS,
            "actor": {"id": "00u1", "type": "User", "alternateId": "alice@example.com"},
            "outcome": {"result": "SUCCESS"},
        }
    )


class Sender:
    """Delivers to a platform over connections that stay open, as many as there are threads."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token
        self.busy = 0
        """How often it was told to wait."""

    def send_all(self, bodies: Iterator[tuple[bytes, int]], *, threads: int) -> None:
        """Send everything, as fast as it is taken."""
        lock = threading.Lock()

        def run() -> None:
            with self._poster() as post:
                while True:
                    with lock:
                        body = next(bodies, None)
                    if body is None:
                        return
                    post(body[0])

        _side_by_side([run] * threads)

    def send_at(self, rate: float, bodies: Sequence[tuple[bytes, int]], *, threads: int) -> list[float]:
        """Send at so many records a second, whether the platform keeps up or not; seconds until each was answered.

        The time counts from when a body was due: a platform that stalls does not make its senders measure less.
        """
        began = time.monotonic()
        due = began
        waiting: list[tuple[float, bytes]] = []
        for body, count in bodies:
            waiting.append((due, body))
            due += count / rate
        waiting.reverse()
        took: list[float] = []
        lock = threading.Lock()

        def run() -> None:
            with self._poster() as post:
                while True:
                    with lock:
                        if not waiting:
                            return
                        when, body = waiting.pop()
                    time.sleep(max(when - time.monotonic(), 0))
                    post(body)
                    took.append(time.monotonic() - when)

        _side_by_side([run] * threads)
        return took

    @contextmanager
    def _poster(self) -> Iterator[Callable[[bytes], None]]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        headers = {"Authorization": f"Bearer {self._token}"}

        def post(body: bytes) -> None:
            while True:
                connection.request("POST", "/ingest", body, headers)
                response = connection.getresponse()
                response.read()
                if response.status == 200:
                    return
                self.busy += 1
                time.sleep(0.2)

        with closing(connection):
            yield post


def _side_by_side(runs: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=run) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
