"""The laws of inputs, run on each transport: yours too; and an intake in memory to run them against."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from watchfloor.arrival import Arrival, Intake
from watchfloor.clock import Clock
from watchfloor.errors import OverloadError, StoreError, WatchfloorError
from watchfloor.event import event_uid

_PATIENCE = 30.0
_QUIET = 0.5
_MOST_WAITING = 96 << 20
_START = datetime(2026, 3, 18, 8, tzinfo=UTC)


class MemoryIntake:
    """Takes arrivals into memory.

    Args:
        refusals: Raised one after the other, before the first arrival is taken.

    Attributes:
        arrivals: What was taken, in order.
        dropped: How many records were counted as lost, by reason.
        states: What the input told of itself, in order.
        waiting: Bytes of the records that are handed over now and not taken.
    """

    def __init__(self, refusals: Iterable[WatchfloorError] = ()) -> None:
        self.arrivals: list[Arrival] = []
        self.dropped: Counter[str] = Counter()
        self.states: list[str] = []
        self.waiting = 0
        self._refusals = iter(refusals)
        self._open = asyncio.Event()
        self._open.set()

    async def land(self, arrival: Arrival) -> None:
        """See :class:`~watchfloor.arrival.Intake`."""
        count = len(arrival.raw)
        assert count > 0, "an arrival without records"
        assert len(arrival.line) == len(arrival.ordinal) == count, "sequences of several lengths"
        assert arrival.index is None or len(arrival.index) == count, "sequences of several lengths"
        assert all(0 <= ordinal < 1 << 63 for ordinal in arrival.ordinal), "an ordinal that takes more than 63 bits"
        size = sum(map(len, arrival.raw))
        self.waiting += size
        try:
            await self._open.wait()
            for refusal in self._refusals:
                raise refusal
            self.arrivals.append(arrival)
        finally:
            self.waiting -= size

    def drop(self, path: str, reason: str, records: int = 1) -> None:
        """See :class:`~watchfloor.arrival.Intake`."""
        assert path, "a drop without a place"
        self.dropped[reason] += records

    def on_state(self, path: str, text: str) -> None:
        """Keep what an input tells of itself."""
        assert path, "a state without a place"
        self.states.append(text)

    def hold(self) -> None:
        """Let whoever hands over wait."""
        self._open.clear()

    def release(self) -> None:
        """Take what is handed over."""
        self._open.set()

    @property
    def raw(self) -> list[bytes]:
        """The records that were taken, in order."""
        return [raw for arrival in self.arrivals for raw in arrival.raw]

    @property
    def distinct(self) -> dict[str, bytes]:
        """The records that were taken, by the uid of the event that each becomes: once, however often it came."""
        return {
            event_uid(arrival.source or "", raw, ordinal): raw
            for arrival in self.arrivals
            for raw, ordinal in zip(arrival.raw, arrival.ordinal, strict=True)
        }

    async def until(self, condition: Callable[[], bool], patience: float = _PATIENCE) -> None:
        """Wait until the condition holds.

        Raises:
            AssertionError: It does not in time.
        """
        end = asyncio.get_running_loop().time() + patience
        while not condition():
            assert asyncio.get_running_loop().time() < end, f"waited in vain; {len(self.raw)} records, {self.states}"
            await asyncio.sleep(0.005)


class Runs(Protocol):
    """An input; see :class:`watchfloor.ingest.inputs.Transport`."""

    async def run(
        self, intake: Intake, *, clock: Clock, state: Path, stop: asyncio.Event, on_state: Callable[[str, str], None]
    ) -> None:
        """Read until ``stop`` is set."""
        ...


class Peer(Protocol):
    """The other end of an input: something real that sends."""

    @property
    def transport(self) -> Runs:
        """The input that reads from it."""
        ...

    async def send(self, records: Sequence[bytes]) -> None:
        """Send records that the input shall read."""
        ...

    async def acknowledged(self) -> int | None:
        """How many records the input has acknowledged so far; None where nothing is."""
        ...


@asynccontextmanager
async def running(transport: Runs, intake: MemoryIntake, state: Path, *, now: datetime = _START) -> AsyncIterator[None]:
    """An input that runs; at the end it is stopped, and must end."""
    stop = asyncio.Event()
    task = asyncio.create_task(
        transport.run(intake, clock=lambda: now, state=state, stop=stop, on_state=intake.on_state)
    )
    try:
        yield
    finally:
        stop.set()
        done, _ = await asyncio.wait({task}, timeout=_PATIENCE)
        assert done, "does not end when it is told to"
        task.result()


async def check_input(peer: Peer, state: Path) -> None:
    """The laws of an input.

    What is sent arrives, once; stopped and started anew, it goes on where it was; what the intake refuses comes again;
    nothing is acknowledged before it has landed; what waits is bounded.

    Raises:
        AssertionError: A law is broken.
    """
    seen: dict[str, bytes] = {}
    for run in ("first", "second"):
        intake = MemoryIntake()
        await _arrive(peer, state, intake, [b'{"run": "%s", "n": %d}' % (run.encode(), n) for n in range(100)])
        assert not set(intake.distinct) & set(seen), "what had arrived arrives again after a restart"
        seen |= intake.distinct
    full = OverloadError("full", retry_after=0.01)
    await _arrive(peer, state, MemoryIntake([full, full, StoreError("read-only"), full]), [b"refused", b"again"])
    await _identical(peer, state)
    await _acknowledged_late(peer, state)


async def _arrive(peer: Peer, state: Path, intake: MemoryIntake, records: Sequence[bytes]) -> None:
    async with running(peer.transport, intake, state):
        await peer.send(records)
        await intake.until(lambda: len(intake.distinct) >= len(records))
        await asyncio.sleep(_QUIET)
    assert sorted(intake.distinct.values()) == sorted(records), "not what was sent"
    assert not intake.dropped, f"dropped: {intake.dropped}"
    assert not intake.states or not intake.states[-1], f"says that it is hindered: {intake.states}"


async def _identical(peer: Peer, state: Path) -> None:
    intake = MemoryIntake()
    records = [b"the same"] * 10
    async with running(peer.transport, intake, state):
        await peer.send(records[:5])
        await peer.send(records[5:])
        await intake.until(lambda: len(intake.raw) >= len(records))
    assert len(intake.distinct) == len(records), "records that are the same became one"


async def _acknowledged_late(peer: Peer, state: Path) -> None:
    intake = MemoryIntake()
    intake.hold()
    records = [b"%d" % n + bytes(10_000) + b"." for n in range(500)]
    before = await peer.acknowledged()
    async with running(peer.transport, intake, state):
        sending = asyncio.create_task(peer.send(records))
        await intake.until(lambda: intake.waiting > 0)
        await asyncio.sleep(_QUIET)
        assert await peer.acknowledged() == before, "acknowledged before it has landed"
        assert intake.waiting <= _MOST_WAITING, "too much in memory"
        intake.release()
        await sending
        await intake.until(lambda: len(intake.distinct) >= len(records))
        await _until_acknowledged(peer, None if before is None else before + len(records))
    assert sorted(intake.distinct.values()) == sorted(records), "not what was sent"


async def _until_acknowledged(peer: Peer, count: int | None) -> None:
    end = asyncio.get_running_loop().time() + _PATIENCE
    while (acknowledged := await peer.acknowledged()) != count:
        assert asyncio.get_running_loop().time() < end, f"acknowledged {acknowledged}, not {count}, of what has landed"
        await asyncio.sleep(0.05)
