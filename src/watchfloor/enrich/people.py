"""Names joined to people, link by link, and what keeps them apart.

A union-find. Two sets are never joined if people said that they are two. Unless people said that they are one, they are
not joined if a directory knows them as two, nor by events if together they had more mail addresses than a person has.
"""

from collections import defaultdict
from collections.abc import Iterable

from watchfloor.enrich.aliases import is_mail
from watchfloor.identity import Basis, Link

Node = str | tuple[str, int]
"""A name; of a name that had several owners, that of the second is ``(name, 1)``, that of the third ``(name, 2)``."""

MAX_MAILS = 3
"""More mail addresses than this look like a shared account, not a person; a link that would join them is refused."""

TOO_MANY = f"one person would have more than {MAX_MAILS} mail addresses, as a shared account has"


class People:
    """Sets of names, each with the links that made it.

    Args:
        parted: Pairs that are two, with the reason.
    """

    def __init__(self, parted: Iterable[tuple[Node, Node, str]] = ()) -> None:
        self._parent: dict[Node, Node] = {}
        self._mails: dict[Node, frozenset[Node]] = {}
        self._links_of: dict[Node, list[tuple[int, Link]]] = {}
        self._entries: dict[Node, dict[str, str]] = {}
        self._foes: defaultdict[Node, list[tuple[Node, str]]] = defaultdict(list)
        self._joined = 0
        for a, b, reason in parted:
            self._foes[self.find(a)].append((b, reason))
            self._foes[self.find(b)].append((a, reason))

    def __contains__(self, node: Node) -> bool:
        return node in self._parent

    def nodes(self) -> tuple[Node, ...]:
        """All names."""
        return tuple(self._parent)

    def find(self, node: Node) -> Node:
        """The name that stands for the set that a name is in."""
        if node not in self._parent:
            self._parent[node] = node
            alias = node if isinstance(node, str) else node[0]
            self._mails[node] = frozenset({node}) if is_mail(alias.partition(":")[2]) else frozenset()
            return node
        root = node
        while self._parent[root] != root:
            root = self._parent[root]
        while self._parent[node] != root:
            self._parent[node], node = root, self._parent[node]
        return root

    def enter(self, node: Node, directory: str, uid: str) -> None:
        """Say which entry of a directory a name belongs to."""
        self._entries.setdefault(self.find(node), {})[directory] = uid

    def settle(self) -> None:
        """What is joined so far is known for sure: its mail addresses are one person's, however many they are."""
        for root, mails in self._mails.items():
            if len(mails) > 1:
                self._mails[root] = frozenset({min(mails, key=str)})

    def join(self, a: Node, b: Node, link: Link) -> str:
        """Follow a link; why it is not followed, or nothing."""
        a, b = self.find(a), self.find(b)
        if a != b:
            if reason := self._apart(a, b, link.basis):
                return reason
            a = self._unite(a, b)
        self._links_of.setdefault(a, []).append((self._joined, link))
        self._joined += 1
        return ""

    def _apart(self, a: Node, b: Node, basis: Basis) -> str:
        if a in self._foes and b in self._foes:
            for foe, reason in self._foes[a]:
                if self.find(foe) == b:
                    return reason
        if basis != "decision" and a in self._entries and b in self._entries:
            mine, theirs = self._entries[a], self._entries[b]
            for directory in mine.keys() & theirs.keys():
                if mine[directory] != theirs[directory]:
                    return f"they are two in the directory {directory}: {mine[directory]} and {theirs[directory]}"
        return "" if basis != "event" or len(self._mails[a] | self._mails[b]) <= MAX_MAILS else TOO_MANY

    def _unite(self, a: Node, b: Node) -> Node:
        fewer, more = sorted((a, b), key=lambda root: len(self._links_of.get(root, ())))
        self._parent[fewer] = more
        self._mails[more] |= self._mails[fewer]
        self._links_of.setdefault(more, []).extend(self._links_of.pop(fewer, ()))
        if fewer in self._entries:
            self._entries.setdefault(more, {}).update(self._entries.pop(fewer))
        if fewer in self._foes:
            self._foes[more] += self._foes.pop(fewer)
        return more

    def links_of(self, node: Node) -> tuple[Link, ...]:
        """The links that made the set of a name, in the order in which they were followed."""
        if node not in self._parent:
            return ()
        return tuple(link for _, link in sorted(self._links_of.get(self.find(node), ()), key=lambda one: one[0]))
