"""Which aliases are one person: a graph whose links are events, published as a reference table.

Every link keeps the uid of the first event that showed it, so a merge can be explained and undone.
"""

from collections.abc import Iterable, Mapping

import msgspec

from watchfloor.enrich.aliases import preference
from watchfloor.operator import Reference

IDENTITY = "identity"
"""Name of the reference table: entity id -> the id of the person or host it stands for."""

MAX_MAILS = 3
"""More mail addresses than this look like a shared account, not a person; a link that would join them is refused."""


class Link(msgspec.Struct, frozen=True):
    """Two aliases that one event gives to one account."""

    a: str
    b: str
    event_uid: str


class IdentityGraph:
    r"""Aliases joined by links.

    >>> graph = IdentityGraph()
    >>> graph.add(Link(r"user:corp\alice", "user:alice@example.com", "e1"))
    True
    >>> graph.publish().tables["identity"][r"user:corp\alice"]
    'user:alice@example.com'
    """

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._mails: dict[str, frozenset[str]] = {}
        self._links: dict[tuple[str, str], Link] = {}
        self._hosts: dict[str, set[str]] = {}
        self.refused: list[Link] = []
        self._epoch = 0

    def add(self, link: Link) -> bool:
        """Record a link; ``False`` if it would make a shared account look like a person."""
        pair = (min(link.a, link.b), max(link.a, link.b))
        if pair in self._links:
            return True
        a, b = self._find(link.a), self._find(link.b)
        mails = self._mails[a] | self._mails[b]
        if a != b and len(mails) > MAX_MAILS:
            self.refused.append(link)
            return False
        self._links[pair] = link
        if a != b:
            self._parent[b] = a
            self._mails[a] = mails
        return True

    def add_host(self, entity_id: str) -> None:
        """Note a host name, so that a short name finds its one qualified name."""
        short = entity_id.partition(".")[0]
        self._hosts.setdefault(short, set()).add(entity_id)

    def _find(self, alias: str) -> str:
        if alias not in self._parent:
            self._parent[alias] = alias
            self._mails[alias] = (
                frozenset({alias}) if "@" in alias and not alias.startswith("user:arn:") else frozenset()
            )
            return alias
        root = alias
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[alias] != root:
            self._parent[alias], alias = root, self._parent[alias]
        return root

    def links_of(self, entity_id: str) -> tuple[Link, ...]:
        """The links that made an entity, by time of being seen; empty for an entity with one name."""
        if entity_id not in self._parent:
            return ()
        root = self._find(entity_id)
        return tuple(link for link in self._links.values() if self._find(link.a) == root)

    def publish(self) -> Reference:
        """The graph as a table, each alias to its person's best alias; the epoch grows with each call."""
        self._epoch += 1
        return Reference(self._epoch, {IDENTITY: self.table()})

    def table(self) -> dict[str, str]:
        """Each alias that is not its person's best, to the best; each short host name to its one qualified name."""
        members: dict[str, list[str]] = {}
        for alias in self._parent:
            members.setdefault(self._find(alias), []).append(alias)
        table: dict[str, str] = {}
        for aliases in members.values():
            best = min(aliases, key=preference)
            table.update((alias, best) for alias in aliases if alias != best)
        table.update(_short_hosts(self._hosts))
        return table


def _short_hosts(hosts: Mapping[str, Iterable[str]]) -> dict[str, str]:
    table: dict[str, str] = {}
    for short, names in hosts.items():
        qualified = [name for name in names if name != short]
        if len(qualified) == 1:
            table[short] = qualified[0]
    return table
