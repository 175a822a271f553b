"""Watches what a live run was given at its start, and offers it what has changed: whole, or not at all.

Content on disk counts when it has stayed the same from one look to the next, and loads with no error that was not there
before; else what was before stays, and it is said once why. Directories, decisions and indicators have marks in the
data folder's database, which other processes write.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from watchfloor.detect.noise import NoiseFilter
from watchfloor.enrich.indicators import indicator_tables
from watchfloor.errors import ContentError, StoreError, WatchfloorError
from watchfloor.ingest.http.tokens import Tokens
from watchfloor.run.content import Content
from watchfloor.run.hiding import Hiding
from watchfloor.run.knowledge import assets_of
from watchfloor.run.live import Live
from watchfloor.run.noticing import state_of
from watchfloor.run.offer import Machinery, Offer
from watchfloor.settings import DataFolder, Settings
from watchfloor.store.identities import IdentityStore
from watchfloor.store.indicators import IndicatorStore

LOOK_SECONDS = 2.0
MAX_REFUSALS = 20
"""How many reasons are told at most."""

_S = TypeVar("_S", bound=Hashable)


class Loaded(msgspec.Struct, frozen=True):
    """Content, the noise filters that may run with it, what hides findings, and what of all that did not load."""

    content: Content
    filters: tuple[NoiseFilter, ...] = ()
    hiding: Hiding | None = None
    errors: tuple[ContentError, ...] = ()


class Loading(msgspec.Struct, frozen=True):
    """How content is loaded, from which paths, and the state of these before it was loaded first."""

    load: Callable[[], Loaded]
    paths: tuple[Path, ...]
    state: bytes


class Watch:
    """Looks every few seconds, in a thread of its own; made before what it watches is read.

    Args:
        loaded: What the run began with.
        say: Told in a sentence what was offered, and what was not and why.
    """

    def __init__(
        self,
        folder: DataFolder,
        settings: Settings,
        *,
        loaded: Loaded,
        loading: Loading,
        say: Callable[[str], None],
        seconds: float = LOOK_SECONDS,
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._live: Live | None = None
        self._loading = loading
        self._loaded = loaded
        self._say = say
        self._seconds = seconds
        self._refused: dict[str, tuple[str, ...]] = {}
        self._offered: int | None = None
        self._stop = threading.Event()
        self._identities = IdentityStore(folder.database)
        self._indicators = IndicatorStore(folder.database)
        self._parts = (
            _Part("content", self._state_of_content, self._content, loading.state),
            _Part("identities", self._version, self._people, self._version()),
            _Part("indicators", self._feeds, self._known_indicators, self._feeds()),
            _Part("tokens", self._state_of_tokens, self._tokens, self._state_of_tokens()),
        )
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self, live: Live) -> None:
        """Begin to offer to this run."""
        self._live = live
        # What an earlier run refused is loaded by this one, or was told at its start.
        live.refused(())
        self._thread.start()

    def close(self) -> None:
        """End; what is being loaded is let go."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=self._seconds)
        if not self._thread.is_alive():
            self._identities.close()
            self._indicators.close()

    @property
    def refused(self) -> list[str]:
        """What could not be taken over, and why."""
        return [reason for reasons in self._refused.values() for reason in reasons]

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self._look()

    @property
    def _to(self) -> Live:
        assert self._live is not None  # noqa: S101 - the thread was started with it
        return self._live

    def _look(self) -> None:
        for part in self._parts:
            try:
                prepared = part.look()
            except _RefusedError as error:
                self._refuse(part.name, error.reasons)
            except WatchfloorError as error:
                self._refuse(part.name, (str(error),))
            except Exception as error:  # noqa: BLE001 - an edge: content is code, and what it does is not to end this
                self._refuse(part.name, (f"{part.name}: {type(error).__name__}: {error}",))
            else:
                if prepared is not None:
                    self._to.offer(prepared.offer)
                    self._say(prepared.words)
                if part.is_taken:
                    self._refuse(part.name, ())

    def _refuse(self, name: str, reasons: Sequence[str]) -> None:
        told = tuple(" ".join(reason.split()) for reason in reasons[:MAX_REFUSALS])
        if told == self._refused.get(name, ()):
            return
        self._refused[name] = told
        self._to.refused(self.refused)
        for reason in told:
            self._say(f"not taken over, what was before stays: {reason}")

    def _state_of_content(self) -> bytes:
        return state_of(self._loading.paths)

    def _content(self) -> "_Prepared":
        loaded = self._loading.load()
        before = {(error.path, error.reason) for error in self._loaded.errors}
        new = [str(error) for error in loaded.errors if (error.path, error.reason) not in before]
        if new:
            raise _RefusedError(new)
        content, settings = loaded.content, self._settings
        workers = content.workers(
            settings.workers,
            reference=self._to.reference,
            filters=loaded.filters,
            geo=settings.geo,
            exchange=self._folder.exchange,
        )
        try:
            workers.start()
        except BrokenProcessPool as error:
            workers.close()
            raise _RefusedError(["content: no process can work with it"]) from error
        machinery = Machinery(workers, loaded.filters, content.keyed, loaded.hiding)
        self._loaded = loaded
        words = f"content is taken over: {len(content.rules.rules):,} rules, {len(content.sources):,} sources."
        return _Prepared(Offer(machinery=machinery, tables=assets_of(content)), words)

    def _version(self) -> int:
        return self._identities.version(self._settings.tenant)

    def _people(self) -> "_Prepared":
        tenant = self._settings.tenant
        people, decisions = self._identities.people(tenant), self._identities.decisions(tenant)
        words = f"identities are taken over: {len(people):,} people, {len(decisions):,} decisions."
        return _Prepared(Offer(people=people, decisions=decisions), words)

    def _feeds(self) -> tuple[Any, ...]:
        return self._indicators.marks(self._settings.tenant)

    def _known_indicators(self) -> "_Prepared | None":
        """Those that count; nothing if they are the same, as after most pulls of a feed."""
        known = self._indicators.valid(self._settings.tenant)
        offered = hash(tuple((one.feed, one.id, one.modified) for one in known))
        if offered == self._offered:
            return None
        self._offered = offered
        return _Prepared(Offer(tables=indicator_tables(known)), f"indicators are taken over: {len(known):,}.")

    def _state_of_tokens(self) -> bytes:
        return state_of([self._folder.tokens])

    def _tokens(self) -> None:
        """Who receives looks at the file with each request; here it is said if it cannot be read."""
        Tokens(self._folder.tokens).all()


