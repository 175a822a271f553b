"""Shippers speak to Elasticsearch's ``_bulk``; so does Watchfloor."""

import gzip
import json
from typing import Any

import httpx
import pytest

Door = Any  # the fixture's class lives in conftest.py, which tests do not import

INDEX = b'{"index": {"_index": "logs", "_id": "7"}}\n{"a": 1}\n'
CREATE = b'{"create": {}}\n{"a": 2}\n'


def elastic(door: Door) -> httpx.Client:
    headers = {"Authorization": f"ApiKey {door.token}", "Content-Type": "application/x-ndjson"}
    return httpx.Client(base_url=f"http://127.0.0.1:{door.port}", headers=headers, timeout=10)


def test_documents_arrive_as_they_are_and_each_action_is_answered(door: Door) -> None:
    with elastic(door) as client:
        told = client.post("/data/_bulk", content=INDEX + CREATE)
    assert told.status_code == 200
    assert told.headers["x-elastic-product"] == "Elasticsearch"
    body = told.json()
    assert body["errors"] is False
    first, second = body["items"]
    assert (first["index"]["_index"], first["index"]["_id"], first["index"]["status"]) == ("logs", "7", 201)
    assert (second["create"]["_index"], second["create"]["status"]) == ("data", 201)
    assert [(row["raw"], row["line"]) for row in door.landed()] == [(b'{"a": 1}', 2), (b'{"a": 2}', 4)]


def test_what_is_not_taken_is_told_one_by_one_and_counted(door: Door) -> None:
    body = (
        b'{"delete": {"_index": "logs", "_id": "1"}}\n'
        b'{"update": {"_index": "logs", "_id": "1"}}\n{"doc": {}}\n'
        + INDEX
        + b'{"index": {}}\nnot json\n{"index": {}}\n'
    )
    with elastic(door) as client:
        told = client.post("/_bulk", content=body).json()
    assert told["errors"] is True
    assert [next(iter(item.values()))["status"] for item in told["items"]] == [400, 400, 201, 400, 400]
    assert door.raw() == [b'{"a": 1}']
    assert sum(door.intake.dropped.values()) == 4


@pytest.mark.parametrize(
    "body",
    [b"", b"\n\n", b"not json\n{}\n", b'{"drop": {}}\n{}\n', b'{"index": 1}\n{}\n', b"[]\n{}\n", INDEX + b"x\n{}"],
)
def test_a_body_that_is_none_is_refused_whole(door: Door, body: bytes) -> None:
    with elastic(door) as client:
        assert client.post("/_bulk", content=body).status_code == 400
    assert door.raw() == []


def test_clients_that_ask_who_is_there_are_told(door: Door) -> None:
    with elastic(door) as client:
        told = client.get("/")
        assert told.json()["version"]["number"].startswith("8.")
        assert client.head("/").status_code == 200
    assert httpx.get(f"http://127.0.0.1:{door.port}/").status_code == 401


def test_a_shipper_that_waits_and_sends_again_loses_nothing(door: Door) -> None:
    """As shippers do: a 429 is waited for; the items that were refused, and they alone, are given up."""
    door.intake.backlog = 1 << 20
    sent = [json.dumps({"n": number}).encode() for number in range(50)]
    with elastic(door) as client:
        for at in range(0, 50, 10):
            body = b"".join(b'{"create":{}}\n' + one + b"\n" for one in sent[at : at + 10])
            while True:
                told = client.post("/_bulk", content=gzip.compress(body), headers={"content-encoding": "gzip"})
                if told.status_code != 429:
                    break
                assert told.headers["retry-after"]
                door.intake.backlog = 0
            assert told.json()["errors"] is False
    assert door.raw() == sent
