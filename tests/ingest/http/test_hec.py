"""Forwarders speak to the Splunk HTTP Event Collector; so does Watchfloor."""

import json
import time
from typing import Any

import httpx
import pytest

Door = Any  # the fixture's class lives in conftest.py, which tests do not import

CHANNEL = "0aeeac95-ac74-4aa9-b30d-6c4c0ac581ba"
ONE = b'{"time": 1767225600.5, "host": "ws-1", "sourcetype": "okta", "event": {"eventType": "x"}}'
TWO = b'{"event": "a line", "fields": {"site": "lab"}}'


def splunk(door: Door, **headers: str) -> httpx.Client:
    url = f"http://127.0.0.1:{door.port}/services/collector"
    return httpx.Client(base_url=url, headers={"Authorization": f"Splunk {door.token}", **headers}, timeout=10)


@pytest.mark.parametrize("path", ["", "/event", "/event/1.0"])
@pytest.mark.parametrize("between", [b"", b"\n", b" "])
def test_events_arrive_with_what_is_said_of_them(door: Door, path: str, between: bytes) -> None:
    with splunk(door) as client:
        told = client.post(f"http://127.0.0.1:{door.port}/services/collector{path}", content=ONE + between + TWO)
    assert (told.status_code, told.json()) == (200, {"text": "Success", "code": 0})
    assert door.raw() == [ONE, TWO]


def test_raw_lines_arrive_as_they_are(door: Door) -> None:
    with splunk(door) as client:
        told = client.post("/raw", params={"channel": CHANNEL}, content=b'{"a":1}\n{"a":2}\n')
    assert told.json() == {"text": "Success", "code": 0, "ackId": 0}
    assert door.raw() == [b'{"a":1}', b'{"a":2}']


def test_an_acknowledgement_that_was_given_out_is_true_and_no_other(door: Door) -> None:
    with splunk(door, **{"X-Splunk-Request-Channel": CHANNEL}) as client:
        assert [client.post("/event", content=ONE).json()["ackId"] for _ in range(2)] == [0, 1]
        asked = client.post("/ack", json={"acks": [0, 1, 2, -1]})
        assert asked.json() == {"acks": {"0": True, "1": True, "2": False, "-1": False}}
        other = client.post(
            "/ack", params={"channel": "x"}, json={"acks": [0]}, headers={"X-Splunk-Request-Channel": "x"}
        )
        assert other.json() == {"acks": {"0": False}}
    with splunk(door) as client:
        assert client.post("/ack", json={"acks": [0]}).json()["code"] == 10


@pytest.mark.parametrize(
    ("body", "status", "code", "number"),
    [
        (b"", 400, 5, None),
        (b"{", 400, 6, None),
        (ONE + b'{"time": 1}', 400, 12, 1),
    ],
)
def test_what_is_no_batch_of_events_is_refused_in_the_collectors_words(
    door: Door, body: bytes, status: int, code: int, number: int | None
) -> None:
    with splunk(door) as client:
        told = client.post("/event", content=body)
    assert (told.status_code, told.json()["code"]) == (status, code)
    assert told.json().get("invalid-event-number") == number
    assert door.raw() == []


def test_nobody_delivers_without_a_token(door: Door) -> None:
    url = f"http://127.0.0.1:{door.port}/services/collector"
    assert httpx.post(url, content=ONE).json() == {"text": "Token is required", "code": 2}
    told = httpx.post(url, content=ONE, headers={"Authorization": "Splunk wrong"})
    assert (told.status_code, told.json()) == (403, {"text": "Invalid token", "code": 4})
    basic = httpx.post(url, content=ONE, auth=("x", door.token))
    assert basic.json()["code"] == 0


def test_its_health_can_be_asked_for(door: Door) -> None:
    told = httpx.get(f"http://127.0.0.1:{door.port}/services/collector/health/1.0")
    assert (told.status_code, told.json()["code"]) == (200, 17)


def test_a_forwarder_that_waits_and_sends_again_loses_nothing_and_doubles_nothing(door: Door) -> None:
    """As forwarders do: a 503 is waited for and sent again; what is not acknowledged in time is sent again."""
    records = [json.dumps({"event": {"n": number}}).encode() for number in range(20)]
    door.intake.backlog = 1 << 20
    busy = 0
    with splunk(door, **{"X-Splunk-Request-Channel": CHANNEL}) as client:
        for number, record in enumerate(records):
            while (told := client.post("/event", content=record)).status_code == 503:
                assert told.json() == {"text": "Server is busy", "code": 9}
                assert told.headers["retry-after"]
                busy += 1
                door.intake.backlog = 0
            ack = told.json()["ackId"]
            assert client.post("/ack", json={"acks": [ack]}).json()["acks"][str(ack)]
            if number == 10:
                door.intake.backlog = 1 << 20
    assert busy == 2
    assert door.raw() == records


def test_a_hostile_channel_takes_no_memory(door: Door) -> None:
    with splunk(door) as client:
        for channel in ("x" * 65, "../../x", "\u00e9"):
            assert client.post("/event", params={"channel": channel}, content=ONE).json()["code"] == 11
        began = time.monotonic()
        told = client.post("/ack", params={"channel": "x"}, content=b'{"acks": [' + b"1," * 100_000 + b"1]}")
        assert told.json() == {"acks": {"1": False}}
        assert time.monotonic() - began < 5
