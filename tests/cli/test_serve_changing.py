"""A platform under load that is changed and killed: each event is there once, with what rules of its time found."""

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from tests.enrich.test_stix import indicator
from tests.run.live_run import sign_in
from tests.run.test_watching import RULE

from watchfloor.catalog import BUILT_IN
from watchfloor.store.findings import FindingStore
from watchfloor.store.lake import Lake
from watchfloor.testing.platform import Platform

pytestmark = pytest.mark.slow

AT_ONCE = 20


class Sender:
    """Sends numbered records as fast as they are taken, and repeats what was not answered."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.acknowledged = 0
        self._thread.start()

    def _run(self) -> None:
        headers = {"Authorization": f"Bearer {self._platform.token}"}
        with httpx.Client(headers=headers) as client:
            while not self._stop.is_set():
                numbers = range(self.acknowledged, self.acknowledged + AT_ONCE)
                body = b"\n".join(sign_in(number, id=f"00u{number % 50}") for number in numbers)
                while not self._taken(client, body):
                    time.sleep(0.1)
                self.acknowledged += AT_ONCE

    def _taken(self, client: httpx.Client, body: bytes) -> bool:
        try:
            return client.post(f"{self._platform.url}/ingest", content=body).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        self._stop.set()
        self._thread.join()
        return self.acknowledged


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def rule(folder: Path, number: int) -> None:
    text = RULE.format(title=f"Rule {number}", number=number, who="A")
    (folder / f"rule{number}.yml").write_text(text)


def feeds(folder: Path) -> None:
    (folder / "people.csv").write_text("id,mail,okta_id\n7,bob@example.com,00u7\n")
    known = indicator(1, "[ipv4-addr:value = '192.0.2.7']", valid_from="2020-01-01T00:00:00Z")
    (folder / "acme.json").write_bytes(orjson.dumps({"type": "bundle", "id": "bundle--1", "objects": [known]}))


def test_what_changes_under_load_loses_and_doubles_nothing(run: Any, tmp_path: Path) -> None:
    user, rules, data = tmp_path / "content", tmp_path / "rules", tmp_path / "data"
    shutil.copytree(BUILT_IN / "sources" / "okta_system_log", user / "sources" / "okta_system_log")
    rules.mkdir()
    rule(rules, 1)
    feeds(tmp_path)
    options = ["--content", str(user)]
    settings = "limits: {commit_seconds: 0.5}"
    with Platform(tmp_path, workers=2, rules=[rules], settings=settings, options=options) as platform:
        platform.wait()
        sender = Sender(platform)

        def taken(times: int) -> None:
            until(lambda: platform.status()["worked"]["taken_over"] >= times)

        rule(rules, 2)
        taken(1)
        (rules / "broken.yml").write_text("title: broken\ndetection: {a: [}\n")
        until(lambda: bool(platform.status()["refused"]))
        assert "broken.yml:2: " in platform.status()["refused"][0]
        assert platform.status()["ok"] is True
        with (user / "sources" / "okta_system_log" / "source.yml").open("a") as file:
            file.write("\n# mended\n")
        (rules / "broken.yml").unlink()
        taken(2)
        assert platform.status()["refused"] == []
        assert run("entity", "import", tmp_path / "people.csv", "--data", data).status == 0
        taken(3)
        assert run("intel", "import", tmp_path / "acme.json", "--data", data).status == 0
        rule(rules, 3)
        time.sleep(3)
        platform.kill()
        platform.start()
        platform.wait()
        token = run("token", "create", "second", "--data", data).out.strip()
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{platform.url}/status", headers=headers).status_code == 200
        rule(rules, 4)
        taken(1)
        before = sender.acknowledged
        until(lambda: sender.acknowledged >= before + 40 * AT_ONCE)
        sent = sender.stop()
        platform.stop()
        assert platform.said().count("not taken over") == 1
    check(platform, sent)


def check(platform: Platform, sent: int) -> None:
    """Each event that was sent is there once, and what rules of its time found in it."""
    rows = [
        row for batch in Lake(platform.data.lake).in_order("default", ["metadata.uid"]) for row in batch.to_pylist()
    ]
    events = Counter(row["metadata.uid"] for row in rows)
    assert events == Counter({f"okta_system_log:uid-{number}": 1 for number in range(sent)})
    with Lake(platform.data.lake).snapshot() as snapshot:
        assert snapshot.rows == sent
    store = FindingStore(platform.data.database)
    found = Counter((one.finding.rule.title, one.finding.event_uids[0]) for one in store.after(0))
    store.close()
    assert all(found["Rule 1", uid] == 1 for uid in events)
    late = f"okta_system_log:uid-{sent - 1}"
    assert [found[f"Rule {number}", late] for number in (1, 2, 3, 4)] == [1, 1, 1, 1]
    assert found["Rule 2", "okta_system_log:uid-0"] == 0
    assert any(title == "Known indicator of an attack" for title, _ in found)
