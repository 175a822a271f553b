r"""Which aliases are one entity: a graph of links, published as reference tables.

Every link keeps its evidence (the first event that showed it, the place in the directory, or who decided it), so a
merge can be explained and undone. The surest links are followed first: what directories list, then what people decided,
then what events show, in the order in which they came. What people decided to be two stays two, whatever links it.

>>> from watchfloor.identity import Decision, Person, Term
>>> graph = IdentityGraph([Person("17", terms=(Term("user:alice@example.com"), Term(r"user:corp\alice")))])
>>> graph.add(Link(r"user:corp\alice", "user:okta:00u1", "e1"))
True
>>> graph.publish().tables["identity"]["user:okta:00u1"]
'user:alice@example.com'
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
import orjson

from watchfloor.enrich.aliases import is_mail, preference
from watchfloor.enrich.people import MAX_MAILS, Node, People
from watchfloor.enrich.periods import Claims, Periods, claims, entry_of, recycled
from watchfloor.enrich.places import Hosts, depends_on_hosts, domain_accounts
from watchfloor.identity import Decision, Link, Noted, Person, Refusal
from watchfloor.operator import Reference

IDENTITY = "identity"
"""Name of the reference table: entity id -> the id of the person or host it stands for."""

OWNERS = "identity.owners"
"""Name of the reference table of names that had several owners: entity id -> ``[[since, entity id], …]``, JSON."""

MAX_LINKS = 2_000_000
"""How many links a graph holds; further ones are refused."""

MAX_NOTED = 1_000_000
"""How many hosts, devices and lone accounts a graph holds; whoever writes logs could make up names without end."""

SHARED = "several people use this account"
FULL = f"the graph holds {MAX_LINKS:,} links"

DIRECTORY = "user:directory:"
"""How the ids begin that stand for entries of directories."""


class IdentityGraph:
    """Aliases joined by links; ``hosts`` are those whose accounts they are.

    Args:
        people: The entries of directories.
        decisions: What people said, in order; of several about one pair the last counts.
        links: What events showed before,
        noted: and what else.
    """

    def __init__(
        self,
        people: Iterable[Person] = (),
        decisions: Iterable[Decision] = (),
        links: Iterable[Link] = (),
        noted: Iterable[Noted] = (),
    ) -> None:
        self._directory = tuple(people)
        self._decided = {(min(one.a, one.b), max(one.a, one.b)): one for one in decisions}
        self._claims = claims(self._directory)
        self._log: dict[tuple[str, str], Link] = {}
        self._refused: dict[tuple[str, str], Refusal] = {}
        self._periods: Mapping[str, Periods] = self._claims.periods
        self._shared: frozenset[str] = self._claims.shared
        self._stale = self._grown = False
        self.hosts = Hosts()
        self._noted: dict[Noted, None] = {}
        self._epoch = 0
        self._people = self._known()
        for link in links:
            self.add(link)
        for one in noted:
            self.note(one)

    @property
    def links(self) -> tuple[Link, ...]:
        """What events showed, whether it was followed or not."""
        return tuple(self._log.values())

    @property
    def noted(self) -> tuple[Noted, ...]:
        """What else events showed."""
        return tuple(self._noted)

    @property
    def size(self) -> int:
        """How many links events showed."""
        return len(self._log)

    def link(self, a: str, b: str) -> Link | None:
        """What events showed of two names."""
        return self._log.get((min(a, b), max(a, b)))

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """The links that were not followed, each once, with the reason."""
        self._settle()
        return tuple(self._refused.values())

    @property
    def doubt(self) -> str:
        """What people should know of the links of events that were not followed; empty if there is none."""
        self._settle()
        refused = [one for one in self._refused.values() if one.link.basis == "event"]
        if not refused:
            return ""
        number, first = len(refused), refused[0]
        links = "1 link between accounts was" if number == 1 else f"{number} links between accounts were"
        return (
            f"{links} not followed; the first joins {first.link.a} and {first.link.b} (event {first.link.event_uid}): "
            f"{first.reason}"
        )

    def add(self, link: Link) -> bool:
        """Record what events show; ``False`` if the link is not followed."""
        pair = (min(link.a, link.b), max(link.a, link.b))
        known = self._log.get(pair)
        self._grown = True
        if known is not None:
            self._log[pair] = _seen_again(known, link)
            return pair not in self._refused
        if len(self._log) >= MAX_LINKS:
            self._refused.setdefault(pair, Refusal(link, FULL))
            return False
        self._log[pair] = link
        return self._follow(link)

    def _follow(self, link: Link) -> bool:
        reason = SHARED if link.a in self._shared or link.b in self._shared else ""
        ends = zip(self._nodes(link.a, link), self._nodes(link.b, link), strict=True)
        for a, b in () if reason else dict.fromkeys(ends):
            reason = self._people.join(a, b, link) or reason
        if reason:
            self._refused.setdefault((min(link.a, link.b), max(link.a, link.b)), Refusal(link, reason))
            self._stale |= link.basis == "event"
        return not reason

    def _nodes(self, alias: str, link: Link) -> tuple[Node, Node]:
        periods = self._periods.get(alias)
        if periods is None:
            return alias, alias
        return _node(alias, periods.at(link.first)), _node(alias, periods.at(link.last))

    def note(self, one: Noted) -> bool:
        """Record what events show beside links; whether that is news."""
        if one in self._noted or len(self._noted) >= MAX_NOTED:
            return False
        match one.kind:
            case "host":
                new = self.hosts.add(one.name)
            case "other host":
                new = self.hosts.add_other(one.name)
            case "device":
                new = self.hosts.add_device(one.name, one.of)
            case "account":
                new = depends_on_hosts(one.name)
                if new:
                    self._people.find(one.name)
        if new:
            self._noted[one] = None
        return new

    def _known(self) -> People:
        """What people decided and directories list, joined."""
        parted = [(one.a, one.b, f"split by {one.words}") for one in self._decided.values() if one.kind == "split"]
        people = People(parted)
        for person in self._directory:
            self._enter(people, person)
        for one in self._decided.values():
            if one.kind == "merge":
                self._sure(people, one.a, one.b, Link(one.a, one.b, basis="decision", words=one.words))
        people.settle()
        return people

    def _enter(self, people: People, person: Person) -> None:
        entry = entry_of(person)
        hub = DIRECTORY + entry
        own = [node for term in person.terms for node in _owned(term.alias, entry, self._claims)]
        if person.kind == "shared" or not own:
            return
        people.enter(hub, person.directory, person.uid)
        for node in own:
            link = Link(hub, _alias_of(node), basis="directory", words=person.origin)
            self._sure(people, hub, node, link)

    def _sure(self, people: People, a: Node, b: Node, link: Link) -> None:
        if reason := people.join(a, b, link):
            self._refused.setdefault((min(link.a, link.b), max(link.a, link.b)), Refusal(link, reason))

    def _settle(self) -> None:
        """Follow all links anew if what came later says that some should not have been, or to somebody else."""
        if not self._grown:
            return
        self._grown = False
        periods = {**recycled(self._log.values()), **self._claims.periods}
        if not self._stale and periods == self._periods:
            return
        accounts = [node for node in self._people.nodes() if isinstance(node, str)]
        self._refused = {pair: one for pair, one in self._refused.items() if one.reason == FULL}
        self._periods, self._shared, self._stale = periods, self._claims.shared, False
        self._people = self._known()
        self._shared |= _used_by_many(self._log.values(), self._people)
        for account in accounts:
            if depends_on_hosts(account):
                self._people.find(account)
        for link in self._log.values():
            self._follow(link)
        self._stale = False

    def links_of(self, entity_id: str) -> tuple[Link, ...]:
        """The links that made an entity, by time of being seen; empty for an entity with one name."""
        self._settle()
        return self._people.links_of(entity_id)

    def __contains__(self, entity_id: str) -> bool:
        """Whether anything is known of a name."""
        self._settle()
        return entity_id in self._people

    def names_of(self, entity_id: str) -> tuple[str, ...]:
        """All names of an entity; of those that had several owners in turn, the ones that were this entity's."""
        self._settle()
        if entity_id not in self._people:
            return (entity_id,)
        for members in self._members():
            if entity_id in members:
                return tuple(dict.fromkeys(_alias_of(node) for node in members))
        return (entity_id,)

    def periods_of(self, entity_id: str) -> Mapping[str, tuple[int | None, int | None]]:
        """Since when and until when (ms) an entity had those of its names that had several owners."""
        self._settle()
        found: dict[str, tuple[int | None, int | None]] = {}
        for alias, one in self._periods.items():
            ends = [None, *one.begins, None]
            for position in range(len(one.owners)):
                node = _node(alias, position)
                if node in self._people and self._people.find(node) == self._people.find(entity_id):
                    found[alias] = ends[position], ends[position + 1]
        return found

    def publish(self) -> Reference:
        """The graph as tables, each alias to its person's best alias; the epoch grows with each call."""
        self._epoch += 1
        return Reference(self._epoch, {IDENTITY: self.table(), OWNERS: self.owners()})

    def owners(self) -> dict[str, str]:
        """The names that had several owners: since when (ms) which entity has it."""
        self._settle()
        if not self._periods:
            return {}
        best = {node: name for name, members in self._entities() for node in members}
        return {
            alias: orjson.dumps(
                [[since, best.get(_node(alias, at), one.owners[at])] for at, since in enumerate(one.begins, start=1)]
            ).decode()
            for alias, one in self._periods.items()
        }

    def table(self) -> dict[str, str]:
        """Each alias that is not its person's best, to the best; of a name that had several owners, to the first.

        Short host names are in it with their one qualified name, the accounts of computers with their host, and the
        mailboxes of a person's other addresses with that of the best.
        """
        self._settle()
        table: dict[str, str] = {}
        people: dict[str, list[str]] = {}
        for best, members in self._entities():
            aliases = [node for node in members if isinstance(node, str)]
            people[best] = aliases
            table.update((alias, best) for alias in aliases if alias != best)
            table.update(_mailboxes(aliases, best))
        for best, host in self.hosts.computers(people).items():
            table.update(dict.fromkeys(people[best], host))
        table.update(self.hosts.names())
        return table

    def _entities(self) -> Iterator[tuple[str, list[Node]]]:
        """The id of each entity, which no other has, and its names."""
        for members in self._members():
            whole = [node for node in members if isinstance(node, str)]
            named = [one for one in whole if not one.startswith(DIRECTORY)] or whole
            yield min(named, key=preference), members

    def _members(self) -> list[list[Node]]:
        joined: dict[Node, Node] = {}

        def person(alias: Node) -> Node:
            root = self._people.find(alias) if alias in self._people else alias
            while root in joined:
                root = joined[root]
            return root

        nodes = self._people.nodes()
        known: set[Node] = set(nodes)
        for alias, known_as in domain_accounts([node for node in nodes if isinstance(node, str)]):
            known.add(known_as)
            own, domain = person(alias), person(known_as)
            if own != domain:
                joined[own] = domain
        members: dict[Node, list[Node]] = {}
        for node in known:
            members.setdefault(person(node), []).append(node)
        return list(members.values())


