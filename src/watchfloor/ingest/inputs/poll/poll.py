"""The input that polls: ``{kind: poll, source: okta_system_log, settings: {...}, every: 60s}``."""

import asyncio
import fcntl
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from watchfloor.arrival import Arrival, Intake
from watchfloor.catalog import Folder, folders, roots
from watchfloor.clock import Clock
from watchfloor.errors import InputError, OverloadError, RemoteError, StoreError, storing
from watchfloor.ingest.inputs.poll.api import Api, moment
from watchfloor.ingest.inputs.poll.backfill import SHARE, cursor_file, orders, pause, work_off
from watchfloor.ingest.inputs.poll.cursor import Cursor
from watchfloor.ingest.inputs.poll.definition import Definition, has_poller, load, seconds
from watchfloor.ingest.inputs.poll.fault import CredentialsError, EgressError, PermissionMissingError
from watchfloor.ingest.inputs.poll.reader import Batch, Reader
from watchfloor.ingest.inputs.poll.reading import Land, Reading, oldest
from watchfloor.ingest.inputs.poll.values import Values, values
from watchfloor.ingest.inputs.transport import OnState, Transport

_SWEEP = 3600.0
"""Seconds between two windows that begin much earlier."""
_FEW = 100
_SOON = 0.5
_LOOK = 5
"""Seconds between two looks for orders."""


class Poll(Transport, frozen=True, kw_only=True, tag="poll"):
    """Asks a vendor's API for what is new.

    Attributes:
        settings: What the source's ``poll.yml`` asks for.
        name: Tells two inputs of one source apart, such as two organizations.
        every: How long to wait once all is read.
        lookback: How much of the past is read when there is no cursor yet.
        overlap: How much earlier each window begins, if not as the source says.
        private: Whether the API may be at an address of a private network.
        content: Content folders of your own that may have the source.
    """

    settings: Mapping[str, Any] = {}
    name: str = ""
    every: str = "60s"
    lookback: str = "1h"
    overlap: str | None = None
    private: bool = False
    content: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if not self.source:
            raise ValueError("an input that polls needs its source")
        for text in (self.every, self.lookback, self.overlap or "1s"):
            if not seconds(text):
                raise ValueError(f"{text!r}: longer than nothing")

    @property
    def path(self) -> str:
        """Where from, for people."""
        return f"poll/{self.source}/{self.name}" if self.name else f"poll/{self.source}"

    def definition(self) -> Definition:
        """What its source says about polling.

        Raises:
            InputError: There is no such source, or it cannot be polled.
            ContentError: Its ``poll.yml`` is malformed.
        """
        return load(poller(self.source or "", self.content).path)

    def values(self) -> Values:
        """Its settings, checked. Raises as :meth:`definition`, and InputError for a setting."""
        return values(self.definition(), self.settings)

    def api(self, clock: Clock, *, share: float = 1.0) -> Api:
        """The vendor's API with these settings. Raises as :meth:`values`."""
        return Api(self.definition(), self.values(), clock, share=share, private=self.private)

    def readers(self, api: Api) -> list[Reader]:
        """One for each of its streams. Raises as :meth:`values`."""
        known, streams = self.values(), self.definition().streams
        shortest = min(seconds(stream.span) for stream in streams)
        if self.overlap and seconds(self.overlap) >= shortest:
            raise InputError(f"{self.path}: overlap must be shorter than {shortest} seconds")
        return [Reader(api, stream, texts) for stream in streams for texts in known.each(stream.each)]

    async def run(self, intake: Intake, *, clock: Clock, state: Path, stop: asyncio.Event, on_state: OnState) -> None:
        """See :meth:`watchfloor.ingest.inputs.transport.Transport.run`."""
        try:
            live, past = self.api(clock), self.api(clock, share=SHARE)
        except RemoteError as error:
            raise InputError(f"{self.path}: {error}") from error
        readers, earlier, land = self.readers(live), self.readers(past), self.landing(intake)
        hindrances = _Hindrances(self.path, on_state)
        with _alone(state, self.path):
            following = [_Following(self, reader, land, clock, state) for reader in readers]
            async with live, past:
                filling = _backfills(earlier, land, clock=clock, state=state, hindrances=hindrances)
                await _until(stop, [*(one.run(hindrances) for one in following), filling])

    def landing(self, intake: Intake) -> Land:
        """How a batch of its records lands."""

        async def land(batch: Batch) -> None:
            count = len(batch.raw)
            # The vendor's id makes a record one, however often it comes.
            lines, ordinals = range(1, count + 1), [0] * count
            await intake.land(Arrival(self.tenant, batch.path, batch.raw, lines, ordinals, self.source))

        return land


