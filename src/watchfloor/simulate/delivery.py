"""How each product delivers its log: the files, their names, their formats, and where each record ends up in them.

Nothing here reads a clock, and compressed files carry no time of their own: the same records give the same bytes.
"""

import base64
import csv
import gzip
import hashlib
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

import orjson
import zstandard

from watchfloor.event import Origin
from watchfloor.simulate import windows
from watchfloor.simulate.record import MINUTE, Json, Record, Stream, moment

TRAIL_INTERVAL = 15 * MINUTE
"""How much event time one CloudTrail file holds."""

PORTAL_COLUMNS = (
    "RecordId",
    "CreationDate",
    "RecordType",
    "Operation",
    "UserId",
    "AuditData",
    "AssociatedAdminUnits",
    "AssociatedAdminUnitsNames",
)
"""The columns of an audit search that is exported from the Purview portal."""

Placed = Iterator[tuple[Record, Origin]]


class Delivery:
    """The open files of one simulation.

    ``put`` takes the records of one day in time order and returns where each was written: a path relative to ``out``,
    its 1-based line once decompressed, and for CloudTrail the position in ``Records``, from 0.
    """

    def __init__(self, out: Path, account: str) -> None:
        self._trail = _Trail(out, account)
        self._counters: dict[tuple[str, str], int] = {}
        self._files: dict[Stream, _Lines] = {}
        self._open = ExitStack()
        for stream, (name, opened, encode, header) in _FILES.items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files[stream] = _Lines(name, self._open.enter_context(opened(path)), encode, header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def put(self, records: Iterable[Record]) -> dict[Record, Origin]:
        """Write one day's records, which are in time order."""
        by_stream: defaultdict[Stream, list[Record]] = defaultdict(list)
        for record in records:
            by_stream[record.stream].append(record)
        places: dict[Record, Origin] = {}
        for stream, group in by_stream.items():
            if stream is Stream.CLOUDTRAIL:
                places.update(self._trail.put(group))
                continue
            if stream.value.startswith("windows/"):
                windows.number(group, self._counters)
            places.update(self._files[stream].put(group))
        return places


class _Lines:
    """A file with one record a line, after an optional header line."""

    def __init__(self, name: str, file: BinaryIO, encode: Callable[[Json], bytes], header: bytes) -> None:
        self._name = name
        self._file = file
        self._encode = encode
        self._line = 1 if header else 0
        file.write(header)

    def put(self, records: Iterable[Record]) -> Placed:
        for record in records:
            self._line += 1
            self._file.write(self._encode(record.body))
            yield record, Origin(self._name, self._line)


class _Trail:
    """A CloudTrail bucket: one gzipped ``{"Records": […]}`` for each region and interval."""

    def __init__(self, out: Path, account: str) -> None:
        self._out = out
        self._account = account

    def put(self, records: Iterable[Record]) -> Placed:
        groups: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)
        for record in records:
            groups[record.body["awsRegion"], record.time // TRAIL_INTERVAL].append(record)
        for (region, interval), group in groups.items():
            name = self._name(region, (interval + 1) * TRAIL_INTERVAL)
            path = self._out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            document = orjson.dumps({"Records": [record.body for record in group]})
            path.write_bytes(gzip.compress(document, mtime=0))
            yield from ((record, Origin(name, 1, index)) for index, record in enumerate(group))

    def _name(self, region: str, delivered: int) -> str:
        day, minute = moment(delivered, "%Y/%m/%d"), moment(delivered, "%Y%m%dT%H%MZ")
        digest = hashlib.sha256(f"{self._account}/{region}/{delivered}".encode()).digest()
        unique = base64.b32encode(digest).decode()[:16]
        folder = f"logs/aws/AWSLogs/{self._account}/CloudTrail/{region}/{day}"
        return f"{folder}/{self._account}_CloudTrail_{region}_{minute}_{unique}.json.gz"


def _plain(path: Path) -> BinaryIO:
    return path.open("wb")


def _zstandard(path: Path) -> BinaryIO:
    return cast("BinaryIO", zstandard.open(path, "wb", cctx=zstandard.ZstdCompressor(level=6)))


def _json_line(body: Json) -> bytes:
    return orjson.dumps(body) + b"\n"


def _portal_row(body: Json) -> bytes:
    created = body["CreationTime"] + ".0000000Z"
    audit = orjson.dumps(body).decode()
    named = (body["Id"], created, body["RecordType"], body["Operation"], body["UserId"], audit, "", "")
    return _csv_line(named)


def _csv_line(values: Iterable[object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(values)
    return text.getvalue().encode()


_PORTAL = _csv_line(PORTAL_COLUMNS)
_FILES: dict[Stream, tuple[str, Callable[[Path], BinaryIO], Callable[[Json], bytes], bytes]] = {
    Stream.OKTA: ("logs/okta/system_log.ndjson", _plain, _json_line, b""),
    Stream.ENTRA: ("logs/m365/audit_azureactivedirectory.ndjson", _plain, _json_line, b""),
    Stream.EXCHANGE: ("logs/m365/audit_exchange.ndjson", _plain, _json_line, b""),
    Stream.GENERAL: ("logs/m365/audit_general.ndjson", _plain, _json_line, b""),
    Stream.SHAREPOINT: ("logs/m365/audit_sharepoint_export.csv", _plain, _portal_row, _PORTAL),
    Stream.SECURITY: ("logs/windows/security.jsonl.zst", _zstandard, _json_line, b""),
    Stream.SYSTEM: ("logs/windows/system.jsonl.zst", _zstandard, _json_line, b""),
    Stream.SYSMON: ("logs/windows/sysmon.jsonl.zst", _zstandard, _json_line, b""),
    Stream.POWERSHELL: ("logs/windows/powershell.jsonl.zst", _zstandard, _json_line, b""),
}
"""Each log's file, how it is opened, how a record is encoded, and its first line. CloudTrail has many files."""
