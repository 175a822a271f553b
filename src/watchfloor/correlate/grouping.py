"""Which findings belong together: those that share an entity closely in time.

A finding of at least medium level is an anchor; anchors that share an entity within that entity's window are joined,
and so on from link to link, until the group spans a week. Weaker findings attach to the nearest group and join nothing,
so that the noise of a busy host does not chain unrelated attacks into one case. What many people share (an egress
address, an application, a bucket) connects nobody. Every join keeps the entity that made it.
"""

import bisect
import ipaddress
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta

import msgspec

from watchfloor.event import Entity, entity_of
from watchfloor.finding import LEVELS, Finding

HOUR = 3_600_000
EntityAt = Callable[[str, int], str]
"""The entity that a name stands for at a time (ms)."""

ANCHOR = LEVELS.index("medium")
MAX_USERS = 3
"""An address or a resource that more users than this share is an egress, a hub: it connects nobody."""

GRANTS = "oauth_grants"
"""The use case of findings about an application's permissions."""

_PERSON = re.compile(r"user:(?:arn:|\d{12}\\|[^\\]*@)")
"""A mail address, an ARN, or an account of an AWS account; not ``DOMAIN\\name``."""


class Windows(msgspec.Struct, frozen=True):
    """How far apart two findings on one entity may be to belong together.

    A person (a mail address) or a cloud identity is followed over a working day; a machine or an account on one sees
    many things, so what is not close in time is not the same story.
    """

    person: timedelta = timedelta(hours=12)
    account: timedelta = timedelta(hours=1)
    host: timedelta = timedelta(hours=1)
    address: timedelta = timedelta(hours=2)
    app: timedelta = timedelta(hours=24)
    resource: timedelta = timedelta(hours=2)
    group: timedelta = timedelta(days=7)
    """From the first to the last anchor of a group, however close the links between."""

    def of(self, entity: Entity) -> int:
        """The window of an entity, in milliseconds; 0 for one that connects nothing."""
        if entity.type == "user":
            span = self.person if _PERSON.match(entity.id) else self.account
        else:
            span = getattr(self, entity.type, timedelta())
        return int(span.total_seconds() * 1000)


class Group(msgspec.Struct, frozen=True):
    """Findings that belong together, in time order, and how often each entity joined two of them."""

    findings: tuple[Finding, ...]
    joined_by: Mapping[Entity, int]


def resolve(finding: Finding, entity_at: EntityAt) -> Finding:
    r"""The finding with each entity replaced by the person or host it stood for when the finding began.

    >>> from watchfloor.finding import Rule
    >>> seen = (Entity("user", r"user:corp\alice", r"corp\alice"),)
    >>> finding = Finding(uid="f", tenant="t", rule=Rule("r", "R"), start=0, end=0, event_uids=("e",), entities=seen)
    >>> resolve(finding, lambda _name, _time: "user:alice@example.com").entities[0].name
    'alice@example.com'
    """
    entities = []
    for entity in finding.entities:
        target = entity_at(entity.id, finding.start)
        entities.append(entity if target == entity.id else entity_of(target))
    return msgspec.structs.replace(finding, entities=tuple(dict.fromkeys(entities)))


def latest(findings: Iterable[Finding]) -> list[Finding]:
    """One finding for each uid: its highest revision; retracted ones are gone. In time order."""
    by_uid: dict[str, Finding] = {}
    for finding in findings:
        known = by_uid.get(finding.uid)
        if known is None or finding.revision > known.revision:
            by_uid[finding.uid] = finding
    kept = [finding for finding in by_uid.values() if finding.status != "retracted"]
    return sorted(kept, key=lambda finding: (finding.start, finding.uid))


def group(findings: Sequence[Finding], windows: Windows | None = None) -> tuple[list[Group], list[Finding]]:
    """Groups around anchors, and the weak findings that attach to none.

    ``findings`` are those of :func:`latest`, with resolved entities; tenants never mix.
    """
    windows = windows or Windows()
    joins = _Joins(findings, windows, _hubs(findings))
    anchors = [position for position, finding in enumerate(findings) if _is_anchor(finding)]
    for position in anchors:
        joins.join(position)
    groups: dict[int, list[int]] = defaultdict(list)
    for position in anchors:
        groups[joins.root(position)].append(position)
    loose = []
    for position, finding in enumerate(findings):
        if _is_anchor(finding):
            continue
        nearest = joins.nearest(position)
        if nearest is None:
            loose.append(finding)
        else:
            groups[joins.root(nearest)].append(position)
    made = [
        Group(tuple(findings[one] for one in sorted(members)), joins.reasons(root)) for root, members in groups.items()
    ]
    return sorted(made, key=lambda one: one.findings[0].start), loose


