"""``source``: what can be polled, whether the credentials do, and what is past."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Run
from tests.ingest.poll.peer import Peer, Said, listening
from tests.ingest.poll.vendors import Microsoft365, Okta, Vendor

from watchfloor.settings import DataFolder
from watchfloor.store.lake import Lake
from watchfloor.store.landing import segments

ROOT = Path(__file__).parents[2]
SECRET = "token-of-okta"  # noqa: S105 - the vendor's of these tests


@contextmanager
def _open(vendor: Vendor) -> Iterator[Peer]:
    """A vendor that answers from a thread of its own."""
    ready, peers, loop = threading.Event(), list[Peer](), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with listening(vendor) as peer:
            vendor.url = peer.url
            peers.append(peer)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield peers[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKTA_TOKEN", SECRET)
    monkeypatch.setenv("CLIENT_SECRET", "secret-of-client")


def _config(folder: Path, *inputs: dict[str, object]) -> Path:
    path = folder / "serve.yml"
    path.write_bytes(
        orjson.dumps({"inputs": [{"kind": "poll", "private": True, "every": "1s"} | one for one in inputs]})
    )
    return path


def _okta(url: str) -> dict[str, object]:
    return {"source": "okta_system_log", "settings": {"url": url, "token": {"env": "OKTA_TOKEN"}}}


def _landed(data: Path) -> list[str]:
    found = segments(data / "landing")
    return [orjson.loads(raw)["uuid"] for one in found for raw in one.read().column("raw").to_pylist()]


def test_list_says_which_sources_can_be_polled(run: Run) -> None:
    ran = run("source", "list")
    assert ran.status == 0
    lines = {line.split()[0]: line for line in ran.out.splitlines()}
    assert "Okta System Log API" in lines["okta_system_log"]
    assert "zeek" in lines


def test_credentials_that_do_are_said_to(run: Run, tmp_path: Path) -> None:
    with _open(Okta()) as peer:
        ran = run("source", "test", "okta_system_log", "--config", _config(tmp_path, _okta(peer.url)))
    assert ran.status == 0, ran.err
    assert [line.split() for line in ran.out.splitlines()][-1] == ["okta.logs.read", "ok"]
    assert SECRET not in ran.out + ran.err


def test_what_is_missing_is_named_with_how_to_grant_it(run: Run, tmp_path: Path) -> None:
    vendor = Microsoft365()
    vendor.started.add("Audit.General")
    kinds = ["Audit.General", "Audit.Exchange", "DLP.All"]
    ids = {"tenant_id": vendor.TENANT, "client_id": "client", "client_secret": {"env": "CLIENT_SECRET"}}
    with _open(vendor) as peer:
        settings = ids | {"api": peer.url, "login": peer.url, "content_types": kinds}
        config = _config(tmp_path, {"source": "m365_unified_audit", "settings": settings})
        ran = run("source", "test", "m365_unified_audit", "--config", config)
    assert ran.status == 1
    states = {line.split("  ")[0]: line for line in ran.out.splitlines()}
    assert " ok " in states["ActivityFeed.Read"]
    assert " ok " in states["content Audit.General"]
    # It has no subscription yet, which the credentials may start.
    assert " ok " in states["content Audit.Exchange"]
    assert " missing " in states["content DLP.All"]
    assert "ActivityFeed.ReadDlp" in ran.out
    assert "AF10001" in ran.out
    assert "1 of its permissions missing" in ran.err


def test_wrong_credentials_and_nobody_there_are_told_apart(run: Run, tmp_path: Path) -> None:
    vendor = Okta()
    vendor.proof = "SSWS another"
    with _open(vendor) as peer:
        config = _config(tmp_path, _okta(peer.url))
        wrong = run("source", "test", "okta_system_log", "--config", config)
    nobody = run("source", "test", "okta_system_log", "--config", config)
    assert (wrong.status, nobody.status) == (1, 1)
    assert " missing " in wrong.out
    assert "Invalid token provided" in wrong.out
    assert " unknown " in nobody.out
    assert SECRET not in wrong.out + wrong.err + nobody.out + nobody.err


def test_settings_may_be_given_and_a_secret_among_them_is_refused_untold(run: Run) -> None:
    given = ("source", "test", "okta_system_log", "--setting", "url=https://example.okta.com", "--setting")
    for wrong in (f"token={SECRET}", SECRET, f"tokken={SECRET}"):
        ran = run(*given, wrong)
        assert ran.status == 2
        assert SECRET not in ran.out + ran.err
    inside = run(
        "source", "test", "okta_system_log", "--setting", "url=http://127.0.0.1:9", "--setting", "token=env:OKTA_TOKEN"
    )
    assert inside.status == 1
    assert "private address" in inside.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["test", "zeek"], "zeek: no source that can be polled; there are azure_monitor"),
        (
            ["test", "okta_system_log"],
            "no configuration; name one with --config, or give --setting NAME=... (url, token)",
        ),
        (["backfill", "okta_system_log", "--since", "yesterday"], "--since: 'yesterday' is no time"),
        (["backfill", "okta_system_log", "--since", "1d", "--until", "2d"], "--since is not before --until"),
    ],
)
def test_arguments_that_give_nothing_are_named(run: Run, tmp_path: Path, arguments: list[str], said: str) -> None:
    ran = run("source", *arguments, "--data", tmp_path / "data")
    assert ran.status == 2
    assert said in ran.err


def _past(count: int) -> tuple[Okta, list[str], datetime]:
    vendor, start = Okta(), datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    vendor.page = 20
    return vendor, [vendor.log(start + timedelta(minutes=10 * number)) for number in range(count)], start


def test_a_time_that_is_past_is_read_window_by_window(run: Run, tmp_path: Path) -> None:
    vendor, logged, start = _past(400)
    until = start + timedelta(minutes=10 * 300)
    with _open(vendor) as peer:
        config = _config(tmp_path, _okta(peer.url))
        times = ("--since", start.isoformat(), "--until", until.isoformat())
        ran = run("source", "backfill", "okta_system_log", *times, "--config", config, "--data", tmp_path / "data")
        asked = len(peer.asked)
        again = run("source", "backfill", "okta_system_log", *times, "--config", config, "--data", tmp_path / "data")
        assert len(peer.asked) == asked
    assert (ran.status, again.status) == (0, 0), ran.err
    assert sorted(_landed(tmp_path / "data")) == sorted(logged[:300])
    assert "Done." in ran.err


@pytest.mark.slow
def test_a_backfill_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    vendor, logged, start = _past(400)
    held = threading.Event()

    def hold(asked: object) -> Said:
        held.set()
        time.sleep(0.2)
        return vendor.answer(asked)  # type: ignore[arg-type]

    vendor.troubles.extend([vendor.answer] * 8 + [hold] * 3)
    with _open(vendor) as peer:
        config = _config(tmp_path, _okta(peer.url))
        times = ["--since", start.isoformat(), "--until", (start + timedelta(days=3)).isoformat()]
        paths = ["--config", str(config), "--data", str(tmp_path / "data")]
        command = [
            sys.executable,
            "-c",
            "from watchfloor.cli import main; main()",
            "source",
            "backfill",
            "okta_system_log",
        ]
        env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        with subprocess.Popen([*command, *times, *paths], env=env, stderr=subprocess.DEVNULL) as process:  # noqa: S603
            assert held.wait(30)
            process.send_signal(signal.SIGKILL)
        before = len(set(_landed(tmp_path / "data")))
        assert 100 < before < 400
        vendor.troubles.clear()
        asked = len(peer.asked)
        subprocess.run([*command, *times, *paths], env=env, check=True, capture_output=True, timeout=60)  # noqa: S603
        # What had landed was not asked for again.
        assert len(peer.asked) - asked <= 400 / 20 + 4 - before / 20
    assert set(_landed(tmp_path / "data")) == set(logged)


@pytest.mark.slow
def test_the_live_platform_fills_beside_its_live_traffic(run: Run, tmp_path: Path) -> None:
    vendor, logged, start = _past(200)
    data = tmp_path / "data"
    with _open(vendor) as peer:
        config = _config(tmp_path, _okta(peer.url))
        command = [sys.executable, "-c", "from watchfloor.cli import main; main()", "serve", "--port", "0"]
        paths = ["--data", str(data), "--config", str(config), "--workers", "0"]
        env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        with subprocess.Popen([*command, *paths], env=env, stderr=subprocess.PIPE) as process:  # noqa: S603
            assert process.stderr is not None
            while b"Serving" not in process.stderr.readline():
                assert process.poll() is None
            times = ("--since", start.isoformat(), "--until", (start + timedelta(days=2)).isoformat())
            ran = run("source", "backfill", "okta_system_log", *times, "--config", config, "--data", data)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        assert ran.status == 0, ran.err
        assert "Done, by the live platform." in ran.err
        asked = [one.query for one in peer.asked]
        assert any("until" in query for query in asked)
        assert any("until" not in query for query in asked)
    with Lake(DataFolder(data).lake).snapshot() as snapshot:
        assert snapshot.rows == len(logged)
