"""``intel``: files in, a server read, investigations that see what is known, and looking back."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.cli.conftest import Run
from tests.enrich.test_locations import write
from tests.enrich.test_stix import indicator

from watchfloor.store.lake import Lake


def bundle(tmp_path: Path, *objects: dict[str, Any]) -> Path:
    file = tmp_path / "acme.json"
    file.write_bytes(orjson.dumps({"type": "bundle", "id": "bundle--1", "objects": objects}))
    return file


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "okta.ndjson"
    login = {
        "eventType": "user.session.start",
        "published": "2026-03-17T08:00:00Z",
        "uuid": "1",
        "actor": {"id": "00u1", "type": "User", "alternateId": "alice@example.com"},
        "client": {"ipAddress": "198.51.100.7"},
    }
    file.write_bytes(orjson.dumps(login))
    return file


ADDRESS = "[ipv4-addr:value = '198.51.100.7']"


def test_what_is_known_is_a_finding_of_the_next_investigation(run: Run, tmp_path: Path, log: Path) -> None:
    file = bundle(tmp_path, indicator(1, ADDRESS, confidence=85, name="C2"), indicator(2, "[x:y = 'z']"))
    ran = run("intel", "import", file, "--data", tmp_path / "data")
    assert (ran.status, ran.out) == (0, "")
    assert ran.err.splitlines() == [
        "acme: 1 indicators, 1 new or changed; 1 not used",
        "  1: x:y is not matched",
    ]
    assert run("investigate", log, "--out", tmp_path / "data").status == 0
    findings = [orjson.loads(line) for line in (tmp_path / "data" / "findings.ndjson").read_bytes().splitlines()]
    (found,) = [one for one in findings if one["unmapped"]["rule_id"] == "watchfloor-known-indicator"]
    assert "C2" in found["finding_info"]["desc"]
    assert found["unmapped"]["level"] == "high"
    assert (tmp_path / "data" / "cases.ndjson").read_bytes()


def test_looking_back_finds_what_was_not_known_then(run: Run, tmp_path: Path, log: Path) -> None:
    data = tmp_path / "data"
    assert run("investigate", log, "--out", data).status == 0
    file = bundle(tmp_path, indicator(1, ADDRESS, valid_from="2026-04-01T00:00:00Z"))
    assert run("intel", "import", file, "--data", data).status == 0
    ran = run("intel", "match", "--data", data)
    assert ran.status == 0
    assert ran.err == "1 indicators, 1 sightings, 1 findings; 1 of 1 row groups read\n"
    (found,) = ran.lines
    assert found["class_uid"] == 2004
    assert run("intel", "match", "--data", data, "--back", "3").out == ""
    revoked = bundle(tmp_path, indicator(1, revoked=True, modified="2026-05-01T00:00:00Z"))
    assert run("intel", "import", revoked, "--data", data).status == 0
    assert run("intel", "match", "--data", data).out == ""
    listed = run("intel", "list", "--data", data)
    assert listed.out.split()[-4].startswith("20")
    assert listed.out.split()[-3:] == ["0", "0", "1"]


def test_a_server_is_read_on_from_where_the_last_pull_ended(run: Run, tmp_path: Path) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = orjson.dumps({"objects": [indicator(len(asked), ADDRESS)]})
            self.send_response(200)
            self.send_header("X-TAXII-Date-Added-Last", "2026-01-05T00:00:00Z")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    try:
        command = ("intel", "pull", f"{origin}/r/collections/c/", "--feed", "acme", "--data", tmp_path / "d")
        assert run(*command, "--allow", "https://taxii.example.com").status == 2
        for _ in range(2):
            ran = run(*command, "--allow", origin)
            assert (ran.status, ran.err) == (0, "acme: 1 indicators, 1 new or changed\n")
    finally:
        server.shutdown()
        server.server_close()
    assert asked == [
        "/r/collections/c/objects/",
        "/r/collections/c/objects/?added_after=2026-01-05T00%3A00%3A00Z",
    ]


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]" * 3, b'"x"'])
def test_a_file_that_is_none_is_status_2_and_one_line(run: Run, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    ran = run("intel", "import", file, "--data", tmp_path / "data")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert run("intel", "import", tmp_path / "none.json", "--data", tmp_path / "data").status == 2


def test_an_investigation_asks_files_where_addresses_are(run: Run, tmp_path: Path, log: Path) -> None:
    file = write(tmp_path / "city.mmdb", ("198.51.100.0/24", {"country": {"iso_code": "DE"}}))
    assert run("investigate", log, "--out", tmp_path / "data", "--geo", file).status == 0
    (event,) = Lake(tmp_path / "data" / "lake").by_uid("default", ["okta_system_log:1"])
    assert (event["src_endpoint.location.country"], event["tags"]) == ("DE", ["geo=city.mmdb"])
    ran = run("investigate", log, "--out", tmp_path / "new", "--geo", log)
    assert ran.status == 2
    assert f"{log}: no MaxMind DB file" in ran.err
