"""Cuts an answer into records: their exact bytes, as the vendor wrote them."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

import msgspec
import orjson

from watchfloor.ingest.inputs.poll.fault import AnswerError
from watchfloor.ingest.inputs.poll.path import Path, at, keys

REMEMBERED = 200_000
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def cut(body: bytes, path: Path, where: str) -> list[bytes]:
    r"""The elements of the array at a path, byte for byte; none if the path leads nowhere, or the answer is empty.

    >>> cut(b'{"items": [{"id": 1.0}, {"id":2}]}', "items", "example.com")
    [b'{"id": 1.0}', b'{"id":2}']

    Raises:
        AnswerError: It is not JSON, or there is something else.
    """
    inner: bytes | memoryview = body
    if not body.strip():
        return []
    try:
        for key in keys(path):
            found = _PARTS.decode(inner).get(key)
            if found is None:
                return []
            inner = found
        return [] if bytes(inner).strip() == b"null" else [bytes(one) for one in _RAWS.decode(inner)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise AnswerError(f"{where}: an answer without its array of records") from None


def parsed(body: bytes, where: str) -> object:
    """The whole answer.

    Raises:
        AnswerError: It is not JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise AnswerError(f"{where}: an answer that is no JSON") from None


def identity(record: bytes, paths: Sequence[Path]) -> bytes:
    """What a record is told by: what is at its paths, else the whole of it; 16 bytes."""
    try:
        decoded = orjson.loads(record)
        parts = [at(decoded, path) for path in paths]
        text = orjson.dumps(parts) if all(part is not None for part in parts) else record
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        text = record
    return blake2b(text, digest_size=16).digest()


def occurred(record: bytes, path: Path) -> int | None:
    """When a record happened, in seconds since 1970, if it says so in ISO 8601.

    >>> occurred(b'{"at": "2026-01-01T00:00:01.5Z"}', "at"), occurred(b'{"at": 5}', "at")
    (1767225601, None)
    """
    try:
        return int(datetime.fromisoformat(at(orjson.loads(record), path)).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None


class Seen:
    """What has landed a while ago already: at least the last ``most`` identities, at most twice as many.

    After a restart nothing is known: records are taken again, and their uids make them one.
    """

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def __contains__(self, one: bytes) -> bool:
        return one in self._young or one in self._old

    def add(self, landed: Sequence[bytes]) -> None:
        """These have landed."""
        self._young.update(landed)
        if len(self._young) > self._most:
            self._old, self._young = self._young, set()


def ids_of(paths: tuple[Path, ...] | str) -> tuple[Path, ...]:
    """The paths of an id, which may be written as one text."""
    return (paths,) if isinstance(paths, str) else paths
