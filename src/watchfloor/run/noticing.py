"""Notices that files have changed, without reading them.

A file is told by what the system says of it: a change of its content, also in place, also of equal length and with its
time set back, changes one of these. What programs write beside content (``__pycache__``, hidden files of editors) does
not count.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

MAX_FILES = 200_000
"""Of so many files it is noticed that they changed; whoever names ``/`` as content waits no longer for it."""

_NOT_CONTENT = "__pycache__"


def state_of(paths: Iterable[Path]) -> bytes:
    """A digest of the state of files and of all files below folders; a path where nothing is has one, too.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> before = state_of([folder])
    >>> _ = (folder / "rule.yml").write_text("title: a rule")
    >>> state_of([folder]) == before
    False
    """
    digest = hashlib.blake2b(digest_size=16)
    for number, (path, status) in enumerate(_all(paths)):
        if number >= MAX_FILES:
            break
        digest.update(os.fsencode(path) + b"\0")
        if status is not None:
            digest.update(b"%d %d %d %d" % (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
        digest.update(b"\0")
    return digest.digest()


def _all(paths: Iterable[Path]) -> Iterator[tuple[str, os.stat_result | None]]:
    for path in paths:
        status = _status(str(path))
        if path.is_dir():
            # Its own time changes with what does not count in it, too.
            yield from _below(str(path), {_key(status)})
        else:
            yield str(path), status


def _below(folder: str, above: set[tuple[int, int]]) -> Iterator[tuple[str, os.stat_result | None]]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda one: one.name)
    except OSError:
        return
    for entry in listed:
        if entry.name.startswith(".") or entry.name == _NOT_CONTENT:
            continue
        status = _status(entry.path)
        if status is None or not _is_folder(entry):
            yield entry.path, status
        elif (key := _key(status)) not in above:
            # A link to a folder above leads round in a circle.
            yield from _below(entry.path, above | {key})


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - of thousands of files, again and again
    except OSError:
        return None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _key(status: os.stat_result | None) -> tuple[int, int]:
    return (0, 0) if status is None else (status.st_dev, status.st_ino)
