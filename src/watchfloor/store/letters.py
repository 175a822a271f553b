"""Dead letters of a live run: one file for the segments that were worked on together, replaced if they are again."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from watchfloor.deadletter import DeadLetter
from watchfloor.errors import StoreError, storing

_NAME = re.compile(r"(\d{16})-(\d{16})\.ndjson")


class LetterFolder:
    """Files of dead letters, one letter a line as JSON, named by the first and last segment that they are of.

    Raises:
        StoreError: The folder cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, letters: Sequence[DeadLetter], *, first: int, last: int) -> None:
        """Write the letters of these segments through to the disk; there is no file if there are none."""
        if not letters:
            return
        path = self._folder / f"{first:016}-{last:016}.ndjson"
        with storing(path):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with rewriting(path) as keep:
                for letter in letters:
                    keep(letter)

    def cut(self, upto: int) -> None:
        """Take away what was written of segments behind this one: they will be worked on again."""
        for path, first, _ in self._files():
            if first > upto:
                with storing(path), suppress(FileNotFoundError):
                    path.unlink()

    def read(self) -> Iterator[DeadLetter]:
        """All of them, in the order in which they came."""
        for path, _, _ in self._files():
            yield from read_letters(path)

    def files(self) -> list[Path]:
        """The files, in the order in which they came."""
        return [path for path, _, _ in self._files()]

    def _files(self) -> list[tuple[Path, int, int]]:
        with storing(self._folder):
            paths = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        found = [(path, match) for path in paths if (match := _NAME.fullmatch(path.name))]
        return [(path, int(match[1]), int(match[2])) for path, match in found]


@contextmanager
def rewriting(path: Path) -> Iterator[Callable[[DeadLetter], None]]:
    """Make the letters that are given inside the block those of a file; without any, there is no file any more.

    Raises:
        StoreError: It cannot be written; then it is as it was, as after any other error inside.
    """
    part = path.with_name(f".{path.name}")
    kept = 0
    with storing(path), part.open("wb") as file:

        def keep(letter: DeadLetter) -> None:
            nonlocal kept
            kept += 1
            file.write(msgspec.json.encode(letter) + b"\n")

        yield keep
        file.flush()
        os.fsync(file.fileno())
    with storing(path):
        part.rename(path)
        if not kept:
            path.unlink()


def read_letters(path: Path) -> Iterator[DeadLetter]:
    """The dead letters of a file, one a line.

    Raises:
        StoreError: It cannot be read, or a line is none; names the line.
    """
    with storing(path), path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield _DECODER.decode(line)
            except msgspec.MsgspecError as error:
                raise StoreError(f"{path}:{number}: not a dead letter: {error}") from error


_DECODER = msgspec.json.Decoder(DeadLetter)
