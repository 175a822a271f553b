"""The stateless chain in worker processes: batches go out, results come back in the order of the batches.

Workers are started when an input turns out to be long: to load sources and rules takes one of them seconds. What goes
between the processes is plain data, Arrow and MessagePack. A worker that dies takes nothing with it: the batches that
it had are done here.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from pathlib import Path

import msgspec
import pyarrow as pa

from watchfloor import costs
from watchfloor.clock import Clock
from watchfloor.costs import cost
from watchfloor.deadletter import DeadLetter
from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.cache import packed, unpacked
from watchfloor.detect.sigma.kernel import SlowRegex
from watchfloor.finding import Finding
from watchfloor.ingest import read
from watchfloor.normalize import Source
from watchfloor.normalize.loading import handed, taken
from watchfloor.operator import Reference
from watchfloor.run.chain import Chain, Chained, Of
from watchfloor.run.room import Place, Room, got, put
from watchfloor.run.tables import Handing, Taking, Told
from watchfloor.settings import DEFAULT_WORKERS

OnBytes = Callable[[str, int, int], None]
"""(path, bytes read, bytes there are; 0 if unknown)."""

ALONE = 2.0
"""For how many seconds batches are done here before workers are started, which takes about as long."""

AHEAD = 2
"""How many batches each worker has waiting, so that it never waits itself."""


class Recipe(msgspec.Struct, frozen=True):
    """What a chain is made from.

    The rules, the name of the one source, what becomes an event, what enrichment knows, and how many
    of the rules, the last ones, are noise filters; MaxMind DB files.
    """

    rules: RuleSet
    source: str | None = None
    of: Of = "all"
    reference: Reference = Reference()
    filters: int = 0
    geo: tuple[Path, ...] = ()

    def chain(self, sources: Sequence[Source], detector: SigmaDetector) -> Chain:
        """The chain, of these sources and a detector of the rules.

        Raises:
            InputError: There is no source of that name.
        """
        return Chain(
            sources,
            detector,
            source=self.source,
            of=self.of,
            reference=self.reference,
            filters=self.filters,
            geo=self.geo,
        )


class Task(msgspec.Struct, frozen=True):
    """A batch that was given to a worker; without a ``future``, none has it."""

    batch: pa.RecordBatch
    future: Future[bytes] | None
    rooms: tuple[Room, ...] = ()
    """What the batch is handed over in, and what becomes of it."""


class Workers:
    """Does what a chain of this recipe does.

    Args:
        workers: How many processes; with 0, all is done here.
        alone: For how many seconds batches are done here before workers are started.
        exchange: A folder through which running processes learn what is new; without it, new ones are started for it.
    """

    def __init__(
        self,
        recipe: Recipe,
        sources: Sequence[Source],
        detector: SigmaDetector,
        *,
        workers: int = DEFAULT_WORKERS,
        alone: float = ALONE,
        exchange: Path | None = None,
    ) -> None:
        self._recipe = recipe
        self._sources = sources
        self._chain = recipe.chain(sources, detector)
        self._workers = workers
        self._alone = alone
        self._exchange = exchange
        self._handing: Handing | None = None
        self._pool: ProcessPoolExecutor | None = None
        self.costs: Counter[str] = Counter()
        """CPU seconds of the processes, by stage."""

    def read(
        self,
        paths: Iterable[str | Path],
        *,
        tenant: str,
        clock: Clock,
        on_dead_letter: Callable[[DeadLetter], None],
        on_bytes: OnBytes | None = None,
    ) -> Iterator[Chained]:
        """What becomes of each batch that files are read in; dead letters are told in the order of the records."""
        unread: deque[list[DeadLetter]] = deque([[]])

        def batches() -> Iterator[pa.RecordBatch]:
            # Batches are read ahead; what could not be read has its place before the batch that was read next.
            def on_unread(letter: DeadLetter) -> None:
                unread[-1].append(letter)

            for raw in read(list(paths), tenant=tenant, clock=clock, on_dead_letter=on_unread, on_progress=on_bytes):
                unread.append([])
                yield raw

        for done in self.run(batches()):
            for letter in (*unread.popleft(), *done.dead_letters):
                on_dead_letter(letter)
            yield done
        for letter in chain.from_iterable(unread):
            on_dead_letter(letter)

    def run(self, batches: Iterable[pa.RecordBatch]) -> Iterator[Chained]:
        """What becomes of each batch, in their order."""
        waiting: deque[Task] = deque()
        enough = time.monotonic() + self._alone
        try:
            for batch in batches:
                if not self._workers or (self._pool is None and time.monotonic() < enough):
                    yield self._chain.process(batch)
                    continue
                waiting.append(self.submit(batch))
                if len(waiting) >= self.ahead:
                    yield self.result(waiting.popleft())
            while waiting:
                yield self.result(waiting.popleft())
        finally:
            self.close()

    @property
    def ahead(self) -> int:
        """How many tasks keep all workers busy."""
        return max(AHEAD * self._workers, 1)

    def submit(self, batch: pa.RecordBatch) -> "Task":
        """Give a batch to a worker, if there are any; they are started with the first one."""
        return self._submit(batch) if self._workers else Task(batch, None)

    def result(self, task: "Task") -> Chained:
        """What became of a batch; waits for it. What no worker did is done here."""
        if task.future is not None:
            try:
                reply = task.future.result()
                with cost(_HANDING):
                    return self._from_reply(reply, task.rooms[1])
            except BrokenProcessPool:
                pass
            finally:
                for room in task.rooms:
                    room.close()
        return self._chain.process(task.batch)

    def close(self) -> None:
        """Let the workers end; what they were given and nobody waits for is not done."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        if self._handing is not None:
            self._handing.close()
            self._handing = None

    def start(self) -> None:
        """Start the processes and wait until they are ready, so that the first batch need not.

        Raises:
            BrokenProcessPool: They cannot be started.
        """
        for ready in [self._started().submit(_ready) for _ in range(self._workers)]:
            ready.result()

    def know(self, reference: Reference) -> None:
        """Enrich with this from the next batch on; no batch may be out.

        Raises:
            StoreError: The processes cannot be told.
        """
        if self._pool is not None and self._exchange is None:
            self.close()
        if self._pool is not None and self._exchange is not None:
            self._handing = self._handing or Handing(self._exchange, self._recipe.reference)
            self._handing.tell(reference)
        self._recipe = msgspec.structs.replace(self._recipe, reference=reference)
        self._chain.know(reference)

    def _started(self) -> ProcessPoolExecutor:
        recipe = self._recipe
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_start,
                initargs=(
                    handed(self._sources),
                    packed(recipe.rules),
                    recipe.source,
                    recipe.of,
                    msgspec.msgpack.encode(recipe.reference),
                    recipe.filters,
                    tuple(map(str, recipe.geo)),
                ),
            )
        return self._pool

    def _submit(self, batch: pa.RecordBatch) -> Task:
        """The batch as a task of a worker; nobody's if one has died just now."""
        try:
            pool = self._started()
            with cost(_HANDING):
                given, done = Room(), Room()
                put(given.place, batch)
                told = self._handing.told if self._handing else None
                return Task(batch, pool.submit(_work, given.place, done.place, told), (given, done))
        except BrokenProcessPool:
            # The next batch gets new ones.
            self.close()
            return Task(batch, None)

    def _from_reply(self, data: bytes, room: Room) -> Chained:
        reply = msgspec.msgpack.decode(data, type=_Reply)
        self.costs.update(reply.costs)
        return Chained(
            got(room.place),
            reply.findings,
            _from_bytes(reply.matches),
            reply.dead_letters,
            reply.slow,
            reply.noisy,
        )


