"""Reads binary Windows event logs (.evtx).

Each chunk of 64 KiB is complete in itself, so chunks are read one at a time, each as a log of its own: a log may come
from a pipe or an archive, need not fit into memory, and damage in one chunk leaves the others as they are.
"""

import io
import struct
import zlib
from collections.abc import Iterator

from evtx import PyEvtxParser

from watchfloor.ingest.frame import Item, Record, Refuse, too_long, unreadable
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

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._data = b""
        self._begun = False
        self._position = 1
        self._junk: Refuse | None = None

    def feed(self, chunk: bytes) -> list[Item]:
        """Take the next bytes; give the records of the chunks that they complete."""
        items: list[Item] = []
        data, at = self._data + chunk, 0
        if not self._begun and len(data) >= _HEADER_BYTES:
            self._begun, at = True, _HEADER_BYTES
        while self._begun and len(data) - at >= _CHUNK_BYTES:
            items += self._block(data[at : at + _CHUNK_BYTES])
            at += _CHUNK_BYTES
        self._data = data[at:]
        return items

    def close(self, broken: str | None) -> list[Item]:
        """The bytes are over: of a chunk that is cut off, the whole records are given."""
        if not self._begun:
            return [unreadable(broken or "event log cut off inside its header", 1, self._data)]
        cut = self._data
        items = self._block(cut.ljust(_CHUNK_BYTES, b"\0"), cut_off=True)
        items += self._end_junk()
        if broken or cut.strip(b"\0"):
            items.append(unreadable(broken or "event log cut off inside a chunk", self._position, cut))
        return items

    def _block(self, block: bytes, *, cut_off: bool = False) -> list[Item]:
        if block.startswith(_CHUNK_MAGIC):
            return self._end_junk() + self._chunk(block, cut_off=cut_off)
        if block.strip(b"\0") and not cut_off:
            self._junk = self._junk or Refuse("not an event log chunk", self._position)
            self._junk.add(block)
        return []

    def _end_junk(self) -> list[Item]:
        junk, self._junk = self._junk, None
        return [junk.item()] if junk else []

    def _chunk(self, block: bytes, *, cut_off: bool) -> list[Item]:
        items: list[Item] = []
        for text in _texts(block):
            if isinstance(text, str):
                items.append(self._record(text.encode("utf-8", "replace")))
            elif cut_off:
                break
            else:
                detail = f" ({' '.join(str(text).split())[:_MAX_DETAIL]})"
                items.append(unreadable("broken event log record", self._position, b"", detail=detail))
            self._position += 1
        return items

    def _record(self, raw: bytes) -> Item:
        if len(raw) > self._limits.record_bytes:
            return too_long(self._limits, self._position).add(raw).item()
        return Record(raw, self._position)


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