def _alias_of(node: Node) -> str:
    return node if isinstance(node, str) else node[0]


def _node(alias: str, position: int) -> Node:
    return (alias, position) if position else alias


def _owned(alias: str, entry: str, known: Claims) -> Sequence[Node]:
    """The nodes of a name that are an entry's: of a shared name none, of one with several owners its own."""
    if alias in known.shared:
        return ()
    periods = known.periods.get(alias)
    if periods is None:
        return (alias,)
    return [_node(alias, position) for position, owner in enumerate(periods.owners) if owner == entry]


def _seen_again(known: Link, link: Link) -> Link:
    earlier = link.first < known.first
    return msgspec.structs.replace(
        known,
        event_uid=link.event_uid if earlier else known.event_uid,
        first=min(known.first, link.first),
        last=max(known.last, link.last),
        count=known.count + link.count,
    )


def _used_by_many(links: Iterable[Link], people: People) -> frozenset[str]:
    """The names that events give to more mail addresses than one person has."""
    mails: defaultdict[str, set[Node]] = defaultdict(set)
    for link in links:
        for name, mail in ((link.a, link.b), (link.b, link.a)):
            if is_mail(mail.partition(":")[2]) and not is_mail(name.partition(":")[2]):
                mails[name].add(people.find(mail))
    return frozenset(name for name, found in mails.items() if len(found) > MAX_MAILS)


def _mailboxes(aliases: Iterable[str], best: str) -> Iterator[tuple[str, str]]:
    mails = [alias.partition(":")[2] for alias in (*aliases, best)]
    first = mails.pop()
    if is_mail(first):
        for mail in mails:
            if mail != first and is_mail(mail):
                yield f"resource:mailbox:{mail}", f"resource:mailbox:{first}"
