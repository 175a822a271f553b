"""A stream of bytes as chunks, with a look at its beginning, in UTF-8 whatever it was written in."""

import codecs
import io
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, cast

from watchfloor.errors import RecordError

CHUNK_BYTES = 1 << 20
_UTF8_MARK = codecs.BOM_UTF8
_UTF16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_UTF16_STARTS = {
    **{start.encode() + b"\0": "utf-16-le" for start in "{[<"},
    **{b"\0" + start.encode(): "utf-16-be" for start in "{[<"},
}


class Stream:
    """Bytes in order. ``file`` is the seekable file behind them, where there is one.

    Iterating raises :class:`~watchfloor.errors.RecordError` where the bytes break off; a look ahead never does.
    """

    def __init__(self, chunks: Iterable[bytes], *, file: BinaryIO | None = None) -> None:
        self.file = file
        self._chunks = iter(chunks)
        self._head = b""
        self._error: RecordError | None = None

    def peek(self, count: int) -> bytes:
        """The first ``count`` bytes, or all there are; they stay in the stream."""
        while len(self._head) < count and self._error is None:
            try:
                chunk = next(self._chunks, None)
            except RecordError as error:
                self._error = error
                break
            if chunk is None:
                break
            self._head += chunk
        return self._head[:count]

    @property
    def failed(self) -> bool:
        """Whether the look ahead met the place where the bytes break off."""
        return self._error is not None

    def __iter__(self) -> Iterator[bytes]:
        head, self._head = self._head, b""
        if head:
            yield head
        if self._error:
            raise self._error
        yield from self._chunks


class WatchedFile:
    """A binary file that reports how many bytes were read from it; stands wherever a reader expects a file."""

    def __init__(self, file: BinaryIO, report: Callable[[int], None]) -> None:
        self._file = file
        self._report = report
        self._done = 0

    def read(self, size: int = -1) -> bytes:
        """Read, and report."""
        data = self._file.read(size)
        self._done += len(data)
        self._report(self._done)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._file.tell()

    def seekable(self) -> bool:
        """Whether :meth:`seek` works."""
        return self._file.seekable()


def file_stream(file: BinaryIO, report: Callable[[int], None]) -> Stream:
    """The bytes of an open file, reported as they are read; the file stays the caller's to close."""
    watched = cast("BinaryIO", WatchedFile(file, report))
    return Stream(file_chunks(watched), file=watched if file.seekable() else None)


def file_chunks(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file.

    Raises:
        RecordError: It cannot be read on.
    """
    while True:
        try:
            chunk = file.read(CHUNK_BYTES)
        except OSError as error:
            raise RecordError(f"cannot be read: {error.strerror or error}") from error
        if not chunk:
            return
        yield chunk


def utf8(stream: Stream) -> Iterator[bytes]:
    """The chunks of a text stream without its byte order mark; UTF-16 becomes UTF-8.

    UTF-16 is recognised by its mark, or by a first character that is a bracket. What is no valid UTF-16 is replaced.
    """
    head = stream.peek(4)
    if head.startswith(_UTF8_MARK):
        return _without(stream, len(_UTF8_MARK))
    for mark, name in _UTF16_MARKS.items():
        if head.startswith(mark):
            return _transcode(_without(stream, len(mark)), name)
    name = _UTF16_STARTS.get(head[:2], "")
    return _transcode(stream, name) if name else iter(stream)


def _without(chunks: Iterable[bytes], count: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk[count:]
        count = max(count - len(chunk), 0)


def _transcode(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)("replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()
