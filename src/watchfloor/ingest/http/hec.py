"""The Splunk HTTP Event Collector, as forwarders and shippers speak it, acknowledgements included.

A record is what stands in the body as it stands there: on ``event``, the whole object with its ``time``, ``host`` and
``sourcetype``; on ``raw``, a line. Since records are on disk before the answer is sent, an acknowledgement that was
given out is true at once; one from before a restart is not known, and its sender sends again.

Codes and texts: https://docs.splunk.com/Documentation/Splunk/latest/Data/TroubleshootHTTPEventCollector
"""

import re
from collections import OrderedDict
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from watchfloor.ingest.http.answers import answer
from watchfloor.ingest.http.gate import Gate

CHANNELS = 10_000
"""Channels whose acknowledgements are remembered; the one not used for longest is forgotten first."""
_CHANNEL = re.compile(r"[0-9A-Za-z-]{1,64}")
_NO_DATA, _INVALID_DATA, _BUSY, _NO_CHANNEL, _BAD_CHANNEL, _NO_EVENT = 5, 6, 9, 10, 11, 12
_TEXTS = {
    0: "Success",
    2: "Token is required",
    4: "Invalid token",
    _NO_DATA: "No data",
    _INVALID_DATA: "Invalid data format",
    _BUSY: "Server is busy",
    _NO_CHANNEL: "Data channel is missing",
    _BAD_CHANNEL: "Invalid data channel",
    _NO_EVENT: "Event field is required",
    17: "HEC is healthy",
}


class _Acks(msgspec.Struct, forbid_unknown_fields=True):
    acks: list[int]


class _Refusal(Exception):  # noqa: N818 - it is an answer
    def __init__(self, code: int, status: int, **more: Any) -> None:
        super().__init__(code)
        self.response = _told(code, status, **more)


class Collector:
    """The collector's endpoints."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._given: OrderedDict[tuple[str, str], int] = OrderedDict()
        """How many acknowledgements each channel of a token was given."""

    def routes(self) -> list[Route]:
        """The paths that senders use."""
        events, raw = ("", "/event", "/event/1.0"), ("/raw", "/raw/1.0")
        return [
            *(Route(f"/services/collector{path}", self._answering(self._event), methods=["POST"]) for path in events),
            *(Route(f"/services/collector{path}", self._answering(self._raw), methods=["POST"]) for path in raw),
            Route("/services/collector/ack", self._answering(self._ack), methods=["POST"]),
            *(Route(f"/services/collector/health{path}", self._health, methods=["GET"]) for path in ("", "/1.0")),
        ]

    def _answering(self, endpoint: Any) -> Any:
        async def answering(request: Request) -> Response:
            try:
                response: Response = await endpoint(request)
            except _Refusal as refusal:
                return refusal.response
            except HTTPException as error:
                return _translated(error, offered="authorization" in request.headers)
            return response

        return answering

    async def _event(self, request: Request) -> Response:
        return await self._take(request, events=True)

    async def _raw(self, request: Request) -> Response:
        return await self._take(request, events=False)

    async def _take(self, request: Request, *, events: bool) -> Response:
        token = self._gate.token(request)
        channel = _channel(request)
        async with self._gate.bodies.read(request) as body:
            if not body:
                raise _Refusal(_NO_DATA, 400)
            framed = await self._gate.frame(body)
            self._gate.drop(token, framed.refused)
            if not framed.raw:
                raise _Refusal(_INVALID_DATA, 400)
            if events:
                _check_events(framed.raw)
            answered = await self._gate.land(token, framed.raw, line=framed.line, index=framed.index)
        more = {} if channel is None else {"ackId": self._acknowledge(token.name, channel)}
        if not await request.is_disconnected():
            answered()
        return _told(0, 200, **more)

    async def _ack(self, request: Request) -> Response:
        token = self._gate.token(request)
        channel = _channel(request)
        if channel is None:
            raise _Refusal(_NO_CHANNEL, 400)
        async with self._gate.bodies.read(request) as body:
            try:
                asked = msgspec.json.decode(body, type=_Acks).acks
            except msgspec.MsgspecError:
                raise _Refusal(_INVALID_DATA, 400) from None
        given = self._given.get((token.name, channel), 0)
        return answer({"acks": {str(number): 0 <= number < given for number in asked}})

    async def _health(self, _request: Request) -> Response:
        return _told(17, 200)

    def _acknowledge(self, token: str, channel: str) -> int:
        key = (token, channel)
        number = self._given.pop(key, 0)
        self._given[key] = number + 1
        if len(self._given) > CHANNELS:
            self._given.popitem(last=False)
        return number


def _channel(request: Request) -> str | None:
    channel = request.headers.get("x-splunk-request-channel") or request.query_params.get("channel")
    if channel is not None and not _CHANNEL.fullmatch(channel):
        raise _Refusal(_BAD_CHANNEL, 400)
    return channel


def _check_events(raw: list[bytes]) -> None:
    """Refuse a request that is no batch of events, as the collector does: nothing of it is taken."""
    for number, one in enumerate(raw):
        if not one.startswith(b"{"):
            raise _Refusal(_INVALID_DATA, 400, **{"invalid-event-number": number})
        if b'"event"' not in one:
            raise _Refusal(_NO_EVENT, 400, **{"invalid-event-number": number})


def _told(code: int, status: int, **more: Any) -> Response:
    return answer({"text": _TEXTS[code], "code": code, **more}, status=status)


def _translated(error: HTTPException, *, offered: bool) -> Response:
    """A refusal in the collector's words: senders know what to do with those."""
    match error.status_code:
        case 401:
            return _told(4, 403) if offered else _told(2, 401)
        case 429 | 503:
            response = _told(_BUSY, 503)
            response.headers.update(error.headers or {})
            return response
        case status:
            return answer({"text": error.detail, "code": _INVALID_DATA}, status=status)