def pollers(content: tuple[Path, ...] = ()) -> Iterator[tuple[Folder, bool]]:
    """Every source, and whether it can be polled."""
    for folder in folders("sources", under=roots(content)):
        yield folder, has_poller(folder)


def poller(name: str, content: tuple[Path, ...] = ()) -> Folder:
    """The folder of a source that can be polled.

    Raises:
        InputError: There is none; says which there are.
    """
    can = [folder for folder, polls in pollers(content) if polls]
    for folder in can:
        if folder.name == name:
            return folder
    raise InputError(f"{name}: no source that can be polled; there are {', '.join(one.name for one in can)}")


@contextmanager
def _alone(state: Path, path: str) -> Iterator[None]:
    """Nobody else moves the cursors in this folder."""
    with storing(state):
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (state / "lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{path}: two inputs of this name: give one of them another name") from None
        yield


class _Hindrances:
    """What hinders the streams of one input, told as one text whenever it changes."""

    def __init__(self, path: str, on_state: OnState) -> None:
        self._path = path
        self._on_state = on_state
        self._by_stream: dict[str, str] = {}
        self._told = ""

    def tell(self, stream: str, hindrance: str) -> None:
        self._by_stream[stream] = hindrance
        texts = (f"{name}: {text}" for name, text in self._by_stream.items() if text)
        if (said := "; ".join(texts)) != self._told:
            self._told = said
            self._on_state(self._path, said)


class _Following:
    """Follows one stream."""

    def __init__(self, poll: Poll, reader: Reader, land: Land, clock: Clock, state: Path) -> None:
        self._reader = reader
        self._stream = reader.stream
        self._reading = Reading(reader, Cursor(cursor_file(state, reader.name)), land)
        self._clock = clock
        self._every = seconds(poll.every)
        self._lookback = seconds(poll.lookback)
        self._overlap = seconds(poll.overlap or self._stream.overlap)
        self._late = seconds(self._stream.late)
        self._swept: float | None = None
        self._started = False

    async def run(self, hindrances: _Hindrances) -> None:
        failures = 0
        while True:
            try:
                wait = await self._once()
            except (RemoteError, OverloadError, StoreError, InputError) as error:
                failures += 1
                hindrances.tell(self._reader.name, str(error))
                await asyncio.sleep(self._pause(error, failures))
            else:
                failures = 0
                hindrances.tell(self._reader.name, self._lost())
                await asyncio.sleep(wait)

    def _pause(self, error: Exception, failures: int) -> float:
        wait = pause(error, failures)
        # Only a person can mend these: asking often locks accounts.
        lasting = isinstance(error, CredentialsError | PermissionMissingError | EgressError | InputError)
        return max(wait, self._every) if lasting else wait

    async def _once(self) -> float:
        """Read a window, or a page of an endless stream; seconds until the next."""
        if not self._started:
            await self._reader.start()
            self._started = True
        now = int(self._clock().timestamp())
        first = max(now - self._lookback, oldest(self._stream, self._clock))
        if self._stream.endless:
            listed = await self._reading.onward(first=first, now=now, overlap=self._overlap)
            # A page with little on it may be the last: what is there is looked for at once, but not all the time.
            return self._every if not listed else 0.0 if listed >= _FEW else min(_SOON, self._every)
        until = now - seconds(self._stream.lag)
        kept = oldest(self._stream, self._clock)
        began = time.monotonic()
        sweeps = self._swept is None or began - self._swept >= _SWEEP
        overlap = max(self._overlap, self._late) if sweeps else self._overlap
        more = await self._reading.window(first=first, until=until, overlap=overlap, oldest=kept)
        if sweeps:
            self._swept = began
        return 0.0 if more else self._every

    def _lost(self) -> str:
        if self._reading.lost is None:
            return ""
        since, until = (moment(when, "seconds") for when in self._reading.lost)
        return f"from {since} to {until} nothing was read, and the vendor does not keep it any more"


async def _backfills(
    readers: Sequence[Reader], land: Land, *, clock: Clock, state: Path, hindrances: _Hindrances
) -> None:
    """Work on each order as it comes."""
    while True:
        try:
            for order in orders(state):
                told = partial(hindrances.tell, order.name)
                await work_off(order, readers, land, clock=clock, state=state, on_hindrance=told)
        except StoreError as error:
            hindrances.tell("backfill", str(error))
        await asyncio.sleep(_LOOK)


async def _until(stop: asyncio.Event, works: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Work until ``stop``; a cursor moves only once what it passes is on disk, so that any moment is a good one to end.

    Raises:
        Exception: What a work raises ends all.
    """
    tasks = [asyncio.create_task(work) for work in works]
    stopped = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopped}:
            task.result()
    finally:
        for task in (*tasks, stopped):
            task.cancel()
        await asyncio.gather(*tasks, stopped, return_exceptions=True)
