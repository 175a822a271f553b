"""What bodies may hold of memory, unpacked and taken apart."""

import asyncio
import gzip
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from starlette.exceptions import HTTPException
from starlette.requests import Request

from watchfloor.ingest.http.body import Bodies, BodyLimits

Door = Any  # the fixture's class lives in conftest.py, which tests do not import
MANY = 5_001
"""One more than the fixture takes."""


def request(body: bytes, encoding: str = "gzip") -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body}

    return Request({"type": "http", "headers": [(b"content-encoding", encoding.encode())]}, receive)


def test_unpacked_bodies_count_as_held_until_they_are_done_with() -> None:
    bodies = Bodies(BodyLimits(plain_bytes=1 << 20, all_bytes=3 << 19))
    packed = gzip.compress(b" " * (1 << 20), mtime=0)

    async def both() -> None:
        async with bodies.read(request(packed)) as body:
            assert len(body) == 1 << 20
            with pytest.raises(HTTPException) as error:
                async with bodies.read(request(packed)):
                    pass
            assert error.value.status_code == 429
        async with bodies.read(request(packed)) as body:
            assert len(body) == 1 << 20

    asyncio.run(both())


def test_others_are_served_while_a_body_is_unpacked() -> None:
    bodies = Bodies(BodyLimits())
    packed = gzip.compress(b" " * (32 << 20), mtime=0)
    turns: list[int] = []

    async def other(stop: asyncio.Event) -> None:
        while not stop.is_set():
            turns.append(1)
            await asyncio.sleep(0)

    async def both() -> None:
        stop = asyncio.Event()
        beside = asyncio.create_task(other(stop))
        async with bodies.read(request(packed)):
            stop.set()
        await beside

    asyncio.run(both())
    assert len(turns) > 10


otlp_json = orjson.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{}] * MANY}]}]})
otlp = ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=[LogRecord()] * MANY)])])


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/ingest", b"{}\n" * MANY, "application/x-ndjson"),
        ("/ingest", b"[" + b"{}," * MANY + b"{}]", "application/json"),
        ("/services/collector/event", b'{"event":1}' * MANY, "application/json"),
        ("/_bulk", b'{"index":{}}\n{}\n' * MANY, "application/x-ndjson"),
        ("/v1/logs", otlp_json, "application/json"),
        ("/v1/logs", otlp.SerializeToString(), "application/x-protobuf"),
        ("/v1/logs", b"\x12" * (MANY * 16), "application/x-protobuf"),
    ],
)
def test_a_body_of_too_many_records_is_refused_and_nothing_of_it_lands(
    door: Door, path: str, body: bytes, kind: str
) -> None:
    with door.client() as client:
        assert client.post(path, content=body, headers={"content-type": kind}).status_code == 413
    assert door.raw() == []
