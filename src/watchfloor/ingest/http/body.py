"""Reads the body of a request: within a size, a time and the memory that all requests share."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from watchfloor.errors import RecordError
from watchfloor.ingest.compression import GZIP_MAGIC, ZSTD_MAGIC, gunzip, unzstd
from watchfloor.ingest.limits import Limits, size_text
from watchfloor.ingest.stream import Stream


class BodyLimits(msgspec.Struct, frozen=True):
    """What requests may cost.

    Attributes:
        request_bytes: How long a body may be, as it is sent.
        plain_bytes: How long it may be, unpacked.
        all_bytes: How much the bodies that are being read may hold together.
        seconds: How long a body may take to come.
    """

    request_bytes: int = 32 << 20
    plain_bytes: int = 256 << 20
    all_bytes: int = 256 << 20
    seconds: float = 60.0


class Bodies:
    """The bodies of all requests that are at hand."""

    def __init__(self, limits: BodyLimits) -> None:
        self.limits = limits
        self._held = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The body as it was sent; it counts as held until the block is left.

        Raises:
            HTTPException: 400, 408, 413 or 429.
        """
        pieces: list[bytes] = []
        try:
            await self._receive(request, pieces)
            yield b"".join(pieces)
        finally:
            self._held -= sum(map(len, pieces))

    async def _receive(self, request: Request, pieces: list[bytes]) -> None:
        most = self.limits.request_bytes
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > most:
            raise HTTPException(413, f"longer than {size_text(most)}")
        size = 0
        try:
            async with asyncio.timeout(self.limits.seconds):
                async for piece in request.stream():
                    pieces.append(piece)
                    size += len(piece)
                    self._held += len(piece)
                    if size > most:
                        raise HTTPException(413, f"longer than {size_text(most)}")
                    if self._held > self.limits.all_bytes:
                        raise HTTPException(429, "too many requests at once", {"Retry-After": "1"})
        except TimeoutError:
            raise HTTPException(408, f"the body did not come within {self.limits.seconds:g} seconds") from None
        except ClientDisconnect:
            raise HTTPException(400, "the connection ended inside the body") from None

    def plain(self, body: bytes, encoding: str) -> bytes:
        """A body without its ``Content-Encoding``.

        Raises:
            HTTPException: 400: it is not packed so; 413: too long; 415: another encoding.
        """
        match encoding.strip().lower():
            case "" | "identity":
                return body
            case "gzip" | "x-gzip" if body.startswith(GZIP_MAGIC):
                chunks = gunzip(Stream([body]), Limits())
            case "zstd" if body.startswith(ZSTD_MAGIC):
                chunks = unzstd(Stream([body]), Limits())
            case "deflate":
                chunks = _inflate(body)
            case "gzip" | "x-gzip" | "zstd":
                raise HTTPException(400, "the body is not in the encoding that Content-Encoding names")
            case _:
                raise HTTPException(415, "Content-Encoding may be gzip, zstd or deflate")
        return self._joined(chunks)

    def _joined(self, chunks: Iterator[bytes]) -> bytes:
        plain = bytearray()
        try:
            for chunk in chunks:
                plain += chunk
                if len(plain) > self.limits.plain_bytes:
                    raise HTTPException(413, f"longer than {size_text(self.limits.plain_bytes)}, unpacked")
        except RecordError as error:
            raise HTTPException(400, f"the body cannot be unpacked: {error}") from None
        return bytes(plain)


def _inflate(body: bytes) -> Iterator[bytes]:
    unpack = zlib.decompressobj()
    try:
        while body:
            yield unpack.decompress(body, 1 << 20)
            body = unpack.unconsumed_tail
    except zlib.error:
        raise RecordError("broken deflate") from None
    if not unpack.eof:
        raise RecordError("the stream breaks off")
