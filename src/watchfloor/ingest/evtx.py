"""Reads binary Windows event logs (.evtx).

Each chunk of 64 KiB is complete in itself, so chunks are read one at a time, each as a log of its own: a log may come
from a pipe or an archive, need not fit into memory, and damage in one chunk leaves the others as they are.
"""

import io
import struct
import zlib
from collections.abc import Iterator

from evtx import PyEvtxParser

from watchfloor.ingest.frame import Items, Refuse, too_long, unreadable
from watchfloor.ingest.limits import Limits

EVTX_MAGIC = b"ElfFile\0"
_CHUNK_MAGIC = b"ElfChnk\0"
_HEADER_BYTES = 4096
_CHUNK_BYTES = 65536
_MOST_RECORDS = _CHUNK_BYTES // 24
"""A record's header alone takes so much; bounds the errors that one chunk may give."""
_MAX_DETAIL = 200
_BAD_EVTX = (RuntimeError, OSError, ValueError)


def _header() -> bytes:
    """The header of a log with one chunk."""
    head = struct.pack("<8sQQQIHHHH76xI", EVTX_MAGIC, 0, 0, 1, 128, 1, 3, _HEADER_BYTES, 1, 0)
    return (head + struct.pack("<I", zlib.crc32(head[:120]))).ljust(_HEADER_BYTES, b"\0")


_HEADER = _header()


class EventLog:
    """A framer for a log: its records as JSON texts, in the shape that the ``evtx`` package gives.

    An item's ``line`` is its position among the log's records, from 1. Chunks that were never used are passed over; a
    run of bytes that are no chunks is one item.
    """

    def __init__(self, limits: Limits, items: Items) -> None:
        self._limits = limits
        self._items = items
        self._data = b""
        self._begun = False
        self._position = 1
        self._junk: Refuse | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; find the records of the chunks that they complete."""
        data, at = self._data + chunk, 0
        if not self._begun and len(data) >= _HEADER_BYTES:
            self._begun, at = True, _HEADER_BYTES
        while self._begun and len(data) - at >= _CHUNK_BYTES:
            self._block(data[at : at + _CHUNK_BYTES])
            at += _CHUNK_BYTES
        self._data = data[at:]

    def close(self, broken: str | None) -> None:
        """The bytes are over: of a chunk that is cut off, the whole records are given."""
        cut = self._data
        if not self._begun:
            self._items.unreadable(unreadable(broken or "event log cut off inside its header", 1, cut))
            return
        self._block(cut.ljust(_CHUNK_BYTES, b"\0"), cut_off=True)
        self._end_junk()
        if broken or cut.strip(b"\0"):
            self._items.unreadable(unreadable(broken or "event log cut off inside a chunk", self._position, cut))

    def _block(self, block: bytes, *, cut_off: bool = False) -> None:
        if block.startswith(_CHUNK_MAGIC):
            self._end_junk()
            self._chunk(block, cut_off=cut_off)
        elif block.strip(b"\0") and not cut_off:
            self._junk = self._junk or Refuse("not an event log chunk", self._position)
            self._junk.add(block)

    def _end_junk(self) -> None:
        junk, self._junk = self._junk, None
        if junk:
            self._items.unreadable(junk.item())

    def _chunk(self, block: bytes, *, cut_off: bool) -> None:
        for text in _texts(block):
            if isinstance(text, str):
                self._record(text.encode("utf-8", "replace"))
            elif cut_off:
                break
            else:
                detail = f" ({' '.join(str(text).split())[:_MAX_DETAIL]})"
                self._items.unreadable(unreadable("broken event log record", self._position, b"", detail=detail))
            self._position += 1

    def _record(self, raw: bytes) -> None:
        if len(raw) > self._limits.record_bytes:
            self._items.unreadable(too_long(self._limits, self._position).add(raw).item())
        else:
            self._items.record(raw, self._position)


def _texts(chunk: bytes) -> Iterator[str | Exception]:
    """The records of a chunk, and what is wrong with those that cannot be read."""
    try:
        parser = PyEvtxParser(io.BytesIO(_HEADER + chunk), number_of_threads=1, indent=False)
        records = parser.records_json()
    except _BAD_EVTX as error:
        yield error
        return
    for _ in range(_MOST_RECORDS):
        try:
            record = next(records, None)
        except _BAD_EVTX as error:
            yield error
        else:
            if record is None:
                return
            yield record["data"]
