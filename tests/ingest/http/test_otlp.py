"""Exporters of OpenTelemetry deliver logs; records arrive one by one, with what their request says of all of them."""

import gzip
import json
from typing import Any

import httpx
import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Door = Any  # the fixture's class lives in conftest.py, which tests do not import

JSON = {
    "resourceLogs": [
        {
            "resource": {"attributes": [{"key": "host.name", "value": {"stringValue": "ws-1"}}]},
            "scopeLogs": [
                {
                    "scope": {"name": "sshd"},
                    "logRecords": [
                        {
                            "timeUnixNano": "1767225600000000000",
                            "severityNumber": 9,
                            "body": {"stringValue": "Accepted publickey for alice"},
                            "attributes": [
                                {"key": "port", "value": {"intValue": "22"}},
                                {"key": "roles", "value": {"arrayValue": {"values": [{"stringValue": "a"}]}}},
                            ],
                            "traceId": "5b8efff798038103d269b633813fc60c",
                        },
                        {"body": {"kvlistValue": {"values": [{"key": "eventType", "value": {"stringValue": "x"}}]}}},
                    ],
                }
            ],
        }
    ]
}
PLAIN = [
    {
        "resource": {"host.name": "ws-1"},
        "scope": {"name": "sshd"},
        "timeUnixNano": "1767225600000000000",
        "severityNumber": 9,
        "body": "Accepted publickey for alice",
        "attributes": {"port": 22, "roles": ["a"]},
        "traceId": "5b8efff798038103d269b633813fc60c",
    },
    {"resource": {"host.name": "ws-1"}, "scope": {"name": "sshd"}, "body": {"eventType": "x"}},
]


def request() -> ExportLogsServiceRequest:
    made = ExportLogsServiceRequest()
    resource = made.resource_logs.add()
    resource.resource.attributes.append(KeyValue(key="host.name", value=AnyValue(string_value="ws-1")))
    scope = resource.scope_logs.add()
    scope.scope.name = "sshd"
    first = scope.log_records.add(time_unix_nano=1_767_225_600_000_000_000, severity_number=9)
    first.body.string_value = "Accepted publickey for alice"
    first.attributes.append(KeyValue(key="port", value=AnyValue(int_value=22)))
    roles = first.attributes.add(key="roles")
    roles.value.array_value.values.append(AnyValue(string_value="a"))
    first.trace_id = bytes.fromhex("5b8efff798038103d269b633813fc60c")
    second = scope.log_records.add()
    second.body.kvlist_value.values.append(KeyValue(key="eventType", value=AnyValue(string_value="x")))
    return made


def post(door: Door, body: bytes, kind: str, **headers: str) -> httpx.Response:
    sent = {"Authorization": f"Bearer {door.token}", "Content-Type": kind, **headers}
    return httpx.post(f"http://127.0.0.1:{door.port}/v1/logs", content=body, headers=sent)


def test_a_request_in_json_and_one_in_protobuf_give_the_same_records(door: Door) -> None:
    told = post(door, json.dumps(JSON).encode(), "application/json; charset=utf-8")
    assert (told.status_code, told.json()) == (200, {})
    binary = post(
        door, gzip.compress(request().SerializeToString()), "application/x-protobuf", **{"content-encoding": "gzip"}
    )
    assert binary.status_code == 200
    assert binary.headers["content-type"] == "application/x-protobuf"
    assert ExportLogsServiceResponse.FromString(binary.content) == ExportLogsServiceResponse()
    arrived = [orjson.loads(raw) for raw in door.raw()]
    assert arrived == PLAIN * 2


def nested(depth: int) -> bytes:
    value = AnyValue(string_value="x")
    for _ in range(depth):
        outer = AnyValue()
        outer.array_value.values.append(value)
        value = outer
    made = ExportLogsServiceRequest()
    made.resource_logs.add().scope_logs.add().log_records.add().body.CopyFrom(value)
    return bytes(made.SerializeToString())


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xff", "application/x-protobuf"),
        (nested(40), "application/x-protobuf"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"resourceLogs": 1}', "application/json"),
        (b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [1]}]}]}', "application/json"),
        (b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"intValue": "x"}}]}]}]}', "application/json"),
        (
            b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": '
            + b'{"arrayValue": {"values": [' * 40
            + b"]}}" * 40
            + b"}]}]}]}",
            "application/json",
        ),
    ],
)
def test_what_is_no_request_is_refused_and_the_next_one_is_taken(door: Door, body: bytes, kind: str) -> None:
    assert post(door, body, kind).status_code == 400
    assert post(door, b"{}", "text/plain").status_code == 415
    assert door.raw() == []
    assert post(door, request().SerializeToString(), "application/x-protobuf").status_code == 200
    assert len(door.raw()) == 2


def test_a_record_that_is_too_long_is_told_and_its_neighbours_arrive(door: Door) -> None:
    door.gate.longest = 100
    for kind, body in (
        ("application/x-protobuf", request().SerializeToString()),
        ("application/json", json.dumps(JSON).encode()),
    ):
        told = post(door, body, kind)
        assert told.status_code == 200
        assert (b"too long" in told.content) is True
    assert len(door.raw()) == 2
    assert sum(door.intake.dropped.values()) == 2


def test_a_resource_that_is_repeated_beside_each_record_costs_bounded_memory(door: Door) -> None:
    made = request()
    made.resource_logs[0].resource.attributes[0].value.string_value = "a" * 10_000
    for number in range(500):
        made.resource_logs[0].scope_logs[0].log_records.add().body.string_value = f"{number}"
    resource = {"attributes": [{"key": "host.name", "value": {"stringValue": "a" * 10_000}}]}
    records = [{"body": {"stringValue": f"{number}"}} for number in range(500)]
    text = json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}).encode()
    assert post(door, made.SerializeToString(), "application/x-protobuf").status_code == 413
    assert post(door, text, "application/json").status_code == 413
    assert door.raw() == []


def test_a_request_without_records_is_taken(door: Door) -> None:
    for kind, body in (("application/x-protobuf", b""), ("application/json", b"{}")):
        assert post(door, body, kind).status_code == 200
    assert door.raw() == []


def test_nobody_delivers_without_a_token(door: Door) -> None:
    url = f"http://127.0.0.1:{door.port}/v1/logs"
    assert httpx.post(url, json=JSON).status_code == 401
