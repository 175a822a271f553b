"""The live data plane: what landed becomes events in the lake, findings and dead letters, in order and once.

Everything here can be made again from the landing zone. The lake says up to which segment its events are complete; work
begins behind it. Findings and dead letters of a segment are on disk before the lake commits it, and are replaced by
themselves if it is worked on again. So a run that is killed, or that the disk refuses, begins again where the lake
stands, and nobody sees the difference.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec
import pyarrow as pa

from watchfloor.clock import Clock, now_ms
from watchfloor.costs import cost
from watchfloor.deadletter import DeadLetter, dead_letter
from watchfloor.errors import StoreError
from watchfloor.event import RAW_SCHEMA, Origin
from watchfloor.operator import Reference
from watchfloor.run.learning import Learning
from watchfloor.run.offer import Machinery, Offer
from watchfloor.run.quality import Quality
from watchfloor.run.uncommitted import Knowledge, Stores, Uncommitted, Worked
from watchfloor.run.workers import Task, Workers
from watchfloor.store.landing import Segment, segments

BATCH_ROWS = 4096
COMMIT_ROWS = 131_072
COMMIT_BYTES = 256 << 20
COMMIT_SECONDS = 30.0
RETRY_SECONDS = 5.0
LISTEN_SECONDS = 30.0
_TICK = 0.25
_NOTHING = Knowledge()


class _Portion(msgspec.Struct, frozen=True):
    """Segments that are worked on together."""

    segments: list[Segment]
    records: int
    tasks: list[Task]
    broken: list[DeadLetter]
    """What says of a segment that it cannot be read."""


class Live:
    """Works on segments in their order, in the thread that calls :meth:`run`.

    Args:
        learning: Learns from the events; else what they teach is known to this run alone.
        on_worked: Told how many bytes of segments were worked on, as they lie on disk.
        on_commit: Told the last segment that was committed.
    """

    def __init__(
        self,
        stores: Stores,
        workers: Workers,
        clock: Clock,
        *,
        knowledge: Knowledge = _NOTHING,
        learning: Learning | None = None,
        on_worked: Callable[[int], None] = lambda _size: None,
        on_commit: Callable[[int], None] = lambda _number: None,
        commit_rows: int = COMMIT_ROWS,
        commit_seconds: float = COMMIT_SECONDS,
    ) -> None:
        self._stores = stores
        self._workers = workers
        self._clock = clock
        self._knowledge = knowledge
        self._learning = learning or Learning()
        self._offered: Offer | None = None
        self._offering = threading.Lock()
        self._refusals: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()
        self._on_worked = on_worked
        self._on_commit = on_commit
        self._commit_rows = commit_rows
        self._commit_seconds = commit_seconds
        self._landed: queue.SimpleQueue[Segment | None] = queue.SimpleQueue()
        self._pending: deque[Segment] = deque()
        self._newest = 0
        self._told = 0
        """The last segment that ``on_worked`` was told of; one that is worked on again is not told again."""
        self._stopping = False
        self._looked = 0.0
        self.worked = Worked()
        self.quality = Quality.kept(stores.quality)
        if self.quality.ahead:
            self._learning.clocks(self.quality.ahead)
            self._learning.not_told()

    @property
    def costs(self) -> Mapping[str, float]:
        """CPU seconds of the workers, by stage."""
        return self._workers.costs

    def notify(self, segment: Segment) -> None:
        """A segment landed; may be called from any thread."""
        self._landed.put(segment)

    def offer(self, offer: Offer) -> None:
        """Take this over between two batches; may be called from any thread."""
        with self._offering:
            self._offered = offer if self._offered is None else self._offered.then(offer)

    @property
    def reference(self) -> Reference:
        """What the workers know."""
        return self._knowledge.reference

    def refused(self, reasons: Sequence[str]) -> None:
        """Tell on the page of quality what could not be taken over; may be called from any thread."""
        self._refusals.put(tuple(reasons))

    def stop(self) -> None:
        """Finish what is at work, commit it and return from :meth:`run`; may be called from any thread."""
        self._stopping = True
        self._landed.put(None)

    def run(self) -> None:
        """Work until :meth:`stop`; what the disk refuses, and what nobody foresaw, is told and tried again."""
        try:
            while not self._stopping:
                try:
                    self._session()
                except StoreError as error:
                    self._begin_again(str(error))
                except Exception as error:  # noqa: BLE001 - an edge: else this thread ends and senders go on unaware
                    # The text of an error that nobody foresaw may hold what a sender chose.
                    self._workers.close()
                    self._begin_again(f"failed: {type(error).__name__}; it starts again")
        finally:
            self._workers.close()
            if self._offered and self._offered.machinery:
                self._offered.machinery.workers.close()

    def _begin_again(self, trouble: str) -> None:
        self.worked.trouble = trouble
        self.worked.restarts += 1
        until = time.monotonic() + RETRY_SECONDS
        while not self._stopping and time.monotonic() < until:
            time.sleep(_TICK)

    def _session(self) -> None:
        """Begin from what is on disk; go on until :meth:`stop`, or until the disk refuses something."""
        with Uncommitted(self._stores, self._knowledge, self.quality, self._learning, self.worked) as uncommitted:
            self._pending = deque(segments(self._stores.landing, after=uncommitted.upto))
            self._newest = self._pending[-1].number if self._pending else uncommitted.upto
            at_work: deque[_Portion] = deque()
            while at_work or not self._stopping:
                if self._has_news():
                    while at_work:
                        self._finish(at_work.popleft(), uncommitted)
                    self._take_over(uncommitted)
                portion = self._next(wait=not at_work)
                if portion:
                    at_work.append(portion)
                if at_work and (portion is None or len(at_work) >= self._workers.ahead):
                    self._finish(at_work.popleft(), uncommitted)
                full = uncommitted.rows >= self._commit_rows or uncommitted.size >= COMMIT_BYTES
                if full or uncommitted.age >= self._commit_seconds:
                    self._commit(uncommitted)
                self._listen()
            self._commit(uncommitted)
            self._learning.keep(everything=True)

    def _has_news(self) -> bool:
        return self._offered is not None or self._learning.due

    def _take_over(self, uncommitted: Uncommitted) -> None:
        """Go on with what was offered and learned; no batch is at work. If the disk refuses it, nothing was taken."""
        with self._offering:
            offer, self._offered = self._offered or Offer(), None
        machinery = offer.machinery or self._machinery()
        self._learning.take(offer)
        reference = self._learning.reference()
        try:
            machinery.workers.know(reference)
        except BaseException:
            self._learning.not_told()
            self._put_back(offer)
            raise
        if machinery.workers is not self._workers:
            machinery.workers.costs.update(self._workers.costs)
            self._workers.close()
        self._workers = machinery.workers
        self._knowledge = Knowledge(reference, machinery.filters, machinery.keyed, machinery.hiding)
        uncommitted.know(self._knowledge)
        self.worked.taken_over += offer != Offer()

    def _machinery(self) -> Machinery:
        known = self._knowledge
        return Machinery(self._workers, known.filters, known.keyed, known.hiding)

    def _put_back(self, offer: Offer) -> None:
        with self._offering:
            self._offered = offer if self._offered is None else offer.then(self._offered)

    def _listen(self) -> None:
        """Tell what was refused, and, now and then, of sources that are silent for too long."""
        while not self._refusals.empty():
            self.quality.refuse(self._refusals.get())
            self._stores.quality.keep(self.quality.dump())
        if time.monotonic() - self._looked >= LISTEN_SECONDS:
            self._looked = time.monotonic()
            now = now_ms(self._clock)
            silences = self.quality.silences(now)
            if silences:
                self.worked.findings += self._stores.findings.add(silences, now=now)
                self.quality.told(silences)
                # Where nothing arrives any more, no commit keeps it.
                self._stores.quality.keep(self.quality.dump())

    def _next(self, *, wait: bool) -> _Portion | None:
        """What to work on next, if there is anything; else what lands within a moment, if that is wanted."""
        if wait and not self._pending and not self._stopping:
            with suppress(queue.Empty):
                self._enqueue(self._landed.get(timeout=_TICK))
        with suppress(queue.Empty):
            while True:
                self._enqueue(self._landed.get_nowait())
        return None if self._stopping or not self._pending else self._begin()

    def _enqueue(self, segment: Segment | None) -> None:
        # One that landed while the folder was looked through was found there already.
        if segment is not None and segment.number > self._newest:
            self._newest = segment.number
            self._pending.append(segment)

    def _begin(self) -> _Portion:
        """Give as many segments to the workers as one batch may hold, or one that is larger."""
        taken: list[Segment] = []
        batches: list[pa.RecordBatch] = []
        broken: list[DeadLetter] = []
        rows = 0
        while self._pending and rows < BATCH_ROWS:
            segment = self._pending.popleft()
            taken.append(segment)
            try:
                with cost("read back"):
                    batches.append(segment.read())
            except StoreError as error:
                broken.append(dead_letter("", Origin(segment.path.name, 1), "ingest", str(error)))
            else:
                rows += batches[-1].num_rows
        with cost("read back"):
            table = pa.Table.from_batches(batches, schema=RAW_SCHEMA).combine_chunks()
        tasks = [self._workers.submit(batch) for batch in table.to_batches(max_chunksize=BATCH_ROWS)]
        return _Portion(taken, rows, tasks, broken)

    def _finish(self, portion: _Portion, uncommitted: Uncommitted) -> None:
        now = now_ms(self._clock)
        uncommitted.refuse(portion.broken)
        for task in portion.tasks:
            uncommitted.add(self._workers.result(task), now=now)
        uncommitted.done(portion.segments[-1].number, records=portion.records)
        fresh = [one for one in portion.segments if one.number > self._told]
        if fresh:
            self._told = fresh[-1].number
            self._on_worked(sum(one.size for one in fresh))

    def _commit(self, uncommitted: Uncommitted) -> None:
        if uncommitted.commit():
            self._on_commit(uncommitted.upto)
