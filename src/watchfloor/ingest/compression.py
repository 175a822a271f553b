"""Decompresses gzip and zstandard streams, in bounded memory and up to a bound."""

import zlib
from collections.abc import Iterable, Iterator

import zstandard

from watchfloor.errors import RecordError
from watchfloor.ingest.limits import Limits, size_text
from watchfloor.ingest.stream import CHUNK_BYTES

GZIP_MAGIC = b"\x1f\x8b\x08"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = tuple(bytes([0x50 + number]) + b"\x2a\x4d\x18" for number in range(16))

_GZIP_PIECE = 16 << 10
"""It gives up to 16 MiB."""
_ZSTD_PIECE = 1 << 10
"""Four bytes of zstandard give up to 128 KiB, and its decompressor cannot be told to give less: a piece is 32 MiB."""
_ZSTD_WINDOW = 128 << 20
_ENOUGH = 256 << 10


class Meter:
    """What has gone into a decompression and come out of it.

    Raises:
        RecordError: From :meth:`give`, when a limit is exceeded; says which.
    """

    def __init__(self, limits: Limits, most: int, *, taken: int = 0) -> None:
        self._limits = limits
        self._most = most
        self.taken = taken
        self.given = 0
        self.exceeded = False

    def give(self, count: int) -> None:
        """So many bytes have come out."""
        self.given += count
        if self.given > self._most:
            self._exceed(size_text(self._most))
        after = self._limits.ratio_after
        if self.given > after and self.given > self._limits.ratio * self.taken:
            self._exceed(f"{self._limits.ratio} times its size (from {size_text(after)} on)")

    def _exceed(self, limit: str) -> None:
        self.exceeded = True
        raise RecordError(f"decompresses to more than the limit of {limit}; reading stopped there")


def gunzip(chunks: Iterable[bytes], limits: Limits) -> Iterator[bytes]:
    """Decompress gzip, of any number of members; zero bytes between and behind them are padding.

    Raises:
        RecordError: The data is cut off, damaged, followed by something else, or over a limit.
    """
    meter = Meter(limits, limits.stream_bytes)
    return gather(_gunzip(_pieces(chunks, _GZIP_PIECE, meter)), meter)


def _gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    member = None
    for piece in pieces:
        data = piece
        while data:
            if member is None:
                data = data.lstrip(b"\0")
                member = zlib.decompressobj(wbits=31) if data else None
                continue
            before = member.copy()
            try:
                yield member.decompress(data)
            except zlib.error as error:
                yield from _salvage(before, data)
                raise RecordError(f"damaged gzip data ({error})") from error
            data = member.unused_data
            member = None if member.eof else member
    if member is not None:
        raise RecordError("gzip data is cut off")


def _salvage(member: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """What comes before the damage: a failed call gives nothing of it."""
    for at in range(len(data)):
        try:
            yield member.decompress(data[at : at + 1])
        except zlib.error:
            return


def unzstd(chunks: Iterable[bytes], limits: Limits) -> Iterator[bytes]:
    """Decompress zstandard, of any number of frames.

    Raises:
        RecordError: The data is cut off, damaged, followed by something else, over a limit, or needs a window of more
            than 128 MiB.
    """
    meter = Meter(limits, limits.stream_bytes)
    return gather(_unzstd(_pieces(chunks, _ZSTD_PIECE, meter)), meter)


def _unzstd(pieces: Iterable[bytes]) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = None
    for piece in pieces:
        data = piece
        while data:
            frame = frame or decompressor.decompressobj()
            try:
                yield frame.decompress(data)
            except zstandard.ZstdError as error:
                raise RecordError(f"damaged zstandard data ({error})") from error
            data = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame is not None:
        raise RecordError("zstandard data is cut off")


def _pieces(chunks: Iterable[bytes], size: int, meter: Meter) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), size):
            piece = chunk[start : start + size]
            meter.taken += len(piece)
            yield piece


def gather(chunks: Iterable[bytes], *meters: Meter) -> Iterator[bytes]:
    """Measure chunks, join small ones and cut large ones; an error comes after what was gathered before it."""
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in chunks:
            for meter in meters:
                meter.give(len(chunk))
            parts.append(chunk)
            size += len(chunk)
            if size >= _ENOUGH:
                yield from _cut(parts)
                parts, size = [], 0
    except RecordError:
        yield from _cut(parts)
        raise
    yield from _cut(parts)


def _cut(parts: Iterable[bytes]) -> Iterator[bytes]:
    data = b"".join(parts)
    for start in range(0, len(data), CHUNK_BYTES):
        yield data[start : start + CHUNK_BYTES]
