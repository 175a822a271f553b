"""The application: endpoints, and answers that say what became of a request."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from watchfloor.ingest.http.answers import answer
from watchfloor.ingest.http.bulk import BulkEndpoint
from watchfloor.ingest.http.gate import Gate
from watchfloor.ingest.http.hec import Collector
from watchfloor.ingest.http.otlp import OtlpEndpoint

Health = Callable[[], Mapping[str, Any]]
"""How the platform is: at least ``ok``, and if it is not, ``reasons``."""


Page = Callable[[], str]
"""Renders a page of HTML."""

_INERT = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def application(gate: Gate, health: Health, status: Health, pages: Mapping[str, Page] = {}) -> Starlette:
    """The ASGI application of all endpoints; ``status`` says more than ``health``, to those who have a token.

    So do ``pages``, by their paths.
    """

    async def ingest(request: Request) -> Response:
        return await _ingest(gate, request)

    async def healthy(_request: Request) -> Response:
        state = health()
        return answer(state, status=200 if state["ok"] else 503)

    async def told(request: Request) -> Response:
        gate.token(request)
        return answer(status())

    def shown(render: Page) -> Callable[[Request], Awaitable[Response]]:
        async def show(request: Request) -> Response:
            gate.token(request)
            return HTMLResponse(await asyncio.to_thread(render), headers=_INERT)

        return show

    routes = [
        *(Route(path, shown(render), methods=["GET"]) for path, render in pages.items()),
        Route("/ingest", ingest, methods=["POST"]),
        Route("/health", healthy, methods=["GET"]),
        Route("/status", told, methods=["GET"]),
        *Collector(gate).routes(),
        *BulkEndpoint(gate).routes(),
        *OtlpEndpoint(gate).routes(),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _refusal})


async def _ingest(gate: Gate, request: Request) -> Response:
    token = gate.token(request)
    async with gate.bodies.read(request) as body:
        framed = await gate.frame(body)
        gate.drop(token, framed.refused)
        refused = [{"reason": one.reason, "line": one.line, "count": one.count} for one in framed.refused]
        if not framed.raw:
            return answer({"accepted": 0, "refused": refused}, status=400)
        done = await gate.land(token, framed.raw, line=framed.line, index=framed.index)
    told = {"accepted": len(framed.raw)} | ({"refused": refused} if refused else {})
    if not await request.is_disconnected():
        done()
    return answer(told)


async def _refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these alone
    response = answer({"error": error.detail}, status=error.status_code)
    response.headers.update(error.headers or {})
    return response
