"""Elasticsearch's ``_bulk``, as Beats, Logstash, Fluent Bit and Vector speak it.

A record is the document, as it stands in the body; the names of indices tell nothing here. ``index`` and ``create`` are
taken; ``update`` and ``delete`` are refused one by one, since what arrived is never changed.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

import asyncio
import time
from io import BytesIO
from typing import Any

import msgspec
import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from watchfloor.ingest.http.answers import answer
from watchfloor.ingest.http.body import BodyLimits
from watchfloor.ingest.http.gate import Gate, Refused

SPEAKS = "8.17.0"
"""The version whose ``_bulk`` this is; clients ask before they send."""

_HEADERS = {"X-Elastic-Product": "Elasticsearch"}
_TAKEN = frozenset({"index", "create"})
_WITHOUT_DOCUMENT = "delete"
_ITEM = {"_version": 1, "result": "created", "_shards": {"total": 1, "successful": 1, "failed": 0}, "status": 201}


class _Bulk(msgspec.Struct):
    """What a body asks for: an answer for each action, the documents to take, and their lines."""

    items: list[dict[str, Any]]
    raw: list[bytes]
    line: list[int]
    refused: int = 0


class BulkEndpoint:
    """The paths that shippers use of Elasticsearch."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def routes(self) -> list[Route]:
        """The paths that senders use."""
        return [
            Route("/", self._who, methods=["GET", "HEAD"]),
            *(
                Route(path, self._bulk, methods=["POST", "PUT"])
                for path in ("/_bulk", "/{index}/_bulk", "/_bulk/", "/{index}/_doc/_bulk")
            ),
        ]

    async def _who(self, request: Request) -> Response:
        self._gate.token(request)
        version = {"number": SPEAKS, "build_flavor": "default", "minimum_wire_compatibility_version": "7.17.0"}
        told = {"name": "watchfloor", "cluster_name": "watchfloor", "version": version}
        return answer({**told, "tagline": "You Know, for Search"}, headers=_HEADERS)

    async def _bulk(self, request: Request) -> Response:
        token = self._gate.token(request)
        began = time.monotonic()
        async with self._gate.bodies.read(request) as body:
            index = request.path_params.get("index", "")
            bulk = await asyncio.to_thread(_parsed, body, index, self._gate.longest, self._gate.bodies.limits)
            if bulk.refused:
                self._gate.drop(token, [Refused("a bulk action that is not taken", 1, bulk.refused)])
            if bulk.raw:
                answered = await self._gate.land(token, bulk.raw, line=bulk.line)
                if not await request.is_disconnected():
                    answered()
        took = int((time.monotonic() - began) * 1000)
        return answer({"took": took, "errors": bool(bulk.refused), "items": bulk.items}, headers=_HEADERS)


def _parsed(body: bytes, index: str, longest: int, limits: BodyLimits) -> _Bulk:
    """What a body asks for.

    Raises:
        HTTPException: 400: it is no body of actions; 413: they are too many. None of it may be taken then.
    """
    bulk = _Bulk([], [], [])
    lines = enumerate(BytesIO(body), start=1)
    for number, line in lines:
        if not (text := line.strip()):
            continue
        limits.check_records(len(bulk.items) + 1)
        action, named = _action(text, number)
        item = {"_index": named.get("_index") or index, "_id": named.get("_id")}
        if action == _WITHOUT_DOCUMENT:
            _refuse(bulk, action, item, "what arrived is never changed")
            continue
        at, document = next(lines, (0, b""))
        document = document.strip()
        if action not in _TAKEN:
            _refuse(bulk, action, item, "what arrived is never changed")
        elif not (document.startswith(b"{") and document.endswith(b"}")):
            _refuse(bulk, action, item, "not a JSON object")
        elif len(document) > longest:
            _refuse(bulk, action, item, "too long")
        else:
            bulk.raw.append(document)
            bulk.line.append(at)
            bulk.items.append({action: {**item, **_ITEM}})
    if not bulk.items:
        raise HTTPException(400, "request body is required")
    return bulk


def _action(text: bytes, line: int) -> tuple[str, dict[str, Any]]:
    try:
        action = orjson.loads(text)
    except orjson.JSONDecodeError:
        action = None
    if isinstance(action, dict) and len(action) == 1:
        ((name, named),) = action.items()
        if name in {*_TAKEN, "update", _WITHOUT_DOCUMENT} and isinstance(named, dict):
            return name, named
    raise HTTPException(400, f"malformed action or metadata line [{line}]")


def _refuse(bulk: _Bulk, action: str, item: dict[str, Any], reason: str) -> None:
    bulk.refused += 1
    error = {"type": "illegal_argument_exception", "reason": reason}
    bulk.items.append({action: {**item, "status": 400, "error": error}})