def _is_anchor(finding: Finding) -> bool:
    return LEVELS.index(finding.rule.level) >= ANCHOR or finding.rule.decisive


def _hubs(findings: Sequence[Finding]) -> frozenset[str]:
    """The entities that connect nobody.

    Addresses and resources that too many users share; addresses that are not public; applications, unless a finding is
    about what the application was allowed to do: that two strangers use one application says nothing.
    """
    users: dict[Entity, set[str]] = defaultdict(set)
    granted = set()
    for finding in findings:
        who = {entity.id for entity in finding.entities if entity.type == "user"}
        for entity in finding.entities:
            if entity.type in {"address", "resource", "app"}:
                users[entity] |= who
            if entity.type == "app" and finding.rule.use_case == GRANTS:
                granted.add(entity.id)
    return frozenset(
        entity.id
        for entity, who in users.items()
        if (entity.id not in granted if entity.type == "app" else len(who) > MAX_USERS)
        or (entity.type == "address" and not is_public(entity))
    )


def is_public(entity: Entity) -> bool:
    """Whether an address entity is one of the internet, not of a private network.

    >>> is_public(Entity("address", "address:10.0.0.7", "10.0.0.7"))
    False
    """
    try:
        address = ipaddress.ip_address(entity.id.partition(":")[2])
    except ValueError:
        return False
    # Documentation ranges count as public: they stand for the internet in samples and simulations.
    private = (address.is_private and not _is_documentation(address)) or address.is_loopback or address.is_link_local
    return not (private or address.is_multicast or address.is_unspecified)


_DOCUMENTATION = [
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


def _is_documentation(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in network for network in _DOCUMENTATION)


class _Joins:
    """A disjoint-set forest over the findings, with the anchors of each entity in time order."""

    def __init__(self, findings: Sequence[Finding], windows: Windows, hubs: frozenset[str]) -> None:
        self._findings = findings
        self._windows = windows
        self._hubs = hubs
        self._longest = int(windows.group.total_seconds() * 1000)
        self._parent = list(range(len(findings)))
        self._last = list(range(len(findings)))
        self._anchors: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._reasons: list[tuple[int, Entity]] = []
        self._by_root: defaultdict[int, Counter[Entity]] | None = None

    def root(self, position: int) -> int:
        while self._parent[position] != position:
            self._parent[position] = position = self._parent[self._parent[position]]
        return position

    def _keys(self, finding: Finding) -> Iterable[tuple[tuple[str, str], Entity, int]]:
        for entity in finding.entities:
            window = self._windows.of(entity)
            if window and entity.id not in self._hubs:
                yield (finding.tenant, entity.id), entity, window

    def join(self, position: int) -> None:
        """Join an anchor with the last anchor on each of its entities, if that is near enough."""
        finding = self._findings[position]
        for key, entity, window in self._keys(finding):
            anchors = self._anchors[key]
            if anchors and finding.start - self._end(anchors[-1]) <= window:
                a, b = sorted((self.root(anchors[-1]), self.root(position)))
                last = max(self._last[a], self._last[b])
                if self._findings[last].start - self._findings[a].start <= self._longest:
                    self._parent[b], self._last[a] = a, last
                    self._reasons.append((position, entity))
            anchors.append(position)

    def _end(self, position: int) -> int:
        return self._findings[position].end

    def nearest(self, position: int) -> int | None:
        """The anchor closest in time that shares an entity within its window."""
        finding = self._findings[position]
        best: tuple[int, int] | None = None
        for key, _, window in self._keys(finding):
            for anchor in self._around(self._anchors.get(key, []), position):
                distance = max(
                    self._findings[anchor].start - finding.end, finding.start - self._findings[anchor].end, 0
                )
                if distance <= window and (best is None or (distance, anchor) < best):
                    best = (distance, anchor)
        return None if best is None else best[1]

    @staticmethod
    def _around(anchors: list[int], position: int) -> list[int]:
        """The anchors just before and after a finding: positions are in time order, so these are the closest."""
        after = bisect.bisect(anchors, position)
        return anchors[max(after - 1, 0) : after + 1]

    def reasons(self, root: int) -> dict[Entity, int]:
        """How often each entity joined two findings of a group, most often first."""
        if self._by_root is None:
            self._by_root = defaultdict(Counter)
            for position, entity in self._reasons:
                self._by_root[self.root(position)][entity] += 1
        return dict(self._by_root[root].most_common())
