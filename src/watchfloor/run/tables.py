"""Reference tables on their way to processes that run already: each version of a table is a file.

A process began with tables, and is told with each batch which it is to know. Only those that are others are read.
"""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from watchfloor.errors import storing
from watchfloor.operator import Reference

Told = tuple[int, tuple[tuple[str, str], ...]]
"""The epoch of a reference, and by name of each of its tables the file; none for one that a process began with."""

Table = Mapping[str, str]


def begun_with(reference: Reference) -> Told:
    """What a process knows that began with a reference."""
    return reference.epoch, tuple((name, "") for name in reference.tables)


class Handing:
    """Hands tables over, in a folder of its own below ``place``.

    Args:
        begun: What the processes began with.
    """

    def __init__(self, place: Path, begun: Reference) -> None:
        with storing(place):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(dir=place))
        self._known = begun
        self.told = begun_with(begun)

    def tell(self, reference: Reference) -> None:
        """Hand over what is not known. No batch may be out that was given with what was told before.

        Raises:
            StoreError: It cannot be written; then nothing is told.
        """
        before = dict(self.told[1])
        files = {}
        for number, (name, table) in enumerate(reference.tables.items()):
            if name in before and self._known.tables[name] == table:
                files[name] = before[name]
                continue
            path = self._folder / f"{reference.epoch}-{number}"
            with storing(path):
                path.write_bytes(msgspec.msgpack.encode(table))
            files[name] = str(path)
        self._known, self.told = reference, (reference.epoch, tuple(files.items()))
        for path in self._folder.iterdir():
            if str(path) not in files.values():
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Take the files away."""
        shutil.rmtree(self._folder, ignore_errors=True)


class Taking:
    """Takes tables over, in a process.

    Args:
        begun: What it began with.
    """

    def __init__(self, begun: Reference) -> None:
        self._tables = dict(begun.tables)
        self._told = begun_with(begun)

    def take(self, told: Told) -> Reference | None:
        """What to know from now on, if that is news."""
        if told == self._told:
            return None
        before = dict(self._told[1])
        self._tables = {
            name: self._tables[name] if before.get(name) == file else _read(Path(file)) for name, file in told[1]
        }
        self._told = told
        return Reference(told[0], self._tables)


def _read(path: Path) -> Table:
    return msgspec.msgpack.decode(path.read_bytes(), type=dict[str, str])