class _Reply(msgspec.Struct, frozen=True):
    findings: list[Finding]
    matches: bytes
    dead_letters: list[DeadLetter]
    slow: tuple[SlowRegex, ...]
    noisy: dict[int, int]
    costs: dict[str, float]


_HANDING = "hand over"
_CHAIN: list[Chain] = []
_TAKING: list[Taking] = []
"""The chain of this process, if it is a worker, and what takes tables over for it."""


def _start(  # noqa: PLR0917 - what starts a process is a tuple
    sources: bytes,
    rules: bytes,
    source: str | None,
    of: Of,
    reference: bytes,
    filters: int,
    geo: Sequence[str],
) -> None:
    # The terminal interrupts all processes; the first one says when the others end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    known = msgspec.msgpack.decode(reference, type=Reference)
    recipe = Recipe(unpacked(rules), source, of, known, filters, tuple(map(Path, geo)))
    _CHAIN.append(recipe.chain(taken(sources), SigmaDetector(recipe.rules)))
    _TAKING.append(Taking(known))


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _ready() -> None:
    """Done as soon as a process works."""


def _work(given: Place, room: Place, told: Told | None) -> bytes:
    with cost(_HANDING):
        raw = got(given)
        if told is not None and (reference := _TAKING[0].take(told)) is not None:
            _CHAIN[0].know(reference)
    done = _CHAIN[0].process(raw)
    with cost(_HANDING):
        put(room, done.events)
        matches = _to_bytes(done.matches)
    # What it costs to encode this is told with the next one.
    reply = _Reply(done.findings, matches, done.dead_letters, done.slow, done.noisy, costs.settled())
    with cost(_HANDING):
        return msgspec.msgpack.encode(reply)


def _to_bytes(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _from_bytes(data: bytes) -> pa.RecordBatch:
    with pa.ipc.open_stream(data) as reader:
        return reader.read_next_batch()
