"""OpenTelemetry logs over HTTP (OTLP 1.x), in protobuf and in JSON.

A log record becomes a JSON object of its own, with its resource and scope beside it, and attributes as plain objects: a
request repeats neither, and what it wraps is not text. ``body`` is what the record itself says: a line, or an object.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import asyncio
import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from watchfloor.ingest.http.answers import answer
from watchfloor.ingest.http.gate import Gate, Refused
from watchfloor.ingest.limits import size_text

_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_ATTRIBUTE = {_PROTOBUF: b"\x12", _JSON: b"{"}
"""A byte that each record and each attribute of a body has; some others, too."""
_MOST_ATTRIBUTES = 16
"""Of a body with the most records, how many each may have."""
_MAX_DEPTH = 32
_TOO_LONG = "an OTLP log record that is too long"
_SCALARS = {"stringValue", "boolValue", "doubleValue", "bytesValue"}


class OtlpEndpoint:
    """``/v1/logs``."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def routes(self) -> list[Route]:
        """The path that exporters use."""
        return [Route("/v1/logs", self._logs, methods=["POST"])]

    async def _logs(self, request: Request) -> Response:
        token = self._gate.token(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in {_PROTOBUF, _JSON}:
            raise HTTPException(415, f"Content-Type may be {_PROTOBUF} or {_JSON}")
        async with self._gate.bodies.read(request) as body:
            limits = self._gate.bodies.limits
            # Once it is read, the smallest attribute takes a hundred bytes, so they are bounded before.
            if body.count(_ATTRIBUTE[kind]) > limits.records * _MOST_ATTRIBUTES:
                raise HTTPException(413, "too many records or attributes")
            read = _from_protobuf if kind == _PROTOBUF else _from_json
            records = await asyncio.to_thread(read, body, limits.plain_bytes)
            limits.check_records(len(records))
            raw = [one for one in records if len(one) <= self._gate.longest]
            refused = len(records) - len(raw)
            if refused:
                self._gate.drop(token, [Refused(_TOO_LONG, 1, refused)])
            if raw:
                answered = await self._gate.land(token, raw)
                if not await request.is_disconnected():
                    answered()
        return _told(kind, refused)


def _told(kind: str, refused: int) -> Response:
    if kind == _JSON:
        partial = {"rejectedLogRecords": f"{refused}", "errorMessage": _TOO_LONG}
        return answer({"partialSuccess": partial} if refused else {})
    response = ExportLogsServiceResponse()
    if refused:
        response.partial_success.CopyFrom(
            ExportLogsPartialSuccess(rejected_log_records=refused, error_message=_TOO_LONG)
        )
    return Response(response.SerializeToString(), media_type=_PROTOBUF)


def _from_protobuf(body: bytes, most: int) -> list[bytes]:
    """The records of a request in protobuf, up to ``most`` bytes together.

    Raises:
        HTTPException: 400: it is none; 413: they are more.
    """
    try:
        request = ExportLogsServiceRequest.FromString(body)
        records = (
            _plain(record, resource.resource.attributes, scope.scope.name, scope.scope.version)
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        )
        return _written(records, most)
    except (DecodeError, RecursionError, ValueError) as error:
        raise HTTPException(400, "not an ExportLogsServiceRequest") from error


def _plain(record: LogRecord, resource: Iterable[KeyValue], scope: str, version: str) -> dict[str, Any]:
    return {
        "resource": _pairs(resource, 0),
        "scope": _without_nothing({"name": scope, "version": version}),
        "timeUnixNano": str(record.time_unix_nano) if record.time_unix_nano else None,
        "observedTimeUnixNano": str(record.observed_time_unix_nano) if record.observed_time_unix_nano else None,
        "severityNumber": record.severity_number or None,
        "severityText": record.severity_text,
        "eventName": record.event_name,
        "body": _value(record.body, 0) if record.HasField("body") else None,
        "attributes": _pairs(record.attributes, 0),
        "traceId": record.trace_id.hex(),
        "spanId": record.span_id.hex(),
    }


def _pairs(pairs: Iterable[KeyValue], depth: int) -> dict[str, Any]:
    return {pair.key: _value(pair.value, depth + 1) for pair in pairs}


def _value(value: AnyValue, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    kind = value.WhichOneof("value")
    match kind:
        case None:
            return None
        case "kvlist_value":
            return _pairs(value.kvlist_value.values, depth)
        case "array_value":
            return [_value(one, depth + 1) for one in value.array_value.values]
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case _:
            return getattr(value, kind)


def _from_json(body: bytes, most: int) -> list[bytes]:
    """The records of a request in JSON, up to ``most`` bytes together.

    Raises:
        HTTPException: 400: it is none; 413: they are more.
    """
    try:
        request = orjson.loads(body)
        return _written(_json_records(request), most)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise HTTPException(400, "not an ExportLogsServiceRequest") from error


def _json_records(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in request.get("resourceLogs") or []:
        attributes = _json_pairs((resource.get("resource") or {}).get("attributes") or [], 0)
        for scope in resource.get("scopeLogs") or []:
            named = scope.get("scope") or {}
            for record in scope.get("logRecords") or []:
                yield {
                    **record,
                    "resource": attributes,
                    "scope": _without_nothing({"name": named.get("name"), "version": named.get("version")}),
                    "body": _json_value(record["body"], 0) if record.get("body") is not None else None,
                    "attributes": _json_pairs(record.get("attributes") or [], 0),
                }


def _json_pairs(pairs: Iterable[Mapping[str, Any]], depth: int) -> dict[str, Any]:
    return {str(pair["key"]): _json_value(pair.get("value") or {}, depth + 1) for pair in pairs}


def _json_value(value: Mapping[str, Any], depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    for kind, one in value.items():
        if kind in _SCALARS:
            return one
        if kind == "intValue":
            # 64 bits do not fit into a number of JSON: they are text, or should be.
            return int(one)
        if kind == "arrayValue":
            return [_json_value(item, depth + 1) for item in one.get("values") or []]
        if kind == "kvlistValue":
            return _json_pairs(one.get("values") or [], depth)
    return None


def _written(records: Iterable[dict[str, Any]], most: int) -> list[bytes]:
    """Each as JSON. What a request says once of a resource stands in all of its records: they may be far longer."""
    written: list[bytes] = []
    size = 0
    for record in records:
        written.append(orjson.dumps(_without_nothing(record)))
        size += len(written[-1])
        if size > most:
            raise HTTPException(413, f"longer than {size_text(most)}, with its resource beside each record")
    return written


def _without_nothing(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value not in (None, "", {}, [])}
