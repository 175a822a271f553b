"""The live platform: inputs, the landing zone, the data plane behind it, and an orderly end of all of them."""

import asyncio
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec

from watchfloor import costs
from watchfloor.clock import Clock
from watchfloor.errors import InputError, WatchfloorError
from watchfloor.ingest.feed import Feed
from watchfloor.ingest.http.app import Page, application
from watchfloor.ingest.http.body import BodyLimits
from watchfloor.ingest.http.gate import Gate
from watchfloor.ingest.http.server import Listen, bind, serve_http
from watchfloor.ingest.http.tokens import Tokens
from watchfloor.ingest.inputs import Input, input_of
from watchfloor.run.feeding import feeding
from watchfloor.run.inputs import inputs
from watchfloor.run.intake import GroupCommit
from watchfloor.run.knowledge import given_of
from watchfloor.run.learning import Learning
from watchfloor.run.live import Live
from watchfloor.run.uncommitted import STREAM, Knowledge, Stores
from watchfloor.run.upkeep import Upkeep
from watchfloor.run.watching import Loaded, Loading, Watch
from watchfloor.settings import DataFolder, Settings
from watchfloor.store.findings import FindingStore
from watchfloor.store.identities import IdentityStore
from watchfloor.store.lake import Lake
from watchfloor.store.landing import Landing, segments
from watchfloor.store.letters import LetterFolder
from watchfloor.store.quality import QualityStore

CLOCK_JUMP = timedelta(seconds=5)
_CLOCK_TOLD = 300.0
"""For how many seconds a jump of the clock is told."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a live platform may hold back; all in bytes or seconds.

    Attributes:
        backlog_bytes: What has landed and was not worked on, at most; beyond it, senders are told to wait.
        commit_seconds: After how long at most an event can be searched.
        keep_segments: How many segments stay in the landing zone after the lake has their events.
    """

    backlog_bytes: int = 1 << 30
    commit_seconds: float = 30.0
    keep_segments: int = 0


class Serving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in ``serve.yml``; each of ``inputs`` is as :func:`~watchfloor.ingest.inputs.input_of` takes it."""

    http: Listen = Listen()
    limits: Limits = Limits()
    inputs: tuple[dict[str, Any], ...] = ()
    feeds: tuple[Feed, ...] = ()


def serving_of(document: Any, *, place: str) -> Serving:
    """The settings that a document, as read from YAML, stands for.

    Raises:
        InputError: It stands for none; says what is wrong in ``place``.
    """
    try:
        serving = msgspec.convert(document, Serving, dec_hook=lambda kind, value: kind(value))
    except (msgspec.ValidationError, TypeError) as error:
        raise InputError(f"{place}: {error}") from error
    inputs_of(serving, place=place)
    names = [feed.name for feed in serving.feeds]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{place}: feeds: two of the name {twice}: give one of them another name")
    return serving


def inputs_of(serving: Serving, *, place: str = "serve.yml") -> list[Input]:
    """The inputs of the settings.

    Raises:
        InputError: One of them is none.
    """
    return [input_of(one, place=f"{place}: inputs, {at}.") for at, one in enumerate(serving.inputs, start=1)]


class Platform:
    """A running platform, for those who ask how it is."""

    def __init__(self, intake: GroupCommit, live: Live, upkeep: Upkeep, watch: Watch, clock: Clock) -> None:
        self.upkeep = upkeep
        self._watch = watch
        self.hindered: dict[str, str] = {}
        """What hinders inputs, by their paths."""
        self.unread: dict[str, str] = {}
        """The same of feeds; no sender need care."""
        self.intake = intake
        self._live = live
        self._clock = clock
        self._began = time.thread_time(), time.process_time()
        self._jumped: tuple[float, float] | None = None
        """When the clock jumped, on the monotonic clock, and by how many seconds."""

    def health(self) -> Mapping[str, Any]:
        """``ok``, and if not, why: in words that name no path and nothing that anybody sent."""
        reasons = []
        if self.intake.trouble:
            reasons.append("what arrives cannot be written to disk")
        if self._live.worked.trouble:
            reasons.append("what has landed cannot be stored further")
        if self.upkeep.trouble:
            reasons.append("the lake cannot be kept up")
        if self.hindered:
            reasons.append(f"{len(self.hindered)} of the inputs cannot read")
        if self._jumped and time.monotonic() - self._jumped[0] < _CLOCK_TOLD:
            reasons.append(f"the clock jumped by {self._jumped[1]:+.0f} seconds")
        return {"ok": not reasons, "reasons": reasons}

    def status(self) -> dict[str, Any]:
        """How it is and what was done, for people with a token."""
        worked = msgspec.to_builtins(self._live.worked)
        dropped = [
            {"path": path, "reason": reason, "records": count}
            for (path, reason), count in sorted(self.intake.dropped.items())
        ]
        landed = {"records": self.intake.records, "backlog_bytes": max(self.intake.backlog, 0)}
        return {
            **self.health(),
            "landed": landed,
            "worked": worked,
            "cpu_seconds": self._costs(),
            "dropped": dropped,
            "hindered": {**self.hindered, **self.unread},
            "refused": self._watch.refused,
            "trouble": self.intake.trouble or self._live.worked.trouble or self.upkeep.trouble,
        }

    def _costs(self) -> dict[str, dict[str, float]]:
        """CPU seconds since the start, by process and stage; what arrives is received in this thread."""
        thread, process = self._began
        mine = {"receive": time.thread_time() - thread, **costs.spent()}
        mine["other"] = max(time.process_time() - process - sum(mine.values()), 0.0)
        return {"main": mine, "workers": dict(self._live.costs)}

    async def watch_clock(self) -> None:
        """Notice when the machine's clock is set; times of arrival are what depends on it."""
        wall, steady = self._clock(), time.monotonic()
        while True:
            await asyncio.sleep(1)
            passed = timedelta(seconds=time.monotonic() - steady)
            wall, steady, before = self._clock(), time.monotonic(), wall
            if abs(jump := wall - before - passed) > CLOCK_JUMP:
                self._jumped = (steady, jump.total_seconds())


