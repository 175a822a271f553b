"""Finds the files that the arguments name, and opens them.

A folder is read whole, in the order of its names. Symbolic links inside it are not followed: what they lead to is in
the folder already, or was not asked for (and could be any file here, if the folder comes from an attacked machine).
"""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from watchfloor.errors import InputError

STDIN = "-"


class Found(NamedTuple):
    """A file to be read; or, with a ``reason``, something that is not."""

    path: str
    reason: str | None = None


def check(paths: Sequence[str | Path]) -> None:
    """Refuse arguments that give nothing readable.

    Raises:
        InputError: No argument at all; or one that is missing, cannot be read, is neither file, folder nor pipe, or is
            a folder without files.
    """
    if not paths:
        raise InputError("nothing to read: name a file, a folder or -")
    for path in paths:
        if str(path) != STDIN:
            _check(str(path))


def _check(path: str) -> None:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - a path that was given as text is kept as it is
        if stat.S_ISREG(mode):
            Path(path).open("rb").close()
        elif stat.S_ISDIR(mode):
            if not any(found.reason is None for found in _walk(path)):
                raise InputError(f"{place(path)}: the folder holds no files")
        elif not stat.S_ISFIFO(mode):
            raise InputError(f"{place(path)}: neither a file, a folder nor a pipe")
    except OSError as error:
        raise InputError(f"{place(path)}: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{place(path)}: {error}") from error


def find(paths: Sequence[str | Path]) -> Iterator[Found]:
    """What the arguments name, folders expanded; :func:`check` has passed them."""
    for path in map(str, paths):
        if path != STDIN and os.path.isdir(path):  # noqa: PTH112
            yield from _walk(path)
        else:
            yield Found(path)


def _walk(folder: str) -> Iterator[Found]:
    pending = [folder]
    while pending:
        path = pending.pop()
        try:
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            if path == folder:
                raise
            yield Found(path, f"cannot be read: {error.strerror or error}")
            continue
        folders = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            else:
                yield Found(entry.path, _why_not(entry))
        pending += reversed(folders)


def _why_not(entry: os.DirEntry[str]) -> str | None:
    """Why something in a folder is not read; None if it is a file."""
    if entry.is_symlink():
        return "symbolic link in a folder, not followed; name its target to read it"
    if entry.is_file(follow_symlinks=False):
        return None
    return "neither a file nor a folder, not read"


def place(path: str) -> str:
    r"""A path as text for records and messages: what does not print is escaped, so that it stays on one line.

    >>> place("a\nb\u202e.json")
    'a\\nb\\u202e.json'
    """
    if path.isprintable():
        return path
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in path)
