"""Runs the application: a socket, TLS, and an orderly end."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette

from watchfloor.errors import InputError, argument

_DRAIN_SECONDS = 10
_CONNECTIONS = 2048
_HEADER_BYTES = 64 << 10


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
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=_HEADER_BYTES,
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