async def serve(
    serving: Serving,
    folder: DataFolder,
    loaded: Loaded,
    *,
    loading: Loading,
    clock: Clock,
    settings: Settings,
    stop: asyncio.Event,
    pages: Mapping[str, Page] = {},
    on_ready: Callable[[str, Platform], None] = lambda _url, _platform: None,
    say: Callable[[str], None] = lambda _text: None,
) -> None:
    """Serve until ``stop`` is set; then what was accepted is on disk, and what was at work is committed.

    ``say`` is told in sentences what is taken over while it runs, and what is not.

    Raises:
        InputError: An address cannot be listened on, or a certificate cannot be used.
        StoreError: The data folder cannot be written, or another process serves it.
    """
    worked_on = Lake(folder.lake).upto(STREAM) or 0
    with bind(serving.http) as listener, Landing(folder.landing, after=worked_on) as landing:
        async with _data_plane(
            serving.limits, folder, landing, loaded=loaded, loading=loading, clock=clock, settings=settings, say=say
        ) as platform:
            gate = Gate(platform.intake, Tokens(folder.tokens), BodyLimits())
            app = application(gate, platform.health, platform.status, pages)
            host, port = listener.getsockname()[:2]
            on_ready(f"{'https' if serving.http.tls else 'http'}://{host}:{port}", platform)
            reading = inputs(
                inputs_of(serving), platform.intake, platform.hindered, folder.inputs, clock=clock, stop=stop
            )
            feeds = feeding(serving.feeds, folder, settings.tenant, platform.unread, clock=clock)
            keeping = [asyncio.create_task(one) for one in (platform.watch_clock(), platform.upkeep.run(), feeds)]
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(reading)
                    group.create_task(serve_http(app, listener, serving.http.tls, stop))
            except* WatchfloorError as errors:
                raise errors.exceptions[0] from None
            finally:
                for task in keeping:
                    task.cancel()


@asynccontextmanager
async def _data_plane(
    limits: Limits,
    folder: DataFolder,
    landing: Landing,
    *,
    loaded: Loaded,
    loading: Loading,
    clock: Clock,
    settings: Settings,
    say: Callable[[str], None],
) -> AsyncIterator[Platform]:
    """Everything behind the inputs; they must have ended when the block is left."""
    loop = asyncio.get_running_loop()
    content, filters = loaded.content, loaded.filters
    findings, lake = FindingStore(folder.database), Lake(folder.lake)
    shutil.rmtree(folder.exchange, ignore_errors=True)
    watch = Watch(folder, settings, loaded=loaded, loading=loading, say=say)
    learning = Learning(
        settings.tenant,
        given=given_of(folder, content, settings.tenant),
        store=(identities := IdentityStore(folder.database)),
    )
    known = learning.reference()

    def worked(size: int) -> None:
        loop.call_soon_threadsafe(intake.worked, size)

    def committed(number: int) -> None:
        landing.forget(number - limits.keep_segments)

    live = Live(
        Stores(folder.landing, lake, findings, LetterFolder(folder.letters), QualityStore(folder.quality)),
        content.workers(settings.workers, reference=known, filters=filters, geo=settings.geo, exchange=folder.exchange),
        clock,
        knowledge=Knowledge(known, filters, content.keyed, loaded.hiding),
        learning=learning,
        on_worked=worked,
        on_commit=committed,
        commit_seconds=limits.commit_seconds,
    )
    intake = GroupCommit(landing, clock, live.notify, backlog_bytes=limits.backlog_bytes)
    intake.backlog = sum(one.size for one in segments(folder.landing, after=lake.upto(STREAM) or 0))
    thread = threading.Thread(target=live.run, name="live")
    thread.start()
    watch.start(live)
    try:
        yield Platform(intake, live, Upkeep(folder, clock), watch, clock)
    finally:
        await asyncio.to_thread(watch.close)
        await intake.close()
        live.stop()
        await asyncio.to_thread(thread.join)
        findings.close()
        identities.close()
