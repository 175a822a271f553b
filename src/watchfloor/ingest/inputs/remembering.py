"""Small files that an input finds again when it is started anew: where it was."""

import os
from pathlib import Path

from watchfloor.errors import storing


def remember(path: Path, data: bytes) -> None:
    """Replace the file's content, at once or not at all, whatever happens meanwhile.

    Raises:
        StoreError: It cannot be written.
    """
    part = path.with_name(f".{path.name}")
    with storing(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)


def remembered(path: Path) -> bytes | None:
    """The file's content; None if there is no such file.

    Raises:
        StoreError: It cannot be read.
    """
    with storing(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
