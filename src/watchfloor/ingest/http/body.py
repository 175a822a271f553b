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
        all_bytes: How much the bodies that are at hand may hold together, as they were sent and unpacked.
        seconds: How long a body may take to come.
        records: How many records a body may hold; each costs memory of its own, however small it is.
    """

    request_bytes: int = 32 << 20
    plain_bytes: int = 128 << 20
    all_bytes: int = 256 << 20
    seconds: float = 60.0
    records: int = 100_000

    def check_records(self, count: int) -> None:
        """Refuse a body with too many records.

        Raises:
            HTTPException: 413.
        """
        if count > self.records:
            raise HTTPException(413, f"more than {self.records} records")


class Bodies:
    """The bodies of all requests that are at hand."""

    def __init__(self, limits: BodyLimits) -> None:
        self.limits = limits
        self._held = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The body without its ``Content-Encoding``; it counts as held until the block is left.

        Raises:
            HTTPException: 400, 408, 413, 415 or 429.
        """
        pieces: list[bytes] = []
        unpacked: list[bytes] = []
        try:
            await self._receive(request, pieces)
            body = b"".join(pieces)
            chunks = _unpacked(body, request.headers.get("content-encoding", ""))
            if chunks is None:
                yield body
            else:
                await self._unpack(chunks, unpacked)
                yield b"".join(unpacked)
        finally:
            self._held -= sum(map(len, pieces)) + sum(map(len, unpacked))

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
                    self._hold(len(piece))
                    if size > most:
                        raise HTTPException(413, f"longer than {size_text(most)}")
        except TimeoutError:
            raise HTTPException(408, f"the body did not come within {self.limits.seconds:g} seconds") from None
        except ClientDisconnect:
            raise HTTPException(400, "the connection ended inside the body") from None

    async def _unpack(self, chunks: Iterator[bytes], unpacked: list[bytes]) -> None:
        size = 0
        try:
            for chunk in chunks:
                unpacked.append(chunk)
                size += len(chunk)
                self._hold(len(chunk))
                if size > self.limits.plain_bytes:
                    raise HTTPException(413, f"longer than {size_text(self.limits.plain_bytes)}, unpacked")
                # Others are served between two chunks.
                await asyncio.sleep(0)
        except RecordError as error:
            raise HTTPException(400, f"the body cannot be unpacked: {error}") from None

    def _hold(self, size: int) -> None:
        self._held += size
        if self._held > self.limits.all_bytes:
            raise HTTPException(429, "too many requests at once", {"Retry-After": "1"})


def _unpacked(body: bytes, encoding: str) -> Iterator[bytes] | None:
    """A body unpacked, in chunks; nothing if it is not packed.

    Raises:
        HTTPException: 400: it is not packed so; 415: another encoding.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" if body.startswith(GZIP_MAGIC):
            return gunzip(Stream([body]), Limits())
        case "zstd" if body.startswith(ZSTD_MAGIC):
            return unzstd(Stream([body]), Limits())
        case "deflate":
            return _inflate(body)
        case "gzip" | "x-gzip" | "zstd":
            raise HTTPException(400, "the body is not in the encoding that Content-Encoding names")
        case _:
            raise HTTPException(415, "Content-Encoding may be gzip, zstd or deflate")


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
