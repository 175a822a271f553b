"""What a sender posts is on disk when it is told so, and it is told what was not taken."""

import asyncio
import gzip
import socket
import time
import zlib
from contextlib import suppress
from typing import Any

import httpx
import pytest
import zstandard

from watchfloor.errors import InputError
from watchfloor.ingest.http import server
from watchfloor.ingest.http.server import Listen, bind

Door = Any  # the fixture's class lives in conftest.py, which tests do not import

NDJSON = b'{"a":1}\n{"a":2}\n'
PACKED = gzip.compress(NDJSON, mtime=0)


def test_lines_arrive_as_they_were_sent(door: Door) -> None:
    with door.client() as client:
        told = client.post("/ingest", content=NDJSON)
    assert (told.status_code, told.json()) == (200, {"accepted": 2})
    first, second = door.landed()
    assert (first["raw"], first["line"], second["raw"], second["line"]) == (b'{"a":1}', 1, b'{"a":2}', 2)
    assert (first["tenant"], first["path"], first["source"]) == ("acme", "http/shipper", None)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'[{"a":1},{"a":2}]', {}),
        (b'{"Records":[{"a":1},{"a":2}]}', {}),
        (PACKED, {"content-encoding": "gzip"}),
        (zstandard.compress(NDJSON), {"content-encoding": "zstd"}),
        (zlib.compress(NDJSON), {"content-encoding": "deflate"}),
        (PACKED, {}),
        (gzip.compress(zstandard.compress(NDJSON), mtime=0), {"content-encoding": "gzip"}),
    ],
)
def test_any_framing_and_packing_gives_the_same_records(door: Door, body: bytes, headers: dict[str, str]) -> None:
    with door.client() as client:
        assert client.post("/ingest", content=body, headers=headers).json() == {"accepted": 2}
    assert door.raw() == [b'{"a":1}', b'{"a":2}']


def test_what_comes_with_a_sources_token_is_of_that_source(door: Door) -> None:
    token = door.tokens.create("okta", tenant="other", source="okta_system_log", now="")
    with door.client(token) as client:
        client.post("/ingest", content=b'{"a":1}')
    (row,) = door.landed()
    assert (row["tenant"], row["source"]) == ("other", "okta_system_log")


def test_a_token_that_was_taken_back_is_refused_at_once(door: Door) -> None:
    with door.client() as client:
        assert client.post("/ingest", content=NDJSON).status_code == 200
        door.tokens.revoke("shipper")
        assert client.post("/ingest", content=NDJSON).status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", "Basic !!!", "Basic /w==", "Digest x", "Bearer " + "x" * 9000]
)
def test_nobody_delivers_without_a_token(door: Door, header: str) -> None:
    told = httpx.post(f"http://127.0.0.1:{door.port}/ingest", content=NDJSON, headers={"authorization": header})
    assert told.status_code == 401
    assert door.raw() == []


def test_a_token_is_nowhere_on_disk(door: Door) -> None:
    with door.client() as client:
        client.post("/ingest", content=NDJSON)
    written = [path.read_bytes() for path in door.folder.rglob("*") if path.is_file()]
    assert written
    assert not any(door.token.encode() in data for data in written)
    assert (door.folder / "tokens.json").stat().st_mode & 0o77 == 0


def test_a_record_that_cannot_be_taken_is_told_and_counted_and_its_neighbours_arrive(door: Door) -> None:
    body = b'{"a":1}\n{"cut": "off\n{"a":2}\n'
    with door.client() as client:
        told = client.post("/ingest", content=body).json()
    assert told["accepted"] == 2
    assert [(one["line"], one["count"]) for one in told["refused"]] == [(2, 1)]
    assert door.raw() == [b'{"a":1}', b'{"a":2}']
    assert sum(door.intake.dropped.values()) == 1


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"x" * (2 << 20), {}, 413),
        (gzip.compress(b" " * (8 << 20), mtime=0), {"content-encoding": "gzip"}, 413),
        (b"not gzip", {"content-encoding": "gzip"}, 400),
        (PACKED[:-9], {"content-encoding": "gzip"}, 400),
        (b"\x78\x9c\xff\xff", {"content-encoding": "deflate"}, 400),
        (NDJSON, {"content-encoding": "br"}, 415),
    ],
)
def test_a_body_that_is_none_is_refused(door: Door, body: bytes, headers: dict[str, str], status: int) -> None:
    with door.client() as client:
        told = client.post("/ingest", content=body, headers=headers)
        assert told.status_code == status
        assert client.post("/ingest", content=NDJSON).status_code == 200
    assert door.raw() == [b'{"a":1}', b'{"a":2}']


