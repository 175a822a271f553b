"""What a live run knows: what people and feeds say, and what its events teach; one thread's.

Events teach who is who, as an investigation learns it, and whose clock is ahead. What they teach is kept with each
commit, before the lake has the events: after a kill, events teach it once more, and it is the same. How often and until
when a link was seen is kept now and then.
"""

import time

import orjson
import pyarrow.compute as pc
from pyarrow import RecordBatch

from watchfloor.enrich import IdentityGraph, shown_by
from watchfloor.enrich.clocks import CLOCKS, SECOND
from watchfloor.enrich.identity import IDENTITY, OWNERS
from watchfloor.identity import Link, Noted
from watchfloor.operator import Reference
from watchfloor.run.offer import Given, Offer, Tables
from watchfloor.settings import DEFAULT_TENANT
from watchfloor.store.identities import IdentityStore

TELL_SECONDS = 5.0
"""What events teach is told after so long at least, and so that telling takes no more than a part of the time."""
TELL_PART = 30
KEEP_SECONDS = 3600.0
"""So often it is kept that links were seen again."""

MOST_LINKS = 500_000
"""With so many links, the half that was not seen for longest is forgotten: sessions of roles come without end."""

Pair = tuple[str, str]
_GIVEN = Given()


class Learning:
    """Learns from events of one tenant.

    Args:
        tenant: Whose; those of others teach nothing, since their names may be the same.
        given: What people and feeds say.
        store: Where what events taught is kept, and was kept before; without one, nowhere.
    """

    def __init__(
        self, tenant: str = DEFAULT_TENANT, *, given: Given = _GIVEN, store: IdentityStore | None = None
    ) -> None:
        self._tenant = tenant
        self._given = given
        self._store = store
        links, noted = (store.links(tenant), store.noted(tenant)) if store else ((), ())
        self._graph = IdentityGraph(given.people, given.decisions, links, noted)
        self._clocks: dict[str, str] = {}
        self._new: dict[Pair, None] = {}
        self._again: set[Pair] = set()
        self._noted: list[Noted] = []
        self._epoch = 0
        self._changed = False
        self._next = 0.0
        self._keep_again = time.monotonic() + KEEP_SECONDS

    @property
    def due(self) -> bool:
        """Whether there is something new that is worth to be told now."""
        return self._changed and time.monotonic() >= self._next

    def observe(self, events: RecordBatch) -> None:
        """Learn who is who from events."""
        mine = pc.equal(events.column("tenant"), self._tenant)
        shown = shown_by(events if pc.all(mine).as_py() else events.filter(mine))
        for link in shown.links:
            self._add(link)
        for one in shown.noted:
            if self._graph.note(one):
                self._noted.append(one)
                self._changed = True

    def _add(self, link: Link) -> None:
        pair = (link.a, link.b)
        known = self._graph.link(*pair)
        self._graph.add(link)
        if known is not None:
            # A link is known by its pair, whichever way round events give it.
            self._again.add((known.a, known.b))
        elif self._graph.link(*pair) is not None:
            self._new[pair] = None
            self._changed = True

    def clocks(self, ahead: dict[str, str]) -> None:
        """Take over which clocks are ahead, as a table :data:`~watchfloor.enrich.clocks.CLOCKS`."""
        if ahead.keys() != self._clocks.keys() or any(_moved(self._clocks[name], ahead[name]) for name in ahead):
            self._clocks = ahead
            self._changed = True

    def take(self, offer: Offer) -> None:
        """Take over what people and feeds say now."""
        given = offer.over(self._given)
        if (given.people, given.decisions) != (self._given.people, self._given.decisions):
            self._graph = IdentityGraph(given.people, given.decisions, self._graph.links, self._graph.noted)
        self._given = given

    def reference(self) -> Reference:
        """All of it; the epoch grows with each call."""
        began = time.monotonic()
        self._epoch += 1
        tables: Tables = {
            **self._given.tables,
            IDENTITY: self._graph.table(),
            OWNERS: self._graph.owners(),
            CLOCKS: self._clocks,
        }
        now = time.monotonic()
        self._changed, self._next = False, now + max(TELL_SECONDS, TELL_PART * (now - began))
        return Reference(self._epoch, tables)

    def not_told(self) -> None:
        """What is known must be told at once."""
        self._changed, self._next = True, 0.0

    def keep(self, *, everything: bool = False) -> None:
        """Keep what is new; also, now and then or if ``everything`` is wanted, which links were seen again.

        Raises:
            StoreError: It cannot be kept; it will be tried again the next time.
        """
        again = everything or time.monotonic() >= self._keep_again
        if self._graph.size >= MOST_LINKS:
            self._forget()
            return
        pairs = [*self._new, *(self._again - self._new.keys() if again else ())]
        links = [link for pair in pairs if (link := self._graph.link(*pair)) is not None]
        if self._store is not None and (links or self._noted):
            self._store.keep_learned(self._tenant, links, self._noted)
        self._new, self._noted = {}, []
        if again:
            self._again = set()
            self._keep_again = time.monotonic() + KEEP_SECONDS

    def _forget(self) -> None:
        links = self._graph.links
        newest = {id(link) for link in sorted(links, key=lambda link: link.last)[len(links) // 2 :]}
        kept = [link for link in links if id(link) in newest]
        noted = self._graph.noted
        if self._store is not None:
            self._store.replace_learned(self._tenant, kept, noted)
        self._graph = IdentityGraph(self._given.people, self._given.decisions, kept, noted)
        self._new, self._noted, self._again = {}, [], set()
        self._changed = True


def _moved(before: str, now: str) -> bool:
    """Whether a clock is estimated otherwise than before, by more than the grain of logs."""
    moved: int = orjson.loads(now)[0] - orjson.loads(before)[0]
    return abs(moved) >= SECOND
