"""Writes binary Windows event logs, so that tests and demonstrations can start from what Windows itself writes.

A file is a header and chunks of 64 KiB, each with its own header, checksums and records. Names and templates are never
shared between records, so records are larger than in a real log.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import msgspec

from watchfloor.testing.binary_xml import (
    Element,
    Value,
    filetime,
    fragment,
    guid,
    hex64,
    sid,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
)

FILE_HEADER_BYTES = 4096
CHUNK_BYTES = 65536
_CHUNK_HEADER_BYTES = 512
_RECORD_HEADER_BYTES = 24
_EPOCH_TICKS = 116_444_736_000_000_000
"""1970-01-01 in units of 100 ns since 1601-01-01."""
_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"


class WindowsEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What one record says: the fields of ``System``, and ``EventData`` as named strings.

    ``time`` is in milliseconds since the epoch, UTC. A ``provider_guid`` or ``user_sid`` of None is left out.
    """

    provider: str
    event_id: int
    channel: str
    computer: str
    time: int
    data: Mapping[str, str]
    provider_guid: UUID | None = None
    version: int = 0
    level: int = 0
    task: int = 0
    opcode: int = 0
    keywords: int = 0x8020_0000_0000_0000
    process_id: int = 4
    thread_id: int = 8
    user_sid: str | None = None


def evtx(events: Sequence[WindowsEvent], *, first_record_id: int = 1) -> bytes:
    """A whole .evtx file; records are numbered from ``first_record_id``.

    Raises:
        ValueError: An event does not fit into a chunk of 64 KiB, or one of its values not into 65,535 bytes.
    """
    chunks: list[bytes] = []
    open_chunk = _Chunk(first_record_id)
    for event in events:
        if not open_chunk.add(event):
            chunks.append(open_chunk.close())
            open_chunk = _Chunk(open_chunk.next_id)
            if not open_chunk.add(event):
                raise ValueError(f"event {open_chunk.next_id} does not fit into a chunk")
    if open_chunk.filled:
        chunks.append(open_chunk.close())
    return _file_header(len(chunks), open_chunk.next_id) + b"".join(chunks)


def _file_header(chunks: int, next_id: int) -> bytes:
    head = struct.pack("<7sxQQQIHHHH76xI", b"ElfFile", 0, max(chunks - 1, 0), next_id, 128, 1, 3, 4096, chunks, 0)
    return (head + struct.pack("<I", zlib.crc32(head[:120]))).ljust(FILE_HEADER_BYTES, b"\0")


class _Chunk:
    def __init__(self, first_id: int) -> None:
        self.next_id = self._first_id = first_id
        self._records = bytearray()
        self._last_at = 0

    @property
    def filled(self) -> bool:
        return self.next_id > self._first_id

    def add(self, event: WindowsEvent) -> bool:
        """Append a record; False, and nothing done, if it does not fit."""
        at = _CHUNK_HEADER_BYTES + len(self._records)
        record = _record(event, self.next_id, at)
        if at + len(record) > CHUNK_BYTES:
            return False
        self._records += record
        self._last_at = at
        self.next_id += 1
        return True

    def close(self) -> bytes:
        free = _CHUNK_HEADER_BYTES + len(self._records)
        numbers = (self._first_id, self.next_id - 1) * 2
        head = struct.pack("<7sx4Q4I64xI", b"ElfChnk", *numbers, 128, self._last_at, free, zlib.crc32(self._records), 1)
        tables = bytes(_CHUNK_HEADER_BYTES - len(head) - 4)
        checksum = struct.pack("<I", zlib.crc32(head[:120] + tables))
        return (head + checksum + tables + self._records).ljust(CHUNK_BYTES, b"\0")


def _record(event: WindowsEvent, record_id: int, at: int) -> bytes:
    ticks = event.time * 10_000 + _EPOCH_TICKS
    body = fragment(_tree(event, record_id, ticks), template_id=record_id, at=at + _RECORD_HEADER_BYTES)
    size = _RECORD_HEADER_BYTES + len(body) + 4
    return struct.pack("<2sxxIQQ", b"**", size, record_id, ticks) + body + struct.pack("<I", size)


def _tree(event: WindowsEvent, record_id: int, ticks: int) -> Element:
    data = tuple(Element("Data", (("Name", name),), string(text)) for name, text in event.data.items())
    parts = (Element("System", (), tuple(_system(event, record_id, ticks))), Element("EventData", (), data))
    return Element("Event", (("xmlns", _NAMESPACE),), parts)


def _system(event: WindowsEvent, record_id: int, ticks: int) -> Iterator[Element]:
    provider: tuple[tuple[str, Value | str], ...] = (("Name", event.provider),)
    if event.provider_guid:
        provider += (("Guid", guid(event.provider_guid)),)
    yield Element("Provider", provider)
    yield Element("EventID", (), uint16(event.event_id))
    yield Element("Version", (), uint8(event.version))
    yield Element("Level", (), uint8(event.level))
    yield Element("Task", (), uint16(event.task))
    yield Element("Opcode", (), uint8(event.opcode))
    yield Element("Keywords", (), hex64(event.keywords))
    yield Element("TimeCreated", (("SystemTime", filetime(ticks)),))
    yield Element("EventRecordID", (), uint64(record_id))
    yield Element("Correlation")
    yield Element("Execution", (("ProcessID", uint32(event.process_id)), ("ThreadID", uint32(event.thread_id))))
    yield Element("Channel", (), event.channel)
    yield Element("Computer", (), event.computer)
    yield Element("Security", (("UserID", sid(event.user_sid)),) if event.user_sid else ())