def test_a_body_that_trickles_in_does_not_hold_a_place_for_ever(door: Door) -> None:
    with socket.create_connection(("127.0.0.1", door.port)) as slow:
        slow.sendall(f"POST /ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.token}\r\n".encode())
        slow.sendall(b"Content-Length: 100\r\n\r\n")
        began = time.monotonic()
        slow.sendall(b"{")
        assert slow.recv(64).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - began < 5


def test_a_sender_that_leaves_in_the_middle_leaves_nothing(door: Door) -> None:
    with socket.create_connection(("127.0.0.1", door.port)) as gone:
        gone.sendall(f"POST /ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.token}\r\n".encode())
        gone.sendall(b'Content-Length: 100\r\n\r\n{"a":1}\n')
    with door.client() as client:
        assert client.post("/ingest", content=b'{"a":2}').status_code == 200
    assert door.raw() == [b'{"a":2}']


def test_whoever_was_answered_and_sends_the_same_again_has_seen_it_again(door: Door) -> None:
    with door.client() as client:
        for _ in range(3):
            client.post("/ingest", content=b'{"a":1}\n{"a":1}\n')
            time.sleep(0.1)
    assert [row["ordinal"] for row in door.landed()] == [0, 1, 2, 3, 4, 5]


def test_whoever_was_not_answered_and_sends_the_same_again_sends_the_same_record(door: Door) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", door.port)) as hasty:
            hasty.sendall(f"POST /ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.token}\r\n".encode())
            hasty.sendall(b'Content-Length: 7\r\n\r\n{"a":1}')
            time.sleep(0.005)
        time.sleep(0.2)
    assert {row["ordinal"] for row in door.landed()} == {0}


def test_a_busy_platform_says_when_to_come_again(door: Door) -> None:
    door.intake.backlog = 1 << 20
    with door.client() as client:
        told = client.post("/ingest", content=NDJSON)
        assert (told.status_code, told.headers["retry-after"]) == (429, "5")
        door.intake.worked(1 << 20)
        assert client.post("/ingest", content=NDJSON).status_code == 200
    assert len(door.raw()) == 2


def test_a_disk_that_refuses_is_told_and_the_next_request_lands(door: Door) -> None:
    folder = door.folder / "landing"
    folder.rename(door.folder / "away")
    with door.client() as client:
        told = client.post("/ingest", content=NDJSON)
        assert (told.status_code, told.headers["retry-after"]) == (503, "5")
        assert str(door.folder) not in told.text
        assert "No such file" in door.intake.trouble
        (door.folder / "away").rename(folder)
        assert client.post("/ingest", content=NDJSON).status_code == 200
    assert not door.intake.trouble
    assert len(door.raw()) == 2


def test_many_at_once_share_the_flushes_of_the_disk(door: Door) -> None:
    async def post_all() -> list[int]:
        headers = {"Authorization": f"Bearer {door.token}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.port}", headers=headers, timeout=30) as client:
            told = await asyncio.gather(*(client.post("/ingest", content=b'{"n":%d}' % n) for n in range(200)))
            return [one.status_code for one in told]

    assert set(asyncio.run(post_all())) == {200}
    assert sorted(door.raw()) == sorted(b'{"n":%d}' % n for n in range(200))
    assert len({row["ingested_at"] for row in door.landed()}) < 150


def test_tokens_do_not_cross_the_network_in_the_open_unasked() -> None:
    with pytest.raises(InputError, match="in the open"):
        bind(Listen(host="0.0.0.0"))  # noqa: S104 - refused
    with pytest.raises(InputError, match=r"203\.0\.113\.1:0: Cannot assign"):
        bind(Listen(host="203.0.113.1", port=0, plain=True))


def test_a_head_without_end_and_one_that_never_comes_are_cut_off(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_HEAD_SECONDS", 0.3)
    for piece in (b"x: " + b"a" * 100_000 + b"\r\n", b"x: a\r\n", b""):
        with socket.create_connection(("127.0.0.1", door.port), timeout=5) as connection:
            connection.sendall(b"POST /ingest HTTP/1.1\r\n" if piece else b"")
            with suppress(ConnectionError):
                for _ in range(100):
                    connection.sendall(piece)
                    time.sleep(0.0 if len(piece) > 100 else 0.01)
                while connection.recv(1 << 16):
                    pass
    with door.client() as client:
        assert [client.post("/ingest", content=b'{"a": 1}').status_code for _ in range(3)] == [200] * 3
        time.sleep(0.5)
        assert client.post("/ingest", content=b"{}").status_code == 200
