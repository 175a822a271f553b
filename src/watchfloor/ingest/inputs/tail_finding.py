"""Finds the files that globs name: new ones, those that were renamed or copied, those that are gone."""

import glob
import os
import stat
from collections.abc import Callable, Iterator, Sequence

from watchfloor.ingest.inputs.tail_file import File, Key
from watchfloor.ingest.inputs.tail_followed import COPIED_BYTES, Followed, as_path, as_text
from watchfloor.ingest.inputs.tail_sources import MARK_BYTES, Bytes, head_mark, open_bytes
from watchfloor.ingest.limits import Limits

_SETTLED_SECONDS = 2.0
"""A compressed file, or one that may be a copy under way, is taken when it has not changed for so long."""
_LEFT_SECONDS = 60.0
"""A file that was renamed out of the globs is read until it has not grown for so long."""
_MOST_OPEN = 256
_MOST_GONE = 1000
"""So many files are recognised after they are gone, when they come back copied or compressed."""


class Finding:
    """Knows all followed files.

    Args:
        patterns: Globs.
        followed: What was remembered of earlier ones.
        symlinks: Whether symbolic links are followed.
        pass_over: Whether what the first look finds is passed over.

    Attributes:
        files: Those that are there, by what the system knows them by.
        lost: How many were deleted before they were read whole.
    """

    def __init__(
        self,
        patterns: Sequence[str],
        followed: Sequence[Followed],
        limits: Limits,
        *,
        symlinks: bool,
        pass_over: bool = False,
    ) -> None:
        self._patterns = patterns
        self._known = {one.key: one for one in followed}
        self._limits = limits
        self._symlinks = symlinks
        self._pass_over = pass_over
        self._stat: Callable[[str], os.stat_result] = os.stat if symlinks else os.lstat
        self._unsettled: dict[Key, tuple[int, int, float]] = {}
        self._opened: dict[Key, File] = {}
        self._first = True
        self.files: dict[Key, File] = {}
        self.lost = 0

    @property
    def followed(self) -> list[Followed]:
        """What is to be remembered."""
        return list(self._known.values())

    def look(self, now: float) -> None:
        """Find what is there; ``now`` are seconds of a clock that never goes back."""
        listed = dict(self._list())
        for key, (path, status) in listed.items():
            self._forget_another(key, status)
            file = self.files.get(key) or self._meet(key, path, status, now)
            if file:
                file.path, file.size, file.changed = path, status.st_size, status.st_mtime_ns
                file.problem = ""
                file.followed.path = as_text(path)
                file.left = None
        self._unsettled = {key: seen for key, seen in self._unsettled.items() if key in listed}
        if self._first:
            self._recover(now)
            self._first = self._pass_over = False
        for key, file in list(self.files.items()):
            if key not in listed:
                self._follow_away(file, now)

    def open(self, file: File) -> Bytes | None:
        """The file's content, if it can be had; few are held open, those that were read last."""
        key = file.followed.key
        self._opened[key] = self._opened.pop(key, file)
        if len(self._opened) > _MOST_OPEN:
            self._opened.pop(next(iter(self._opened))).close()
        if file.content is None:
            try:
                file.content = self._open(file.path, key)
                file.problem = ""
            except OSError as error:
                file.problem = error.strerror or "cannot be opened"
        return file.content

    def leave(self, file: File) -> None:
        """The file is read to its end, and gone from the globs."""
        key = file.followed.key
        file.close()
        self._opened.pop(key, None)
        self.files.pop(key, None)
        self._remember_gone(self._known.pop(key))

    def begun_anew(self, past: Followed) -> None:
        """A file was cut short; ``past`` is what it was."""
        self._remember_gone(past)

    def close(self) -> None:
        """Let go of all files."""
        for file in self._opened.values():
            file.close()

    def _forget_another(self, key: Key, status: os.stat_result) -> None:
        """Forget a file that was read whole if its number was given to another one since."""
        known = self._known.get(key)
        if known and known.done and known.whole != (status.st_size, status.st_mtime_ns):
            del self._known[key]
            self.files.pop(key, None)
            if opened := self._opened.pop(key, None):
                opened.close()

    def _remember_gone(self, one: Followed) -> None:
        self._known[one.key] = one
        gone = [key for key in self._known if key not in self.files]
        for key in gone[: max(len(gone) - _MOST_GONE, 0)]:
            del self._known[key]

    def _list(self) -> Iterator[tuple[Key, tuple[str, os.stat_result]]]:
        for pattern in self._patterns:
            for path in glob.iglob(pattern, recursive=True):  # noqa: PTH207 - paths may hold any bytes
                try:
                    status = self._stat(path)
                except OSError:
                    continue
                key = (status.st_dev, status.st_ino)
                if stat.S_ISREG(status.st_mode) and (key in self.files or self._symlinks or _is_direct(path, pattern)):
                    yield key, (path, status)

    def _open(self, path: str, key: Key) -> Bytes | None:
        return open_bytes(path, device=key[0], inode=key[1], limits=self._limits, follow=self._symlinks)

    def _meet(self, key: Key, path: str, status: os.stat_result, now: float) -> File | None:
        """A file that was not there at the last look; None if it cannot be said yet what it is."""
        file = File(self._known.get(key) or Followed(device=key[0], inode=key[1], path=as_text(path)), path)
        if self._pass_over:
            file.followed.passing = status.st_size
            self._known[key] = file.followed
        elif key not in self._known:
            try:
                content = self._open(path, key)
            except OSError:
                # It is told when it is to be read.
                content = None
            if content:
                known = self._is_known_as(file.followed, content, self._is_settled(key, status, now))
                content.close()
                if not known:
                    return None
            self._known[key] = file.followed
        self.files[key] = file
        return file

    def _is_settled(self, key: Key, status: os.stat_result, now: float) -> bool:
        size, changed, since = self._unsettled.get(key, (-1, -1, now))
        if (size, changed) != (status.st_size, status.st_mtime_ns):
            since = now
        self._unsettled[key] = (status.st_size, status.st_mtime_ns, since)
        return now - since >= _SETTLED_SECONDS

    def _is_known_as(self, new: Followed, content: Bytes, settled: bool) -> bool:  # noqa: FBT001
        """Find out whether new content is a copy, so that reading goes on behind what it shares; False: not yet."""
        if content.packed and not settled:
            return False
        heads: dict[int, str] = {}
        size = content.size()
        for one in self._known.values():
            offset = one.place.offset
            if offset < COPIED_BYTES or not one.head or one.key == new.key:
                continue
            length = min(offset, MARK_BYTES)
            if length not in heads:
                heads[length] = head_mark(content, offset)
            if heads[length] != one.head:
                continue
            if one.is_in(content):
                new.go_on_from(one)
                return True
            if not content.packed and size < offset and not settled:
                return False
        return True

    def _recover(self, now: float) -> None:
        """Find what was renamed out of the globs while nobody looked."""
        for key, followed in self._known.items():
            if key not in self.files and not followed.done:
                file = File(followed, as_path(followed.path))
                if path := _renamed(file.path, key):
                    file.path, file.left = path, now
                    self.files[key] = file

    def _follow_away(self, file: File, now: float) -> None:
        """Read a file on that the globs do not name any more, until it is quiet."""
        if file.left is None:
            file.left = now
        if file.followed.done:
            self.leave(file)
            return
        if file.content is None:
            path = _renamed(file.path, file.followed.key)
            if path is None:
                self.lost += file.size > file.followed.place.offset and not file.followed.done
                self.leave(file)
                return
            file.path = path
        content = self.open(file)
        if content is None:
            self.leave(file)
            return
        size = content.size()
        if size != file.size:
            file.size, file.left = size, now
        file.final = now - file.left >= _LEFT_SECONDS


def _is_direct(path: str, pattern: str) -> bool:
    """Whether no symbolic link is in that part of the path which the glob found.

    Whoever may write there may not choose what is read.
    """
    fixed = pattern if not glob.has_magic(pattern) else os.path.dirname(pattern[: _first_magic(pattern)])  # noqa: PTH120
    rest = os.path.relpath(path, fixed) if fixed else path
    return os.path.realpath(path) == os.path.normpath(os.path.join(os.path.realpath(fixed), rest))  # noqa: PTH118


def _first_magic(pattern: str) -> int:
    return min(at for mark in "*?[" if (at := pattern.find(mark)) >= 0)


def _renamed(path: str, key: Key) -> str | None:
    """Where in its folder a file is now."""
    folder = os.path.dirname(path)  # noqa: PTH120
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.inode() == key[1] and entry.stat(follow_symlinks=False).st_dev == key[0]:
                    return entry.path
    except OSError:
        return None
    return None