class _RefusedError(Exception):
    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__()
        self.reasons = tuple(reasons)


class _Prepared(msgspec.Struct, frozen=True):
    """An offer, and what it is in words."""

    offer: Offer
    words: str


class _Part(Generic[_S]):
    """One thing that may change.

    Args:
        state: What it is like now.
        prepare: Makes an offer of what there is now, if there is something to offer; raises if it cannot.
        begun: The state of what was taken first.
    """

    def __init__(self, name: str, state: Callable[[], _S], prepare: Callable[[], _Prepared | None], begun: _S) -> None:
        self.name = name
        self._state = state
        self._prepare = prepare
        self._taken = self._tried = self._seen = begun

    @property
    def is_taken(self) -> bool:
        """Whether what there is is what was taken."""
        return self._seen == self._taken

    def look(self) -> _Prepared | None:
        """What is to be offered: what is new, as soon as it has stayed the same from one look to the next, and once.

        What changes while it is read may be half of each: it is let go, and read again.
        """
        state = self._state()
        if state != self._seen:
            self._seen = state
            return None
        if state in {self._taken, self._tried}:
            return None
        try:
            prepared = self._prepare()
        except StoreError:
            # That may pass; what is wrong with a file does not until it is changed.
            raise
        except Exception:
            if self._state() != state:
                return None
            self._tried = state
            raise
        if self._state() != state:
            if prepared is not None and prepared.offer.machinery is not None:
                prepared.offer.machinery.workers.close()
            return None
        self._taken = state
        return prepared
