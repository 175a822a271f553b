"""The intake: arrivals of a few milliseconds land together, and their senders are told when they are on disk."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from watchfloor.arrival import Arrival
from watchfloor.clock import Clock, now_ms
from watchfloor.costs import cost
from watchfloor.errors import OverloadError, StoreError
from watchfloor.store.landing import Landing, Segment

WINDOW = 0.02
"""Seconds that the first arrival of a group waits for others: to flush the disk costs the same for one as for many."""
GROUP_BYTES = 4 << 20
"""A group that holds so much lands at once."""
HELD_BYTES = 128 << 20
"""What waits to be written, at most."""
BACKLOG_BYTES = 1 << 30
"""What has landed and was not worked on, at most, in bytes on disk."""

Dropped = Counter[tuple[str, str]]
"""Records that were dropped, by path and reason."""


class GroupCommit:
    """An :class:`~watchfloor.arrival.Intake` over a landing zone, for one event loop.

    Args:
        on_segment: Told, in the thread that writes, of each segment as soon as it is on disk.
    """

    def __init__(
        self,
        landing: Landing,
        clock: Clock,
        on_segment: Callable[[Segment], None],
        *,
        window: float = WINDOW,
        backlog_bytes: int = BACKLOG_BYTES,
    ) -> None:
        self._landing = landing
        self._clock = clock
        self._on_segment = on_segment
        self._window = window
        self._most = backlog_bytes
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="landing")
        self._group: list[Arrival] = []
        self._group_bytes = 0
        self._landed: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = 0
        self.backlog = 0
        """Bytes on disk that nobody has worked on; whoever works on them takes them off with :meth:`worked`."""
        self.dropped: Dropped = Counter()
        self.records = 0
        self.trouble = ""
        """Why nothing could be written last time, if it could not."""

    async def land(self, arrival: Arrival) -> None:
        """See :meth:`watchfloor.arrival.Intake.land`."""
        size = sum(map(len, arrival.raw))
        if self.backlog >= self._most:
            raise OverloadError("what has landed must be worked on first", retry_after=5)
        if self._held + size > max(HELD_BYTES, size):
            raise OverloadError("the disk does not keep up", retry_after=1)
        self._held += size
        try:
            await asyncio.shield(self._join(arrival, size))
        finally:
            self._held -= size

    def drop(self, path: str, reason: str, records: int = 1) -> None:
        """See :meth:`watchfloor.arrival.Intake.drop`."""
        self.dropped[path, reason] += records

    def worked(self, size: int) -> None:
        """Segments of this size have been worked on."""
        self.backlog -= size

    async def close(self) -> None:
        """Write what waits; nothing may land afterwards."""
        self._flush()
        await asyncio.gather(*self._tasks)
        self._writer.shutdown()

    def _join(self, arrival: Arrival, size: int) -> "asyncio.Future[None]":
        """Add to the group at hand; done when it is on disk."""
        loop = asyncio.get_running_loop()
        if self._landed is None:
            self._landed = loop.create_future()
            self._timer = loop.call_later(self._window, self._flush)
        landed = self._landed
        self._group.append(arrival)
        self._group_bytes += size
        if self._group_bytes >= GROUP_BYTES:
            self._flush()
        return landed

    def _flush(self) -> None:
        if self._landed is None:
            return
        group, landed = self._group, self._landed
        self._group, self._group_bytes, self._landed = [], 0, None
        if self._timer:
            self._timer.cancel()
        task = asyncio.get_running_loop().create_task(self._write(group, landed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, group: list[Arrival], landed: "asyncio.Future[None]") -> None:
        try:
            segment = await asyncio.get_running_loop().run_in_executor(self._writer, self._land, group)
        except (StoreError, OverloadError) as error:
            self._refuse(landed, error)
        except Exception as error:  # noqa: BLE001 - an edge: whoever waits must be told, or waits for ever
            # The text of an error that nobody foresaw may hold what a sender chose.
            self._refuse(landed, StoreError(f"cannot be written: {type(error).__name__}"))
        else:
            self.trouble = ""
            self.backlog += segment.size
            self.records += sum(len(one.raw) for one in group)
            landed.set_result(None)

    def _refuse(self, landed: "asyncio.Future[None]", error: StoreError | OverloadError) -> None:
        self.trouble = str(error)
        landed.set_exception(error)
        # Whoever waited may be gone; then nobody asks for it.
        landed.exception()

    def _land(self, group: list[Arrival]) -> Segment:
        with cost("land"):
            segment = self._landing.write(group, now=now_ms(self._clock))
        self._on_segment(segment)
        return segment
