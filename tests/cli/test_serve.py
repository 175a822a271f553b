"""A platform as its users have it: a process of its own, a token, records over the network, findings out."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import yaml
from tests.enrich.test_stix import indicator
from tests.ingest.test_taxii import Server, server

from watchfloor.catalog import BUILT_IN
from watchfloor.run.serve import serving_of
from watchfloor.settings import DataFolder
from watchfloor.store.lake import Lake
from watchfloor.testing.platform import Platform, free_port

pytestmark = pytest.mark.slow
__all__ = ["server"]

ROOT = Path(__file__).parents[2]
RESET = {
    "uuid": "one",
    "published": "2026-01-01T00:00:00Z",
    "eventType": "user.mfa.factor.reset_all",
    "displayMessage": "Reset all factors",
    "actor": {"id": "00u1", "type": "User", "alternateId": "alice@example.com"},
    "client": {"ipAddress": "192.0.2.7"},
    "outcome": {"result": "SUCCESS"},
}


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with Platform(tmp_path) as one:
        one.wait()
        yield one


def test_from_a_token_to_a_finding(run: Any, platform: Platform, tmp_path: Path) -> None:
    data = tmp_path / "data"
    token = run("token", "create", "shipper", "--source", "okta_system_log", "--data", data).out.strip()
    headers = {"Authorization": f"Bearer {token}"}
    told = httpx.post(f"{platform.url}/ingest", content=orjson.dumps(RESET) + b"\nno record\n", headers=headers)
    assert told.status_code == 200
    until(lambda: bool(run("findings", "--data", data).lines))
    found = run("findings", "--data", data).lines
    assert found[0]["unmapped"]["event_uids"] == ["okta_system_log:one"]
    status = httpx.get(f"{platform.url}/status", headers=headers).json()
    assert status["ok"] is True
    assert status["worked"]["by_source"] == {"okta_system_log": 1}
    costs = status["cpu_seconds"]["main"]
    assert all(costs[stage] > 0 for stage in ("receive", "frame", "land", "read back", "duplicates", "drift", "other"))
    assert httpx.get(f"{platform.url}/status").status_code == 401
    assert httpx.get(f"{platform.url}/health").json() == {"ok": True, "reasons": []}
    shown = httpx.get(f"{platform.url}/quality", headers=headers)
    assert (shown.status_code, "Data quality" in shown.text) == (200, True)
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")
    assert httpx.get(f"{platform.url}/quality").status_code == 401
    platform.stop()
    assert platform.process.returncode == 0
    assert "Stopped; what was accepted is on disk." in platform.said()
    assert token not in platform.said()
    with Lake(DataFolder(data).lake).snapshot() as snapshot:
        assert snapshot.rows == 1
    told = run("quality", "--data", data).lines
    assert [(one["kind"], one.get("source", one.get("path"))) for one in told] == [
        ("source", "okta_system_log"),
        ("input", "http/shipper"),
    ]
    assert run("quality", "--data", data, "--html", tmp_path / "page.html").status == 0
    assert "okta_system_log" in (tmp_path / "page.html").read_text()


def test_one_platform_serves_a_folder(run: Any, platform: Platform, tmp_path: Path) -> None:
    ran = run("serve", "--data", tmp_path / "data", "--port", "0")
    assert (ran.status, platform.process.poll()) == (2, None)
    assert "another process writes here" in ran.err


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("http: {host: 0.0.0.0, port: 0}", "in the open"),
        ("http: {port: 0, tls: {certificate: nowhere.pem, key: nowhere.pem}}", "nowhere.pem: cannot be used for TLS"),
        ("http: {prot: 1}", "unknown field `prot`"),
        ("inputs: 3", "serve.yml"),
        ("inputs: [{kind: carrier-pigeon}]", "inputs, 1.: Invalid value 'carrier-pigeon'"),
        ("[]", "expected a mapping"),
    ],
)
def test_settings_that_cannot_hold_are_said_in_one_line(run: Any, tmp_path: Path, config: str, reason: str) -> None:
    (tmp_path / "serve.yml").write_text(config)
    ran = run("serve", "--data", tmp_path / "data", "--config", tmp_path / "serve.yml")
    assert ran.status == 2
    assert reason in ran.err.splitlines()[-1]


def test_tokens_are_listed_without_their_text_and_taken_back(run: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    text = run("token", "create", "one", "--data", data).out.strip()
    listed = run("token", "list", "--data", data).out
    assert "one" in listed
    assert text not in listed
    assert "there is a token of this name" in run("token", "create", "one", "--data", data).err
    assert "no source 'none'" in run("token", "create", "two", "--source", "none", "--data", data).err
    assert run("token", "revoke", "one", "--data", data).status == 0
    assert run("token", "list", "--data", data).out.strip() == "No tokens."


def test_the_settings_that_are_shown_are_settings() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "live.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        serving_of(yaml.safe_load(block), place="docs")


def test_inputs_of_the_settings_read_and_one_that_cannot_is_told(run: Any, tmp_path: Path) -> None:
    port = free_port()
    settings = (
        f"inputs:\n  - {{kind: syslog, listen: 'tcp://127.0.0.1:{port}', source: okta_system_log}}\n"
        "  - {kind: syslog, listen: 'tcp://203.0.113.1:1'}\n"
    )
    with Platform(tmp_path, settings=settings) as platform:
        platform.wait()
        until(lambda: bool(platform.status()["hindered"]))
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(orjson.dumps(RESET) + b"\n")
        until(lambda: bool(run("findings", "--data", platform.data.path).lines))
        status = platform.status()
        assert (status["ok"], status["reasons"]) == (False, ["1 of the inputs cannot read"])
        assert list(status["hindered"]) == ["syslog+tcp://203.0.113.1:1"]
        assert httpx.get(f"{platform.url}/health").status_code == 503
        platform.stop()


def test_a_feed_is_read_and_what_it_tells_counts(run: Any, tmp_path: Path, server: Server) -> None:
    known = indicator(1, "[ipv4-addr:value = '192.0.2.7']", valid_from="2020-01-01T00:00:00Z")
    server.respond = lambda *_: (200, {"X-TAXII-Date-Added-Last": "t1"}, orjson.dumps({"objects": [known]}))
    gone = server.url.replace(str(server.http.server_port), str(free_port()))
    settings = f"feeds: [{{name: acme, url: '{server.url}'}}, {{name: gone, url: '{gone}'}}]"
    with Platform(tmp_path, settings=settings) as platform:
        platform.wait()
        until(lambda: platform.status()["worked"]["taken_over"] == 1)
        headers = {"Authorization": f"Bearer {platform.token}"}
        httpx.post(f"{platform.url}/ingest", content=orjson.dumps(RESET), headers=headers)
        until(lambda: any("Known indicator" in str(one) for one in run("findings", "--data", platform.data.path).lines))
        status = platform.status()
        assert status["hindered"]["taxii/gone"].startswith(f"{gone}: cannot be read: ConnectionRefusedError")
        assert status["ok"] is True
        platform.stop()


def test_what_is_known_beforehand_is_known_live(run: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    known = indicator(1, "[ipv4-addr:value = '192.0.2.7']", confidence=85, name="C2")
    (tmp_path / "acme.json").write_bytes(orjson.dumps({"type": "bundle", "id": "bundle--1", "objects": [known]}))
    assert run("intel", "import", tmp_path / "acme.json", "--data", data).status == 0
    probes = (BUILT_IN / "filters" / "k8s_health_probes" / "cases").glob("*drop*")
    noise = b"".join(path.read_bytes() for path in probes)
    said = {**RESET, "eventType": "user.session.start", "uuid": "two", "published": "2026-11-01T00:00:00Z"}
    with Platform(tmp_path, options=["--filter-noise"]) as platform:
        platform.wait()
        headers = {"Authorization": f"Bearer {platform.token}"}
        sent = httpx.post(f"{platform.url}/ingest", content=orjson.dumps(said) + b"\n" + noise, headers=headers).json()
        until(lambda: platform.worked() == sent["accepted"])
        status = platform.status()
        platform.stop()
    assert status["worked"]["filtered"]["k8s_health_probes"] > 0
    (found,) = run("findings", "--data", data).lines
    assert found["unmapped"]["rule_id"] == "watchfloor-known-indicator"
    assert found["unmapped"]["event_uids"] == ["okta_system_log:two"]
