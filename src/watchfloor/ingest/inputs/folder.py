"""Folders into which whole files are put: each is read once, as any file is read, and left where it is.

A file counts as whole when it has not changed for a while; better is to write it elsewhere and rename it. Its records
are numbered from a number that its content gives: the same file, read again after a crash or put there twice, has the
same uids.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from fnmatch import fnmatch
from hashlib import file_digest
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

import msgspec

from watchfloor.arrival import Intake
from watchfloor.clock import Clock
from watchfloor.errors import StoreError
from watchfloor.ingest.files import find
from watchfloor.ingest.files import place as printable
from watchfloor.ingest.inputs.handover import Handover
from watchfloor.ingest.inputs.ordinals import origin
from watchfloor.ingest.inputs.remembering import remember, remembered
from watchfloor.ingest.inputs.transport import OnState, Transport
from watchfloor.ingest.inputs.whole import Whole
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.stream import file_stream

_STATE = "files.json"
_REMEMBER_SECONDS = 1.0
_T = TypeVar("_T")

Key = tuple[int, int, int, int]
"""Which file it is, and as what: its device, inode, size and time of change in nanoseconds."""


class Seen(msgspec.Struct, kw_only=True):
    """A file as it was seen; ``landed`` records of it have landed, and ``done`` says that those are all."""

    device: int
    inode: int
    size: int
    changed: int
    landed: int = 0
    done: bool = False

    @property
    def key(self) -> Key:
        """Which file it is; one that was changed is another."""
        return self.device, self.inode, self.size, self.changed


class Folder(Transport, frozen=True, kw_only=True, tag="folder"):
    """``{kind: folder, folder: /srv/drop}``.

    Attributes:
        folder: It is read with its subfolders; symbolic links are not followed.
        ignore: Names of files that are not read, as patterns: those that programs write before they rename them.
        settled_seconds: A file that has not changed for so long is whole.
        poll_seconds: How often the folder is looked at.
    """

    folder: Path
    ignore: tuple[str, ...] = (".*", "*.tmp", "*.part")
    settled_seconds: float = 5.0
    poll_seconds: float = 1.0

    def __post_init__(self) -> None:
        if not self.folder.is_absolute():
            raise ValueError("folder: a path that begins with /")
        if self.settled_seconds < 0 or self.poll_seconds <= 0:
            raise ValueError("settled_seconds is not below, and poll_seconds above 0")

    @property
    def path(self) -> str:
        """Where from, for people."""
        return f"folder:{self.folder}"

    async def run(self, intake: Intake, *, clock: Clock, state: Path, stop: asyncio.Event, on_state: OnState) -> None:
        """See :class:`Transport`."""
        del clock
        handover = Handover(self.path, intake, stop, on_state)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="folder") as thread:
            await _Watching(self, handover, state / _STATE, thread).run()


class _Watching:
    def __init__(self, settings: Folder, handover: Handover, state: Path, thread: Executor) -> None:
        self._settings = settings
        self._handover = handover
        self._state = state
        self._thread = thread
        self._seen = {one.key: one for one in _load(state)}
        self._since: dict[Key, float] = {}
        self._remember_due = 0.0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            problem = ""
            try:
                for path, seen in await self._do(self._look, loop.time()):
                    await self._read(path, seen)
                    await self._remember()
                    if self._handover.stop.is_set():
                        return
            except OSError as error:
                problem = f"the folder cannot be read: {error.strerror or error}"
            self._handover.hindered(problem, of="folder")
            if not await self._handover.pause(self._settings.poll_seconds):
                return

    def _look(self, now: float) -> list[tuple[str, Seen]]:
        """The files that are whole and have not been read; what is known of those that are gone is forgotten."""
        there = dict(self._list())
        self._since = {key: self._since.get(key, now) for key in there}
        self._seen = {key: seen for key, seen in self._seen.items() if key in there}
        for key in there:
            if key not in self._seen and now - self._since[key] >= self._settings.settled_seconds:
                device, inode, size, changed = key
                self._seen[key] = Seen(device=device, inode=inode, size=size, changed=changed)
        return [(there[key], seen) for key, seen in self._seen.items() if not seen.done]

    def _list(self) -> Iterator[tuple[Key, str]]:
        self._settings.folder.stat()
        for found in find([self._settings.folder]):
            name = os.path.basename(found.path)  # noqa: PTH119 - a path may hold any bytes
            if found.reason is None and not any(fnmatch(name, one) for one in self._settings.ignore):
                with suppress(FileNotFoundError):
                    status = os.lstat(found.path)
                    yield (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns), found.path

    async def _read(self, path: str, seen: Seen) -> None:
        """Land what is in a file, or as much as can be read of it."""
        try:
            file = await self._do(_opened, path, seen.key)
        except OSError as error:
            self._handover.hindered(f"{printable(path)}: {error.strerror or error}", of="file")
            return
        if file is None:
            return
        settings = self._settings
        with file:
            number = origin("folder", await self._do(_digest, file))
            whole = Whole(
                number,
                tenant=settings.tenant,
                source=settings.source,
                limits=Limits(),
                on_drop=self._handover.drop,
                after=seen.landed,
            )
            arrivals = whole.arrivals(file_stream(file, lambda _: None), printable(path))
            while (arrival := await self._do(next, arrivals, None)) is not None:
                if not await self._handover.land(arrival):
                    return
                seen.landed = whole.position
                if asyncio.get_running_loop().time() >= self._remember_due:
                    await self._remember()
                if self._handover.stop.is_set():
                    return
        seen.done = True
        self._handover.hindered("", of="file")

    async def _remember(self) -> None:
        # If it fails, reading goes on: what is read again after a restart has the same ordinals.
        self._remember_due = asyncio.get_running_loop().time() + _REMEMBER_SECONDS
        problem = ""
        try:
            await self._do(remember, self._state, msgspec.json.encode(list(self._seen.values())))
        except StoreError as error:
            problem = str(error)
        self._handover.hindered(problem, of="state")

    async def _do(self, function: Callable[..., _T], *args: object) -> _T:
        """What the disk may make slow, one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)


def _load(path: Path) -> list[Seen]:
    data = remembered(path)
    try:
        return msgspec.json.decode(data, type=list[Seen]) if data is not None else []
    except msgspec.MsgspecError as error:
        raise StoreError(f"{path}: not what was written there ({error}); delete it to read all files again") from error


def _opened(path: str, key: Key) -> BufferedReader | None:
    """The file at a path, if it is still the one that was seen there.

    Raises:
        OSError: It cannot be opened.
    """
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
    if (os.fstat(file.fileno()).st_dev, os.fstat(file.fileno()).st_ino) != key[:2]:
        file.close()
        return None
    return file


def _digest(file: BufferedReader) -> str:
    digest = file_digest(file, "blake2b").hexdigest()
    file.seek(0)
    return digest
