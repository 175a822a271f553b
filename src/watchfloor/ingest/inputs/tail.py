"""Files that grow: log files by their globs, whatever rotates them.

A file is known by its device and inode, and by what stands in its first bytes and before the place that was reached. So
it is read on after it was renamed; it is begun anew when it was cut short; its copy is read on where the original was,
compressed or not. Where each file was is remembered after its records have landed. What is read twice for a crash in
between has the same ordinals, since they count from a number that the file's first line and inode give.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Literal, TypeVar

from watchfloor.arrival import Arrival, Intake
from watchfloor.clock import Clock
from watchfloor.errors import RecordError, StoreError
from watchfloor.ingest.files import place as printable
from watchfloor.ingest.inputs.handover import Handover
from watchfloor.ingest.inputs.tail_file import File
from watchfloor.ingest.inputs.tail_finding import Finding
from watchfloor.ingest.inputs.tail_followed import load, save
from watchfloor.ingest.inputs.tail_reading import Piece
from watchfloor.ingest.inputs.transport import OnState, Transport
from watchfloor.ingest.limits import Limits

_T = TypeVar("_T")
_STATE = "files.json"
_TOGETHER = 16
"""So many files land together: one commit of the landing zone takes them all."""


class Tail(Transport, frozen=True, kw_only=True, tag="tail"):
    """``{kind: tail, files: ["/var/log/nginx/*.log"]}``.

    Attributes:
        files: Globs; ``**`` stands for folders of any depth.
        begin: Where files are begun that are there when this input looks for the first time ever: at their ``start``,
            or at their ``end``, so that what stands in them does not land. Files that come later are read whole.
        framing: ``lines``: each line is a record; ``content``: as files are framed that are read whole, so that objects
            over many lines, arrays and CSV are records; after a restart, such a file is read again to find its place.
        line_bytes: The longest line; longer ones are left out and counted.
        symlinks: Whether symbolic links are followed that a glob finds. Who may write in these folders could have any
            file read through them.
        poll_seconds: How often it is looked whether files have grown.
    """

    files: tuple[str, ...]
    begin: Literal["start", "end"] = "start"
    framing: Literal["lines", "content"] = "lines"
    line_bytes: int = 1 << 20
    symlinks: bool = False
    poll_seconds: float = 0.5

    def __post_init__(self) -> None:
        if not self.files or not all(one.startswith("/") for one in self.files):
            raise ValueError("files: one or more globs, each of which begins with /")
        if not 0 < self.line_bytes <= 64 << 20 or self.poll_seconds <= 0:
            raise ValueError("line_bytes is from 1 to 64 MiB, and poll_seconds larger than 0")

    @property
    def path(self) -> str:
        """Where from, for people."""
        return f"tail:{self.files[0]}"

    async def run(self, intake: Intake, *, clock: Clock, state: Path, stop: asyncio.Event, on_state: OnState) -> None:
        """See :class:`Transport`."""
        del clock
        handover = Handover(self.path, intake, stop, on_state)
        remembered = load(state / _STATE)
        finding = Finding(
            self.files,
            remembered or [],
            Limits(record_bytes=self.line_bytes),
            symlinks=self.symlinks,
            pass_over=self.begin == "end" and remembered is None,
        )
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="tail") as thread, closing(finding):
            await _Following(self, finding, handover, state / _STATE, thread).run()


class _Following:
    def __init__(self, settings: Tail, finding: Finding, handover: Handover, state: Path, thread: Executor) -> None:
        self._settings = settings
        self._finding = finding
        self._handover = handover
        self._state = state
        self._lost = 0
        self._thread = thread

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        due = 0.0
        # From the first look on, files that are new are read whole, also after a crash.
        fresh = True
        while True:
            if loop.time() >= due:
                await self._do(self._finding.look, loop.time())
                if fresh:
                    await self._remember()
                    fresh = False
                due = loop.time() + self._settings.poll_seconds
            work = [file for file in self._finding.files.values() if file.may_have_more and not file.problem]
            for at in range(0, len(work), _TOGETHER):
                await asyncio.gather(*map(self._step, work[at : at + _TOGETHER]))
                if self._handover.stop.is_set():
                    break
            if work:
                await self._remember()
            self._tell()
            if self._handover.stop.is_set() or (not work and not await self._handover.pause(due - loop.time())):
                return

    async def _step(self, file: File) -> None:
        try:
            piece = await self._do(self._read, file)
        except RecordError as error:
            self._handover.drop(str(error).partition(" (")[0])
            return
        except OSError as error:
            file.problem = error.strerror or "cannot be read"
            return
        if file.past:
            self._finding.begun_anew(file.past)
            file.past = None
        if piece is None:
            if file.final and not file.may_have_more:
                self._finding.leave(file)
            return
        if file.followed.passing:
            file.followed.advance(piece)
            return
        if piece.raw and not await self._handover.land(self._arrival(file, piece)):
            return
        for reason, count in piece.dropped.items():
            self._handover.drop(reason, count)
        file.followed.advance(piece)

    def _read(self, file: File) -> Piece | None:
        content = self._finding.open(file)
        return file.next(content, self._settings.framing, self._settings.line_bytes) if content else None

    def _arrival(self, file: File, piece: Piece) -> Arrival:
        first = file.followed.origin
        ordinals = [first + position for position in piece.position]
        settings = self._settings
        return Arrival(settings.tenant, printable(file.path), piece.raw, piece.line, ordinals, settings.source)

    async def _remember(self) -> None:
        # If it fails, reading goes on: what is read again after a restart has the same ordinals.
        problem = ""
        try:
            await self._do(save, self._state, self._finding.followed)
        except StoreError as error:
            problem = str(error)
        self._handover.hindered(problem, of="state")

    def _tell(self) -> None:
        if self._finding.lost > self._lost:
            self._handover.drop("deleted before it was read whole", self._finding.lost - self._lost)
            self._lost = self._finding.lost
        problems = [file.problem for file in self._finding.files.values() if file.problem]
        text = f"{len(problems)} files cannot be read: {problems[0]}" if problems else ""
        self._handover.hindered(text, of="files")

    async def _do(self, function: Callable[..., _T], *args: object) -> _T:
        """What the disk may make slow, one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)
