"""Opens what is wrapped around records: compressions, archives, encodings. Each is recognised by its first bytes."""

from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from watchfloor.errors import RecordError
from watchfloor.ingest.archive import ZIP_MAGIC, copy, members
from watchfloor.ingest.compression import GZIP_MAGIC, ZSTD_MAGIC, ZSTD_SKIPPABLE, gunzip, unzstd
from watchfloor.ingest.evtx import EVTX_MAGIC, EventLog
from watchfloor.ingest.files import place
from watchfloor.ingest.frame import Item, Unreadable, frame
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.stream import Stream, utf8
from watchfloor.ingest.text import Text

_HEAD = 8
_MAX_ZIPS = 2
"""An archive, and an archive in it."""
_IN_MEMORY = 16 << 20

Delivery = tuple[str, Iterator[Item]]
"""A file or archive member, by its path, and what is in it."""


def deliveries(stream: Stream, path: str, limits: Limits, *, layers: int = 0, zips: int = 0) -> Iterator[Delivery]:
    """What a stream holds: itself, or the members of the archive that it is.

    A delivery's items must be used up before the next one is asked for.
    """
    head = stream.peek(_HEAD)
    archive = head.startswith(ZIP_MAGIC)
    packed = head.startswith((GZIP_MAGIC, ZSTD_MAGIC, *ZSTD_SKIPPABLE))
    if not archive and not packed:
        yield path, _items(stream, limits, empty=not head)
    elif layers >= limits.layers:
        yield path, _problem(f"more than {limits.layers} compressions inside each other")
    elif packed:
        unpack = gunzip if head.startswith(GZIP_MAGIC) else unzstd
        yield from deliveries(Stream(unpack(stream, limits)), path, limits, layers=layers + 1, zips=zips)
    elif zips >= _MAX_ZIPS:
        yield path, _problem("an archive inside an archive inside an archive is not opened")
    else:
        yield from _members(stream, path, limits, layers=layers + 1, zips=zips + 1)


def _members(stream: Stream, path: str, limits: Limits, *, layers: int, zips: int) -> Iterator[Delivery]:
    empty = True
    try:
        with ExitStack() as stack:
            file = stream.file or _spool(stream, limits, stack)
            for member in members(file, limits):
                name = f"{path}!{place(member.name)}"
                yield from deliveries(member.stream, name, limits, layers=layers, zips=zips)
                empty = False
    except RecordError as error:
        yield path, _problem(str(error))
    else:
        if empty:
            yield path, _problem("an archive without files")


def _spool(stream: Stream, limits: Limits, stack: ExitStack) -> BinaryIO:
    """The stream in a seekable file: in memory, or in a file without a name if it is large."""
    file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the stack closes it
    spooled = cast("BinaryIO", stack.enter_context(file))
    copy(stream, spooled, limits)
    return spooled


def _items(stream: Stream, limits: Limits, *, empty: bool) -> Iterator[Item]:
    if empty and not stream.failed:
        return _problem("empty file")
    if stream.peek(_HEAD) == EVTX_MAGIC:
        return frame(stream, EventLog, limits)
    return frame(utf8(stream), Text, limits)


def _problem(reason: str) -> Iterator[Item]:
    """What concerns the whole file; it stands at line 1."""
    return iter((Unreadable(reason, 1),))
