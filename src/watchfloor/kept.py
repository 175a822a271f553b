"""Keeps what was made of files on disk, so that it need not be made again.

An entry is plain data under a checksum, in a folder of the user's own, and is found by a key that is a digest of all
that it was made from. One that is damaged, that others may write to or that belongs to somebody else is not used.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TypeVar

import msgspec

_DIGEST = 32
_T = TypeVar("_T")


class Keep:
    """Entries in a folder.

    Args:
        folder: Where they are; made when the first one is written.
        what: What they hold, in the plural, for names and for notes.
        most: How many are kept, the last used ones.
        on_note: Is told, in a sentence, why an entry is not used.
    """

    def __init__(
        self, folder: Path, *, what: str, most: int, on_note: Callable[[str], None] = lambda _note: None
    ) -> None:
        self.folder = folder
        self._what = what
        self._most = most
        self._on_note = on_note

    def read(self, key: str, decode: Callable[[bytes], _T]) -> _T | None:
        """What ``decode`` makes of an entry, None if there is none to use; it raises a ``DecodeError`` if it cannot."""
        entry = self._entry(key)
        try:
            with _own_file(entry) as file:
                data = file.read()
            decoded = decode(_checked(data))
            os.utime(entry)
        except FileNotFoundError:
            return None
        except (OSError, _NotOwnError) as error:
            self._on_note(f"{entry}: {error}; the {self._what} are read again.")
            return None
        except msgspec.DecodeError as error:
            self._on_note(
                f"{entry}: cached {self._what} that cannot be read ({error}); the {self._what} are read again."
            )
            return None
        return decoded

    def write(self, key: str, payload: bytes) -> None:
        """Keep an entry; the ones that were used longest ago go."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (reason := _not_own(self.folder.stat())) is not None:
                self._on_note(f"{self.folder}: {reason}; the {self._what} are not kept.")
                return
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
                file.write(_digest(payload) + payload)
            Path(file.name).replace(self._entry(key))
            kept = sorted(self.folder.glob(f"*.{self._what}"), key=_last_used, reverse=True)
            for old in kept[self._most :]:
                old.unlink(missing_ok=True)
        except OSError as error:
            self._on_note(f"{self.folder}: {error.strerror or error}; the {self._what} are not kept.")

    def _entry(self, key: str) -> Path:
        return self.folder / f"{key}.{self._what}"


def key_of(parts: Iterable[str | bytes]) -> str:
    """The key of what is made from these parts, in this order.

    >>> key_of(["ab", "c"]) == key_of(["a", "bc"])
    False
    """
    digest = hashlib.blake2b(digest_size=_DIGEST)
    for part in parts:
        data = part if isinstance(part, bytes) else os.fsencode(part)
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


class _NotOwnError(Exception):
    """A file that somebody else could have written."""


def _own_file(path: Path) -> IO[bytes]:
    """The file, opened; that it is one's own is checked of what was opened, not of what the path may be later."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    reason = _not_own(os.fstat(file.fileno()))
    if reason is not None:
        file.close()
        raise _NotOwnError(reason)
    return file


def _not_own(status: os.stat_result) -> str | None:
    """Why what has this status is not to be trusted."""
    if status.st_uid != os.getuid():
        return "belongs to somebody else"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others may write to it"
    return None if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) else "not a regular file"


def _last_used(entry: Path) -> float:
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:
        return 0  # another process has cleared up


def _checked(data: bytes) -> bytes:
    payload = data[_DIGEST:]
    if data[:_DIGEST] != _digest(payload):
        raise msgspec.DecodeError("damaged")
    return payload


def _digest(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_DIGEST).digest()
