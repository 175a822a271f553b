"""The bytes of a file by their offsets, plain or compressed, and the marks by which a file is known again."""

import os
from collections.abc import Iterator
from hashlib import blake2b
from typing import Protocol

from watchfloor.errors import RecordError
from watchfloor.ingest.compression import GZIP_MAGIC, ZSTD_MAGIC, gunzip, unzstd
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.stream import file_chunks

MARK_BYTES = 1024
_OPENING = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class Bytes(Protocol):
    """The content of a file."""

    packed: bool
    """Whether it is compressed, and so whole: it will not grow."""

    def at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``offset`` on; fewer where the content ends for now.

        Raises:
            RecordError: It is damaged from here on.
            OSError: It cannot be read.
        """
        ...

    def size(self) -> int:
        """How large the file is, as it lies there."""
        ...

    def close(self) -> None:
        """Done with."""
        ...


class Plain:
    """A file as it lies there."""

    packed = False

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def at(self, offset: int, count: int) -> bytes:
        """See :class:`Bytes`."""
        return os.pread(self._descriptor, count, offset)

    def size(self) -> int:
        """See :class:`Bytes`."""
        return os.fstat(self._descriptor).st_size

    def close(self) -> None:
        """See :class:`Bytes`."""
        os.close(self._descriptor)


class Upto:
    """What stands before an offset, as if the content ended there for now."""

    def __init__(self, content: Bytes, end: int) -> None:
        self.packed = content.packed
        self._content = content
        self._end = end

    def at(self, offset: int, count: int) -> bytes:
        """See :class:`Bytes`."""
        return self._content.at(offset, min(count, max(self._end - offset, 0)))

    def size(self) -> int:
        """See :class:`Bytes`."""
        return min(self._content.size(), self._end)

    def close(self) -> None:
        """See :class:`Bytes`."""
        self._content.close()


class Packed:
    """What is in a gzip or zstandard file; cheap as long as offsets grow."""

    packed = True

    def __init__(self, descriptor: int, limits: Limits) -> None:
        self._file = os.fdopen(descriptor, "rb")
        self._limits = limits
        self._start = 0
        self._data = b""
        self._chunks: Iterator[bytes] = iter(())
        self._broken: RecordError | None = None
        self._rewind()

    def at(self, offset: int, count: int) -> bytes:
        """See :class:`Bytes`."""
        if offset < self._start:
            self._rewind()
        while self._start + len(self._data) < offset + count and (chunk := self._chunk()):
            self._drop_until(offset)
            self._data += chunk
        self._drop_until(offset)
        if self._broken and not self._data:
            raise self._broken
        return self._data[:count]

    def size(self) -> int:
        """See :class:`Bytes`."""
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """See :class:`Bytes`."""
        self._file.close()

    def _chunk(self) -> bytes:
        try:
            return next(self._chunks, b"")
        except RecordError as error:
            # What came before the damage is good.
            self._broken = error
            return b""

    def _rewind(self) -> None:
        self._file.seek(0)
        head = self._file.read(len(ZSTD_MAGIC))
        self._file.seek(0)
        unpack = unzstd if head == ZSTD_MAGIC else gunzip
        self._chunks = unpack(file_chunks(self._file), self._limits)
        self._start, self._data, self._broken = 0, b"", None

    def _drop_until(self, offset: int) -> None:
        passed = min(max(offset - self._start, 0), len(self._data))
        if passed:
            self._data = self._data[passed:]
            self._start += passed


def open_bytes(path: str, *, device: int, inode: int, limits: Limits, follow: bool) -> Bytes | None:
    """The content of the file at ``path``, if it is still the one that was found there.

    Raises:
        OSError: It cannot be opened.
    """
    descriptor = os.open(path, _OPENING | (0 if follow else os.O_NOFOLLOW))
    try:
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != (device, inode):
            os.close(descriptor)
            return None
        packed = os.pread(descriptor, len(ZSTD_MAGIC), 0).startswith((GZIP_MAGIC, ZSTD_MAGIC))
    except OSError:
        os.close(descriptor)
        raise
    return Packed(descriptor, limits) if packed else Plain(descriptor)


def head_mark(content: Bytes, offset: int) -> str:
    """What stands in the first bytes, as far as they are before ``offset``.

    Raises:
        OSError: It cannot be read.
    """
    return _digest(content, 0, min(offset, MARK_BYTES))


def tail_mark(content: Bytes, offset: int) -> str:
    """What stands right before ``offset``.

    Raises:
        OSError: It cannot be read.
    """
    count = min(offset, MARK_BYTES)
    return _digest(content, offset - count, count)


def _digest(content: Bytes, offset: int, count: int) -> str:
    try:
        data = content.at(offset, count)
    except RecordError:
        data = b""
    return blake2b(data, digest_size=16).hexdigest() if len(data) == count else ""
