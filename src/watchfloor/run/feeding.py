"""Reads feeds of indicators again and again, each from where it was read last; one that fails harms no other."""

import asyncio
import threading
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import suppress

from watchfloor.clock import Clock, now_ms
from watchfloor.enrich.stix import read_objects
from watchfloor.errors import WatchfloorError
from watchfloor.ingest.feed import Feed
from watchfloor.ingest.inputs.backoff import Random, delays, system_random
from watchfloor.settings import DataFolder
from watchfloor.store.indicators import IndicatorStore

FIRST_PAUSE = 30.0
"""How many seconds a feed that fails is left alone at first; then longer, up to its own pace."""

_JITTER = 0.1


async def feeding(
    feeds: Sequence[Feed],
    folder: DataFolder,
    tenant: str,
    hindered: MutableMapping[str, str],
    *,
    clock: Clock,
    random: Random = system_random,
) -> None:
    """Read feeds into the indicators of a data folder, until it is cancelled; ``hindered`` says what hinders one."""
    async with asyncio.TaskGroup() as group:
        for feed in feeds:
            group.create_task(_Feeding(feed, folder, tenant, clock).run(hindered, random))


class _Feeding:
    def __init__(self, feed: Feed, folder: DataFolder, tenant: str, clock: Clock) -> None:
        self._feed = feed
        self._folder = folder
        self._tenant = tenant
        self._clock = clock

    async def run(self, hindered: MutableMapping[str, str], random: Random) -> None:
        feed = self._feed
        # Whoever restarts a platform often does not ask more often.
        await asyncio.sleep(await asyncio.to_thread(self._left))
        waits = delays(random, first=min(FIRST_PAUSE, feed.period), most=feed.period)
        while True:
            try:
                await _apart(self._pull)
            except WatchfloorError as error:
                hindered[feed.path] = str(error)
                await asyncio.sleep(next(waits))
            except Exception as error:  # noqa: BLE001 - an edge: what one feed does must not end the others
                # The text of an error that nobody foresaw may hold what a server chose.
                hindered[feed.path] = f"failed: {type(error).__name__}"
                await asyncio.sleep(next(waits))
            else:
                hindered.pop(feed.path, None)
                waits = delays(random, first=min(FIRST_PAUSE, feed.period), most=feed.period)
                await asyncio.sleep(feed.period * (1 + _JITTER * (2 * random() - 1)))

    def _left(self) -> float:
        """For how many seconds the feed need not be read."""
        store = IndicatorStore(self._folder.database)
        try:
            last = next((at for name, at, _ in store.marks(self._tenant) if name == self._feed.name), None)
        finally:
            store.close()
        if last is None:
            return 0.0
        return min(max(last / 1000 + self._feed.period - now_ms(self._clock) / 1000, 0.0), self._feed.period)

    def _pull(self) -> None:
        """Each page counts as soon as it is here; what breaks off goes on after the last whole one."""
        feed = self._feed
        store = IndicatorStore(self._folder.database)
        try:
            for page in feed.collection().pages(store.added(self._tenant, feed.name)):
                read = read_objects(page.objects, feed=feed.name, confidence=feed.confidence)
                store.add(self._tenant, feed.name, read.indicators, at=now_ms(self._clock), added=page.added)
        finally:
            store.close()


async def _apart(function: Callable[[], None]) -> None:
    """Run a function in a thread that nobody waits for at the end: a server may keep it for minutes."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if not done.done():
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    def work() -> None:
        error: BaseException | None = None
        try:
            function()
        except Exception as raised:  # noqa: BLE001 - it is raised again where it is waited for
            error = raised
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, error)

    threading.Thread(target=work, name="feed", daemon=True).start()
    await done
