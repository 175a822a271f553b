"""Serves connections that send messages over TCP or TLS."""

import asyncio
import socket
import ssl
from typing import NamedTuple

from watchfloor.ingest.inputs.gathering import Gathering
from watchfloor.ingest.inputs.handover import Handover
from watchfloor.ingest.inputs.syslog_framing import AnyFraming

_READ_BYTES = 64 << 10
_HANDSHAKE_SECONDS = 10
_LAST_SECONDS = 0.1
_PROBES = ((socket.TCP_KEEPIDLE, 120), (socket.TCP_KEEPINTVL, 30), (socket.TCP_KEEPCNT, 4))
"""Another end that is gone is found out after four minutes."""


class Bounds(NamedTuple):
    """How much one sender may cost; see :class:`~watchfloor.ingest.inputs.syslog.Syslog`."""

    message_bytes: int
    connections: int
    idle_seconds: float
    message_seconds: float


class Streams:
    """Connections, each read by a task of its own; ``context`` is for TLS."""

    def __init__(
        self, gathering: Gathering, handover: Handover, bounds: Bounds, context: ssl.SSLContext | None
    ) -> None:
        self._gathering = gathering
        self._handover = handover
        self._bounds = bounds
        self._context = context
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def serve(self, listener: socket.socket) -> None:
        """Serve until the end; then what connections have sent already is read, as far as that goes at once."""
        server = await asyncio.start_server(self._connected, sock=listener, limit=_READ_BYTES)
        await self._handover.stop.wait()
        server.close()
        await asyncio.sleep(_LAST_SECONDS)
        tasks = [task for task in self._open.values() if task]
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.gather(*tasks)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= self._bounds.connections:
            self._hindered(f"more than {self._bounds.connections} connections: others are refused")
            writer.transport.abort()
            return
        self._open[writer] = asyncio.current_task()
        try:
            await self._prepare(writer)
            await self._read(reader)
        except ssl.SSLError as error:
            # Its reason is one of the library's own words.
            self._hindered(f"a TLS handshake failed: {error.reason or 'no reason given'}")
        except OSError:
            # The other end is gone, as connections go.
            pass
        finally:
            del self._open[writer]
            writer.transport.abort()

    async def _prepare(self, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _PROBES:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
        if self._context:
            await writer.start_tls(self._context, ssl_handshake_timeout=_HANDSHAKE_SECONDS)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        framing = AnyFraming(self._bounds.message_bytes, self._handover.drop)
        loop = asyncio.get_running_loop()
        complete = loop.time()
        while True:
            patience = self._bounds.message_seconds if framing.pending else self._bounds.idle_seconds
            try:
                async with asyncio.timeout_at(complete + patience):
                    chunk = await reader.read(_READ_BYTES)
            except TimeoutError:
                if framing.pending:
                    self._handover.drop("began and did not end in time")
                return
            except OSError:
                if framing.pending:
                    self._handover.drop("cut off inside a message")
                return
            if not chunk:
                break
            began = framing.pending
            messages = framing.feed(chunk)
            if messages:
                await self._gathering.put(messages)
                self._hindered("")
            if framing.broken:
                self._handover.drop(framing.broken)
                return
            if messages or not began:
                complete = loop.time()
        await self._end(framing)

    def _hindered(self, by: str) -> None:
        self._handover.hindered(by, of="connections")

    async def _end(self, framing: AnyFraming) -> None:
        if not self._handover.stop.is_set():
            await self._gathering.put(framing.close())
        elif framing.pending:
            self._handover.drop("cut off inside a message")
