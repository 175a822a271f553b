"""Runs the application: a socket, TLS, and an orderly end."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from watchfloor.errors import InputError, argument

_DRAIN_SECONDS = 10
_CONNECTIONS = 2048
_HEAD_BYTES = 512 << 10
"""The longest head of a request; what one read of the socket gives of the body behind it may count, too."""
_HEAD_SECONDS = 30.0


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The certificate of a server with its chain, and its key, in PEM files."""

    certificate: Path
    key: Path


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to listen. Without TLS, only addresses of this machine are taken, unless ``plain`` allows others."""

    host: str = "127.0.0.1"
    port: int = 8470
    tls: Tls | None = None
    plain: bool = False


class _Connection(HttpToolsProtocol):
    """A connection that is cut off if the head of a request does not come whole, within a time and a size.

    Nobody needs a token to send one, and the library bounds neither.
    """

    _head: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the library's
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect()

    def on_headers_complete(self) -> None:
        self._expect_no_more()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_no_more()
        super().connection_lost(exc)

    def _expect(self) -> None:
        if self._head is None:
            self._head_bytes = 0
            self._head = self.loop.call_later(_HEAD_SECONDS, self.transport.abort)

    def _expect_no_more(self) -> None:
        if self._head:
            self._head.cancel()
            self._head = None


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Whoever runs the platform says when it ends.
        yield


def bind(listen: Listen) -> socket.socket:
    """A listening socket.

    Raises:
        InputError: The address cannot be listened on, or tokens would cross the network in the open.
    """
    place = f"{listen.host}:{listen.port}"
    if listen.tls is None and not listen.plain and listen.host not in {"127.0.0.1", "::1", "localhost"}:
        raise InputError(f"{place}: tokens would cross the network in the open; name tls, or say plain: true")
    with argument(place):
        family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
        return socket.create_server((listen.host, listen.port), family=family, backlog=1024)


async def serve_http(app: Starlette, listener: socket.socket, tls: Tls | None, stop: asyncio.Event) -> None:
    """Serve until ``stop`` is set; requests at hand are finished.

    Raises:
        InputError: The certificate or its key cannot be used.
    """
    config = uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    server = _Server(config)
    try:
        config.load()
    except OSError as error:
        where = tls.certificate if tls else "http"
        raise InputError(f"{where}: cannot be used for TLS: {error.strerror or error}") from error
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        stopping.cancel()
        with suppress(asyncio.CancelledError):
            await serving
