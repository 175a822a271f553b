"""Who reads the lake: files that are read stay on disk until their readers are done, however a reader ends.

A lease is a file whose name is the generation that its reader began at, under a lock of the operating system, which
goes when its process does. Where the folder cannot be written, there is nobody to delete anything either.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

FOLDER = ".reading"


@contextmanager
def lease(folder: Path, generation: int) -> Iterator[None]:
    """Keep what the lake held at a generation on disk, while the block runs."""
    place = folder / FOLDER
    try:
        place.mkdir(exist_ok=True)
        descriptor, path = _taken(place, generation)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def oldest(folder: Path) -> int | None:
    """The generation that the oldest reader began at; ``None`` if nobody reads. Leases of dead readers are removed."""
    generations = []
    for path in (folder / FOLDER).glob("*"):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except OSError:
            generations.append(int(path.name.partition("-")[0]))
        finally:
            os.close(descriptor)
    return min(generations, default=None)


def _taken(place: Path, generation: int) -> tuple[int, Path]:
    while True:
        path = place / f"{generation}-{uuid4().hex}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Between the two lines somebody may have taken it for one of a dead reader.
        if path.exists():
            return descriptor, path
        os.close(descriptor)
