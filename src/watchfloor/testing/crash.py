"""The law of a live platform: what it acknowledged is there, once, however often it was killed.

Senders deliver numbered records under load and repeat what was not answered, as real ones do, while the platform is
killed at random moments and started again. In the end each record that was acknowledged must be in the lake once, with
the finding of the rule that is true of it once.
"""

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import orjson
import pyarrow.parquet as pq

from watchfloor.run.uncommitted import STREAM
from watchfloor.settings import DataFolder
from watchfloor.store.findings import FindingStore
from watchfloor.store.lake import Lake
from watchfloor.store.landing import segments
from watchfloor.testing.platform import Platform

_EVERY = 10
"""One of so many records is true of :data:`RULE`."""
RULE = "3b1a4d0e-6f1b-4c8e-9d39-0c7f4a1f9e55"
_RULE = f"""
title: A numbered record that counts
id: {RULE}
status: test
level: medium
logsource: {{product: okta, service: okta}}
detection:
    selection: {{eventtype: user.mfa.factor.deactivate}}
    condition: selection
"""
_SETTINGS = "limits: {commit_seconds: 0.4}\n"
_LOAD_SECONDS = 3.0
_SETTLE_SECONDS = 120


class Tally(msgspec.Struct):
    """How it ended. ``lost`` and ``doubled`` count records or findings; both must be 0."""

    kills: int = 0
    acknowledged: int = 0
    repeated: int = 0
    events: int = 0
    findings: int = 0
    lost: int = 0
    doubled: int = 0
    findings_lost: int = 0
    findings_doubled: int = 0
    seconds: float = 0.0


def crash(
    folder: Path, *, kills: int, seed: int, senders: int = 3, on_kill: Callable[[int], None] = lambda _done: None
) -> Tally:
    """Kill a platform in ``folder`` so many times under load, at moments that ``seed`` decides, and count."""
    (folder / "rule.yml").write_text(_RULE)
    moments = random.Random(seed)  # noqa: S311 - moments, not secrets
    began = time.monotonic()
    tally = Tally()
    with Platform(folder, rules=[folder / "rule.yml"], settings=_SETTINGS) as platform:
        with _senders(platform, senders) as load:
            start = platform.wait()
            for _ in range(kills):
                # From right at the start, through the work on what the last one left, to under load.
                time.sleep(moments.uniform(0.0, start + _LOAD_SECONDS))
                platform.kill()
                tally.kills += 1
                on_kill(tally.kills)
                platform.start()
            platform.wait()
        _settled(platform)
    tally.acknowledged, tally.repeated = len(load.acknowledged), load.repeated
    _count(platform.data, load.acknowledged, tally)
    tally.seconds = round(time.monotonic() - began, 1)
    return tally


class _Load:
    """Senders, each in a thread of its own, until they are stopped; all of them finish what they began."""

    def __init__(self, token: str, port: int) -> None:
        self._port = port
        self.acknowledged: set[int] = set()
        self.repeated = 0
        self.stopping = threading.Event()
        self._token = token
        self._lock = threading.Lock()
        self._next = 0

    def send(self) -> None:
        while not self.stopping.is_set():
            with self._lock:
                first = self._next
                self._next += 1 + first % 40
                last = self._next
            body = b"\n".join(_record(number) for number in range(first, last))
            while not self._post(body):
                self.repeated += 1
                time.sleep(0.02)
                if self.stopping.is_set():
                    return
            with self._lock:
                self.acknowledged.update(range(first, last))

    def _post(self, body: bytes) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("POST", "/ingest", body, {"Authorization": f"Bearer {self._token}"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _record(number: int) -> bytes:
    kind = "user.mfa.factor.deactivate" if number % _EVERY == 0 else "user.session.start"
    return orjson.dumps(
        {
            "uuid": f"n-{number}",
            "published": "2026-01-01T00:00:00Z",
            "eventType": kind,
            "displayMessage": "x" * (number % 200),
            "actor": {"id": "00u1", "type": "User", "alternateId": "alice@example.com"},
            "client": {"ipAddress": "192.0.2.7"},
            "outcome": {"result": "SUCCESS"},
        }
    )


@contextmanager
def _senders(platform: Platform, count: int) -> Iterator[_Load]:
    load = _Load(platform.token, platform.port)
    threads = [threading.Thread(target=load.send) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stopping.set()
        for thread in threads:
            thread.join()


def _settled(platform: Platform) -> None:
    """Wait until all that landed is in the lake, and let the platform end."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    lake = Lake(platform.data.lake)
    while list(segments(platform.data.landing, after=lake.upto(STREAM) or 0)) and time.monotonic() < deadline:
        time.sleep(0.2)
    platform.stop()


def _count(data: DataFolder, acknowledged: set[int], tally: Tally) -> None:
    rows: Counter[int] = Counter()
    with Lake(data.lake).snapshot() as snapshot:
        for path in snapshot.paths:
            with pq.ParquetFile(path) as file:
                for uid in file.read(columns=["metadata.uid"]).column(0).to_pylist():
                    rows[_number(uid)] += 1
    store = FindingStore(data.database)
    findings = Counter(_number(one.finding.event_uids[0]) for one in store.after(0) if one.finding.rule.id == RULE)
    store.close()
    counting = {number for number in rows if number % _EVERY == 0}
    tally.events, tally.findings = rows.total(), findings.total()
    tally.lost = len(acknowledged - rows.keys())
    tally.doubled = sum(count - 1 for count in rows.values())
    tally.findings_lost = len(counting - findings.keys())
    tally.findings_doubled = sum(count - 1 for count in findings.values())


def _number(uid: str) -> int:
    return int(uid.rpartition("n-")[2])
