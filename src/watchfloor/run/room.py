"""Room for a batch that two processes see: it is written there once, and read where it lies.

Through a pipe a batch is copied six times, piece by piece. A room is a file in memory, without a name (``memfd``), or a
temporary one where the system has no such files. Whoever made it is its owner, and gives another process its ``place``.
When the owner has closed it, the memory stays for as long as somebody reads what was put there, and no longer, however
the processes end.

>>> room = Room()
>>> put(room.place, pa.record_batch({"n": [1, 2]}))
>>> got(room.place).to_pydict()
{'n': [1, 2]}
>>> room.close()
"""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyarrow as pa

from watchfloor.errors import StoreError, storing


class Place(msgspec.Struct, frozen=True):
    """Where a room is, and the mark of what is there, if something else may be there by now."""

    path: str
    mark: str


class Room:
    """Room for one batch, until it is closed; closing it again does no harm.

    Raises:
        StoreError: There is no memory for it.
    """

    def __init__(self) -> None:
        mark = f"watchfloor-{secrets.token_hex(8)}"
        self._name = ""
        with storing(tempfile.gettempdir()):
            if hasattr(os, "memfd_create"):
                self._file = os.memfd_create(mark)
                self.place = Place(f"/proc/{os.getpid()}/fd/{self._file}", mark)
            else:
                self._file, self._name = tempfile.mkstemp(prefix=mark)
                self.place = Place(self._name, "")

    def close(self) -> None:
        """Give it up."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            if self._name:
                Path(self._name).unlink()

    def __del__(self) -> None:
        self.close()


def put(place: Place, batch: pa.RecordBatch) -> None:
    """Write a batch into a room that is empty.

    Raises:
        StoreError: The room is there no more, or there is no memory for it.
    """
    with _opened(place) as path, pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, batch.schema) as writer:
        writer.write_batch(batch)


def got(place: Place) -> pa.RecordBatch:
    """The batch in a room; its memory is that of the room.

    Raises:
        StoreError: The room is there no more, or holds no batch.
    """
    with _opened(place) as path, pa.memory_map(path) as file, pa.ipc.open_stream(file) as reader:
        return reader.read_next_batch()


@contextmanager
def _opened(place: Place) -> Iterator[str]:
    """The room as a path of this process, where nothing else can come in its place."""
    with storing(place.path):
        file = os.open(place.path, os.O_RDWR)
        try:
            path = f"/proc/self/fd/{file}" if place.mark else place.path
            # The owner may have closed it, and have opened another file under the number.
            if place.mark and place.mark not in str(Path(path).readlink()):
                raise StoreError(f"{place.path}: the room for a batch is there no more")
            yield path
        finally:
            os.close(file)
