"""Reads a stream into an intake from where its cursor stands: nothing counts as read before it is on disk.

A window is read page by page. A page's records land, then the cursor moves; a process that is killed between reads the
page again, and its records are known by their uids.
"""

from collections.abc import Awaitable, Callable

from watchfloor.clock import Clock
from watchfloor.ingest.inputs.poll.cursor import Cursor, Place
from watchfloor.ingest.inputs.poll.definition import Stream, seconds
from watchfloor.ingest.inputs.poll.fault import AnswerError, CursorError, WindowError
from watchfloor.ingest.inputs.poll.reader import Batch, Listing, Reader
from watchfloor.ingest.inputs.poll.records import Seen, occurred

Land = Callable[[Batch], Awaitable[None]]
"""Returns once a batch is on disk."""

MAX_PAGES = 10_000
"""Of one window."""
MARGIN = 300
"""Seconds by which less is asked for than the vendor keeps: a request takes its time."""


class Reading:
    """One stream, its cursor, and where its records go; a window of more than ``most_pages`` is halved."""

    def __init__(self, reader: Reader, cursor: Cursor, land: Land, *, most_pages: int = MAX_PAGES) -> None:
        self._reader = reader
        self._stream = reader.stream
        self._cursor = cursor
        self._land = land
        self._most_pages = most_pages
        self._seen = Seen()
        self._visited: set[str | None] = set()
        self.lost: tuple[int, int] | None = None
        """From when to when (s) the vendor kept nothing any more, when it was last asked."""

    @property
    def place(self) -> Place | None:
        """Where it stands."""
        return self._cursor.place

    async def window(self, *, first: int, until: int, overlap: int, oldest: int = 0) -> bool:
        """Read one window that ends at ``until`` (s) at the latest, or what is left of it; whether more is left.

        ``first`` is where it begins if nothing was read yet; the vendor has nothing from before ``oldest``.

        Raises:
            RemoteError: It could not be read to its end; what was read is behind the cursor.
            OverloadError, StoreError: As :meth:`watchfloor.arrival.Intake.land`.
        """
        here = self._forgotten(self._cursor.place or Place(first), oldest)
        if here.until is None:
            # A clock that was ahead read less than it believed.
            here = Place(min(here.upto, until))
            if here.upto >= until:
                self._cursor.move(here)
                return False
            # What was read before is read again from a little earlier; at the very start there is no before.
            since = max(here.upto - overlap if self._cursor.place else first, oldest)
            here = self._open(here, since, min(until, since + seconds(self._stream.span)))
        here = await self._pages(here)
        self._cursor.move(Place(here.until or here.upto))
        return (here.until or until) < until

    def _forgotten(self, here: Place, oldest: int) -> Place:
        """The place, or a later one if the vendor keeps nothing from so long ago."""
        self.lost = (here.upto, oldest) if here.upto < oldest else None
        if here.upto >= oldest and (here.since is None or here.since >= oldest):
            return here
        return Place(max(here.upto, oldest))

    def _open(self, here: Place, since: int, until: int | None) -> Place:
        self._visited.clear()
        here = here.opened(since, until)
        self._cursor.move(here)
        return here

    async def _pages(self, here: Place) -> Place:
        """Every page of a window from here on; the place at its end."""
        while True:
            try:
                listing = await self._reader.list(here)
            except CursorError:
                self._open(here, here.since or 0, here.until)
                raise
            except WindowError:
                here = self._halved(here)
                continue
            await self._take(listing)
            if listing.next is None:
                return here
            if here.pages + 1 >= self._most_pages:
                here = self._halved(here)
                continue
            self._check_progress(here, listing)
            here = here.turned(listing.next)
            self._cursor.move(here)

    def _check_progress(self, here: Place, listing: Listing) -> None:
        self._visited.add(here.next)
        if listing.next in self._visited:
            raise AnswerError(f"{listing.path}: its pages go round in a circle")

    def _halved(self, here: Place) -> Place:
        since, until = max(here.since or 0, here.upto), here.until or 0
        if until - since < 2:
            raise AnswerError(f"{self._reader.name}: more in one second than can be listed")
        return self._open(here, here.since or 0, since + (until - since) // 2)

    async def _take(self, listing: Listing) -> None:
        async for batch in self._reader.batches(listing, self._seen):
            if batch.raw:
                await self._land(batch)
            self._seen.add(batch.identities)

    async def onward(self, *, first: int, now: int, overlap: int) -> int:
        """Read the next page of an endless stream; how much was listed. Raises as :meth:`window`."""
        here = self._cursor.place
        if here is None:
            here = self._open(Place(first), first, None)
        elif here.since is None or here.until is not None:
            upto = min(here.upto, now)
            here = self._open(Place(upto), max(upto - overlap, 0), None)
        try:
            listing = await self._reader.list(here)
        except CursorError:
            self._open(here, max(here.upto - overlap, 0), None)
            raise
        await self._take(listing)
        # Pages are in the order of storing: what is older than the overlap before the last record's time has come.
        reached = occurred(listing.elements[-1], self._stream.time) if listing.elements else now
        upto = max(here.upto, min(reached or 0, now))
        self._cursor.move(Place(upto, here.since, None, listing.next or here.next, here.pages + 1))
        return len(listing.elements)


def oldest(stream: Stream, clock: Clock) -> int:
    """The time (s) from which on the vendor has records."""
    return int(clock().timestamp()) - seconds(stream.reach) + MARGIN
