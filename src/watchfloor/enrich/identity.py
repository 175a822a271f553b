"""Which aliases are one person: a graph whose links are events, published as a reference table.

Every link keeps the uid of the first event that showed it, so a merge can be explained and undone.
"""

from collections.abc import Iterable, Iterator

import msgspec

from watchfloor.enrich.aliases import is_mail, preference
from watchfloor.enrich.places import Hosts, depends_on_hosts, domain_accounts
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
    r"""Aliases joined by links; ``hosts`` are those whose accounts they are.

    >>> graph = IdentityGraph()
    >>> graph.add(Link(r"user:corp\alice", "user:alice@example.com", "e1"))
    True
    >>> graph.publish().tables["identity"][r"user:corp\alice"]
    'user:alice@example.com'
    """

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._mails: dict[str, frozenset[str]] = {}
        self._links: set[tuple[str, str]] = set()
        self._links_of: dict[str, list[tuple[int, Link]]] = {}
        self._refused: dict[tuple[str, str], Link] = {}
        self.hosts = Hosts()
        self._epoch = 0

    @property
    def refused(self) -> tuple[Link, ...]:
        """The links that would have made a shared account look like a person, each once."""
        return tuple(self._refused.values())

    @property
    def doubt(self) -> str:
        """What people should know of the refused links; empty if there is none."""
        if not self._refused:
            return ""
        number, first = len(self._refused), next(iter(self._refused.values()))
        links = "1 link between accounts was" if number == 1 else f"{number} links between accounts were"
        return (
            f"{links} not followed, since one person would have more than {MAX_MAILS} mail addresses, as a shared "
            f"account has; the first joins {first.a} and {first.b} (event {first.event_uid})"
        )

    def add(self, link: Link) -> bool:
        """Record a link; ``False`` if it would make a shared account look like a person."""
        pair = (min(link.a, link.b), max(link.a, link.b))
        if pair in self._links:
            return True
        a, b = self._find(link.a), self._find(link.b)
        mails = self._mails[a] | self._mails[b]
        if a != b and len(mails) > MAX_MAILS:
            self._refused.setdefault(pair, link)
            return False
        if a != b:
            fewer, more = sorted((a, b), key=lambda root: len(self._links_of.get(root, ())))
            self._parent[fewer] = more
            self._mails[more] = mails
            self._links_of.setdefault(more, []).extend(self._links_of.pop(fewer, ()))
            a = more
        self._links_of.setdefault(a, []).append((len(self._links), link))
        self._links.add(pair)
        return True

    def add_account(self, alias: str) -> None:
        """Note an account that no link may ever name."""
        if depends_on_hosts(alias):
            self._find(alias)

    def _find(self, alias: str) -> str:
        if alias not in self._parent:
            self._parent[alias] = alias
            self._mails[alias] = frozenset({alias}) if is_mail(alias.partition(":")[2]) else frozenset()
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
        return tuple(link for _, link in sorted(self._links_of.get(self._find(entity_id), ()), key=lambda one: one[0]))

    def publish(self) -> Reference:
        """The graph as a table, each alias to its person's best alias; the epoch grows with each call."""
        self._epoch += 1
        return Reference(self._epoch, {IDENTITY: self.table()})

    def table(self) -> dict[str, str]:
        """Each alias that is not its person's best, to the best.

        Short host names are in it with their one qualified name, the accounts of computers with their host, and the
        mailboxes of a person's other addresses with that of the best.
        """
        table: dict[str, str] = {}
        people: dict[str, list[str]] = {}
        for aliases in self._people():
            best = min(aliases, key=preference)
            people[best] = aliases
            table.update((alias, best) for alias in aliases if alias != best)
            table.update(_mailboxes(aliases, best))
        for best, host in self.hosts.computers(people).items():
            table.update(dict.fromkeys(people[best], host))
        table.update(self.hosts.short_names())
        return table

    def _people(self) -> list[list[str]]:
        joined: dict[str, str] = {}

        def person(alias: str) -> str:
            root = self._find(alias) if alias in self._parent else alias
            while root in joined:
                root = joined[root]
            return root

        known = set(self._parent)
        for alias, known_as in domain_accounts(self._parent):
            known.add(known_as)
            own, domain = person(alias), person(known_as)
            if own != domain:
                joined[own] = domain
        members: dict[str, list[str]] = {}
        for alias in known:
            members.setdefault(person(alias), []).append(alias)
        return list(members.values())


def _mailboxes(aliases: Iterable[str], best: str) -> Iterator[tuple[str, str]]:
    mails = [alias.partition(":")[2] for alias in (*aliases, best)]
    first = mails.pop()
    if is_mail(first):
        for mail in mails:
            if mail != first and is_mail(mail):
                yield f"resource:mailbox:{mail}", f"resource:mailbox:{first}"
