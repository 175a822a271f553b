"""The lines of ``events.ndjson``: whole OCSF events, each with the exact bytes that its source delivered.

``raw_data`` is the record as text. Where the bytes are no UTF-8, that text is lossy, and the enrichment ``raw_data``
of type ``watchfloor`` holds them as base64. ``raw_data_hash`` is SHA-256 of the exact bytes in both cases.
:func:`watchfloor.evidence.verify.raw_bytes` gives them back.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, Self

import msgspec
import orjson

from watchfloor.errors import GateError
from watchfloor.evidence.verify import MAX_DOCUMENT

SPOOL_BYTES = 8 << 20


class RawEvent(msgspec.Struct, frozen=True):
    """An OCSF event, as :func:`watchfloor.event.to_ocsf` gives it, and the record's bytes."""

    ocsf: dict[str, Any]
    raw: bytes


class EventLines:
    """Events in the order of their time, whatever order they came in; at most 8 MiB of them in memory.

    An event that comes twice is written once. Two events that share a uid but differ are both written: evidence does
    not choose between them.

    Args:
        folder: Where events that do not fit in memory are kept until they are written.
    """

    def __init__(self, folder: Path) -> None:
        self._spool = SpooledTemporaryFile(SPOOL_BYTES, dir=str(folder))  # noqa: SIM115 - closed by __exit__
        self._index: list[tuple[int, str, bytes, int, int]] = []
        self._seen: set[bytes] = set()
        self.uids: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    def __len__(self) -> int:
        return len(self._index)

    def add(self, events: Iterable[RawEvent]) -> None:
        """Take events.

        Raises:
            GateError: An event without a uid, or one that a line of JSON cannot hold.
        """
        for event in events:
            time, uid = _place(event.ocsf)
            line = _line(event, uid)
            digest = hashlib.sha256(line).digest()
            if digest not in self._seen:
                self._seen.add(digest)
                self.uids.add(uid)
                self._index.append((time, uid, digest, self._spool.tell(), len(line)))
                self._spool.write(line)

    def __iter__(self) -> Iterator[bytes]:
        """The lines, by time and uid. To be called after the last :meth:`add`."""
        for *_, offset, size in sorted(self._index):
            self._spool.seek(offset)
            yield self._spool.read(size)


def _place(ocsf: dict[str, Any]) -> tuple[int, str]:
    time, uid = ocsf.get("time"), ocsf.get("metadata", {}).get("uid")
    if not isinstance(uid, str):
        raise GateError("evidence: an event without metadata.uid cannot be cited")
    return time if isinstance(time, int) else 0, uid


def _line(event: RawEvent, uid: str) -> bytes:
    ocsf = dict(event.ocsf)
    # Only the enrichment written here may say what the raw bytes are.
    enrichments = [
        one for one in ocsf.get("enrichments", ()) if not (isinstance(one, dict) and one.get("name") == "raw_data")
    ]
    try:
        ocsf["raw_data"] = event.raw.decode("utf-8")
    except UnicodeDecodeError:
        ocsf["raw_data"] = event.raw.decode("utf-8", "replace")
        exact = {"base64": base64.b64encode(event.raw).decode("ascii")}
        enrichments.append({"name": "raw_data", "value": "base64", "type": "watchfloor", "data": exact})
    ocsf["enrichments"] = enrichments
    ocsf["raw_data_size"] = len(event.raw)
    digest = hashlib.sha256(event.raw).hexdigest()
    ocsf["raw_data_hash"] = {"algorithm_id": 3, "algorithm": "SHA-256", "value": digest}
    try:
        line = orjson.dumps(ocsf, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError as error:
        raise GateError(f"evidence: event {uid!a} cannot be written as JSON: {error}") from error
    if len(line) > MAX_DOCUMENT:
        raise GateError(f"evidence: event {uid!a} is {len(line)} bytes as JSON; a pack holds at most {MAX_DOCUMENT}")
    return line
