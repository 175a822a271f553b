"""A small HTTP server to be asked by pollers: it speaks the protocol itself, so that it can misbehave in any way."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Said:
    """An answer; ``drip`` sends its body byte by byte with pauses, ``cut`` breaks it off, ``packed`` compresses it."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0
    cut: bool = False
    packed: bool = False

    def bytes(self) -> bytes:
        plain = self.body if isinstance(self.body, bytes) else b"" if self.body is None else orjson.dumps(self.body)
        return gzip.compress(plain) if self.packed else plain


Answering = Callable[[Asked], Said | Awaitable[Said]]


class Peer:
    """Whoever is asked, with what was asked."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self.asked: list[Asked] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while asked := await _asked(reader):
                self.asked.append(asked)
                said = self._answering(asked)
                await _say(writer, said if isinstance(said, Said) else await said)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _asked(reader: asyncio.StreamReader) -> Asked | None:
    first = (await reader.readline()).decode().split()
    if len(first) != 3:
        return None
    headers = {}
    while line := (await reader.readline()).decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(first[1])
    return Asked(first[0], parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)


async def _say(writer: asyncio.StreamWriter, said: Said) -> None:
    body = said.bytes()
    headers = {"Content-Length": str(len(body)), "Content-Type": "application/json", **said.headers}
    headers |= {"Content-Encoding": "gzip"} if said.packed else {}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {said.status} OK\r\n{head}\r\n".encode())
    if said.cut:
        writer.write(body[: len(body) // 2])
        await writer.drain()
        raise ConnectionResetError
    for at in range(0, len(body), 1 if said.drip else max(len(body), 1)):
        writer.write(body[at : at + 1] if said.drip else body)
        await writer.drain()
        await asyncio.sleep(said.drip)
    await writer.drain()


@asynccontextmanager
async def listening(answering: Answering) -> AsyncIterator[Peer]:
    peer = Peer(answering)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield peer
    finally:
        server.close()
