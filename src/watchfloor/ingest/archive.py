"""The members of a zip archive as streams; nothing is ever written under a member's name."""

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from watchfloor.errors import RecordError
from watchfloor.ingest.compression import Meter, gather
from watchfloor.ingest.limits import Limits, size_text
from watchfloor.ingest.stream import CHUNK_BYTES, Stream

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED = 0x1
_TAIL_BYTES = (1 << 16) + 256
"""A directory's end, with its longest comment, is in the last so many bytes."""
_ENTRY_BYTES = 512
"""The mean size of a directory entry that is allowed for."""
_IN_ZIP64 = 0xFFFFFFFF
_BOUNDED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Methods for which a read gives no more than it was asked for; others decompress all that they read."""
_SMALL_READ = 4096

_BAD_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
)
"""What reading a damaged or hostile archive raises."""


class Member(NamedTuple):
    """A file in an archive; reading its stream gives the reason if it cannot be read."""

    name: str
    stream: Stream


def copy(stream: Stream, file: BinaryIO, limits: Limits) -> None:
    """Copy a stream into a seekable file.

    Raises:
        RecordError: The stream breaks off, or is over the limit.
    """
    for chunk in stream:
        file.write(chunk)
        if file.tell() > limits.spool_bytes:
            raise RecordError(f"an archive inside a stream, larger than the limit of {size_text(limits.spool_bytes)}")


def members(file: BinaryIO, limits: Limits) -> Iterator[Member]:
    """The files in a zip archive, in its directory's order.

    Raises:
        RecordError: The directory cannot be read, there are too many members, or they decompress to too much in all;
            what came before is good.
    """
    size = _check_directory(file, limits)
    try:
        archive = zipfile.ZipFile(file)
    except _BAD_ZIP as error:
        raise RecordError(f"not a whole zip archive ({error})") from error
    total = Meter(limits, limits.archive_bytes, taken=size)
    with archive:
        for count, info in enumerate(archive.infolist()):
            if count >= limits.members:
                raise RecordError(f"more than the limit of {limits.members:,} members; the rest is not read")
            if not info.filename.endswith("/"):
                meter = Meter(limits, limits.stream_bytes, taken=min(info.compress_size, size))
                yield Member(info.filename, Stream(gather(_chunks(archive, info), meter, total)))
            if total.exceeded:
                raise RecordError("the members together decompress to more than the limit; the rest is not read")


def _chunks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    if info.flag_bits & _ENCRYPTED:
        raise RecordError("encrypted archive member")
    size = CHUNK_BYTES if info.compress_type in _BOUNDED else _SMALL_READ
    try:
        with archive.open(info) as member:
            while chunk := member.read(size):
                yield chunk
    except _BAD_ZIP as error:
        raise RecordError(f"damaged archive member ({error})") from error


def _check_directory(file: BinaryIO, limits: Limits) -> int:
    """The archive's size; refuses a directory that would take too much memory."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - _TAIL_BYTES, 0))
    tail = file.read(_TAIL_BYTES)
    claimed = [_number("<I", tail, found.start() + 12) for found in re.finditer(rb"PK\x05\x06", tail)]
    claimed += [_number("<Q", tail, found.start() + 40) for found in re.finditer(rb"PK\x06\x06", tail)]
    most = limits.members * _ENTRY_BYTES
    if any(most < number != _IN_ZIP64 for number in claimed):
        raise RecordError(f"a directory larger than {limits.members:,} members need")
    file.seek(0)
    return size


def _number(layout: str, data: bytes, at: int) -> int:
    part = data[at : at + struct.calcsize(layout)]
    return int(struct.unpack(layout, part)[0]) if len(part) == struct.calcsize(layout) else 0
