"""Events of a few cases at rest: by uid in a temporary file; memory holds where each lies, not what it is."""

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

import msgspec


class Shelf(Mapping[str, Mapping[str, Any]]):
    """Rows by their uid; each is read when it is asked for.

    Args:
        file: Where they rest; whoever opened it closes it.
        places: What is there already: offset and size by uid.
    """

    def __init__(self, file: IO[bytes], places: Mapping[str, tuple[int, int]] | None = None) -> None:
        self._file = file
        self._places = dict(places or {})

    def add(self, uid: str, row: Mapping[str, Any]) -> None:
        """Put a row on the shelf, in place of one that was there."""
        blob = msgspec.msgpack.encode(row)
        self._places[uid] = self._file.seek(0, 2), len(blob)
        self._file.write(blob)

    def of(self, uids: Iterable[str]) -> "Shelf":
        """The part of the shelf with these uids, in their order."""
        return Shelf(self._file, {uid: self._places[uid] for uid in uids if uid in self._places})

    def __getitem__(self, uid: str) -> Mapping[str, Any]:
        offset, size = self._places[uid]
        self._file.seek(offset)
        return msgspec.msgpack.decode(self._file.read(size), type=dict[str, Any])

    def __contains__(self, uid: object) -> bool:
        return uid in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
