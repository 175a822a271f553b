"""The landing zone: what arrived, on disk before anybody is told that it was taken.

Arrivals of a few milliseconds become one segment: an Arrow stream of :data:`~watchfloor.event.RAW_SCHEMA` in a
zstandard frame with a checksum, written under a temporary name, flushed to the disk, renamed, and its folder flushed.
Segments are numbered from 1 in the order in which they were written; numbers grow and are never used again, some may be
missing. Everything behind the landing zone can be made again from its segments.

One process writes; others may read.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import msgspec
import pyarrow as pa
import zstandard

from watchfloor.arrival import Arrival
from watchfloor.errors import OverloadError, StoreError, storing
from watchfloor.event import RAW_SCHEMA

RESERVE_BYTES = 256 << 20
"""Disk space that is left to what stands behind: the lake and the findings of what has landed already."""

FULL_RETRY = 30.0
"""Seconds until a sender may find room on a disk that was full."""

_SUFFIX = ".arrow.zst"
_DIGITS = 16
_LOCK = "lock"
_NUMBER = "number"


class Segment(msgspec.Struct, frozen=True, order=True):
    """One file of the landing zone; ``size`` is in bytes, as it lies there."""

    number: int
    path: Path
    size: int

    def read(self) -> pa.RecordBatch:
        """Its records, as :data:`~watchfloor.event.RAW_SCHEMA`.

        Raises:
            StoreError: It cannot be read, or is not as it was written.
        """
        with storing(self.path):
            data = self.path.read_bytes()
        try:
            with pa.ipc.open_stream(zstandard.ZstdDecompressor().decompressobj().decompress(data)) as reader:
                return reader.read_next_batch()
        except (zstandard.ZstdError, pa.ArrowException, StopIteration) as error:
            raise StoreError(f"{self.path}: not as it was written: {error}") from error


class Landing:
    """Writes segments into a folder; each call is done when it returns. Use as a context manager.

    Args:
        after: Numbers begin behind this one, whatever is in the folder: segments up to it have been worked on.
        free: How many bytes of a folder's disk are free.

    Raises:
        StoreError: The folder cannot be written, or another process writes into it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        after: int = 0,
        reserve: int = RESERVE_BYTES,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._folder = folder
        self._reserve = reserve
        self._free = free
        with storing(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = (folder / _LOCK).open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise StoreError(f"{folder}: another process writes here") from error
        with storing(folder):
            for leftover in folder.glob(f".*{_SUFFIX}"):
                leftover.unlink()
        self._next = 1 + max(self._remembered(), *(one.number for one in segments(folder)), after)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let another process write."""
        self._lock.close()

    def write(self, arrivals: Sequence[Arrival], *, now: int) -> Segment:
        """Make one segment of arrivals, stamped with the time ``now`` (ms, UTC).

        Raises:
            OverloadError: The disk is full, but for what is reserved.
            StoreError: It cannot be written. If the last step failed, it may be found there after a restart.
        """
        data = _encoded(arrivals, now)
        path = self._folder / f"{self._next:0{_DIGITS}}{_SUFFIX}"
        part = self._folder / f".{path.name}"
        with storing(path):
            if self._free(self._folder) - len(data) < self._reserve:
                raise OverloadError(f"{self._folder}: the disk is full", retry_after=FULL_RETRY)
            try:
                _write_through(part, data)
            except OSError:
                with suppress(OSError):
                    part.unlink()
                raise
            # From here on the number counts as used, whatever happens.
            self._next += 1
            part.rename(path)
            _flush_folder(self._folder)
        return Segment(self._next - 1, path, len(data))

    def forget(self, upto: int) -> None:
        """Delete the segments up to this number.

        Raises:
            StoreError: One cannot be deleted.
        """
        with storing(self._folder):
            # Or the numbers would begin again after a restart, if no segment is left.
            part = self._folder / f".{_NUMBER}"
            _write_through(part, str(self._next - 1).encode())
            part.rename(self._folder / _NUMBER)
            _flush_folder(self._folder)
            for one in segments(self._folder):
                if one.number > upto:
                    break
                one.path.unlink()

    def _remembered(self) -> int:
        path = self._folder / _NUMBER
        with storing(path):
            if not path.exists():
                return 0
            text = path.read_text()
        if not text.isdecimal():
            raise StoreError(f"{path}: not a number")
        return int(text)


def segments(folder: Path, *, after: int = 0) -> Iterator[Segment]:
    """The segments in a folder behind this number, in their order; those that vanish meanwhile are left out.

    Raises:
        StoreError: The folder cannot be read.
    """
    with storing(folder), os.scandir(folder) as entries:
        names = sorted(one.name for one in entries if _is_segment(one.name))
    for name in names:
        number = int(name.removesuffix(_SUFFIX))
        if number > after:
            with suppress(FileNotFoundError):
                yield Segment(number, folder / name, (folder / name).stat().st_size)


def _is_segment(name: str) -> bool:
    number = name.removesuffix(_SUFFIX)
    return name.endswith(_SUFFIX) and len(number) == _DIGITS and number.isdecimal() and number.isascii()


def _encoded(arrivals: Sequence[Arrival], now: int) -> bytes:
    sizes = [len(one.raw) for one in arrivals]
    columns = {
        "tenant": _repeated([one.tenant for one in arrivals], sizes),
        "raw": pa.array((raw for one in arrivals for raw in one.raw), pa.binary(), size=sum(sizes)),
        "path": _repeated([one.path for one in arrivals], sizes),
        "line": pa.array([line for one in arrivals for line in one.line], pa.int64()),
        "index": pa.array([index for one in arrivals for index in one.index or [None] * len(one.raw)], pa.int32()),
        "ordinal": pa.array([ordinal for one in arrivals for ordinal in one.ordinal], pa.int64()),
        "ingested_at": pa.repeat(pa.scalar(now, pa.int64()), sum(sizes)),
        "source": _repeated([one.source for one in arrivals], sizes),
    }
    batch = pa.RecordBatch.from_arrays([columns[name] for name in RAW_SCHEMA.names], schema=RAW_SCHEMA)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, RAW_SCHEMA) as writer:
        writer.write_batch(batch)
    return zstandard.ZstdCompressor(level=1, write_checksum=True).compress(sink.getvalue())


def _repeated(values: Sequence[str | None], times: Sequence[int]) -> pa.StringArray:
    """Each value as often as it says."""
    places = [place for place, count in enumerate(times) for _ in range(count)]
    return pa.array(values, pa.string()).take(pa.array(places, pa.int64()))


def _write_through(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    with _opened(folder) as descriptor:
        os.fsync(descriptor)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
