"""Names that had several owners, one after the other: whose a name was at which time.

A directory says so, or events do: a mail address that belonged to one id of a product, then for :data:`GAP` to nobody,
and from then on to another id of the same product, is another person's. Until a next owner begins, a name stays its
last owner's: the account of somebody who has left is still that account.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from watchfloor.enrich.aliases import is_issued, is_mail
from watchfloor.identity import Link, Person

GAP = 30 * 86_400_000
"""How long (ms) a mail address must have been nobody's to be another person's afterwards."""

_EVER, _NEVER = -(1 << 62), 1 << 62


class Periods(msgspec.Struct, frozen=True):
    """When each owner of a name but the first began (ms); ``owners`` are all, by the id that tells them apart."""

    begins: tuple[int, ...]
    owners: tuple[str, ...]

    def at(self, time: int) -> int:
        """The position of the owner at a time.

        >>> Periods((100,), ("a", "b")).at(99), Periods((100,), ("a", "b")).at(100)
        (0, 1)
        """
        return bisect_right(self.begins, time)


class Claims(msgspec.Struct, frozen=True):
    """What a directory says of names: which had several owners in turn, and which several people have at once."""

    periods: Mapping[str, Periods]
    shared: frozenset[str]


def claims(people: Iterable[Person]) -> Claims:
    """The names that more than one entry has, by whether their terms overlap."""
    terms: defaultdict[tuple[str, str], list[tuple[int, int, str]]] = defaultdict(list)
    shared = set()
    for person in people:
        for term in person.terms:
            if person.kind == "shared":
                shared.add(term.alias)
            since, until = (_EVER if term.since is None else term.since), (_NEVER if term.until is None else term.until)
            terms[person.directory, term.alias].append((since, until, entry_of(person)))
    periods: dict[str, Periods] = {}
    for (_, alias), claimed in sorted(terms.items()):
        if len({uid for _, _, uid in claimed}) > 1:
            found = _in_turn(sorted(claimed))
            if found is None:
                shared.add(alias)
            else:
                periods.setdefault(alias, found)
    return Claims({alias: one for alias, one in periods.items() if alias not in shared}, frozenset(shared))


def entry_of(person: Person) -> str:
    """What tells an entry from those of all directories."""
    return f"{person.directory}:{person.uid}"


def _in_turn(claimed: Sequence[tuple[int, int, str]]) -> Periods | None:
    """The owners one after the other, or ``None`` if two have the name at once."""
    begins: list[int] = []
    owners = [claimed[0][2]]
    end = claimed[0][1]
    for since, until, uid in claimed[1:]:
        if uid == owners[-1]:
            end = max(end, until)
            continue
        begin = end if since == _EVER else since
        if begin < end or begin == _NEVER:
            return None
        begins.append(begin)
        owners.append(uid)
        end = until
    return Periods(tuple(begins), tuple(owners))


def recycled(links: Iterable[Link]) -> dict[str, Periods]:
    """The mail addresses of which events show that they changed their owner."""
    spans: defaultdict[tuple[str, str], list[tuple[int, int, str]]] = defaultdict(list)
    for link in links:
        for mail, issued in ((link.a, link.b), (link.b, link.a)):
            if link.basis == "event" and is_mail(mail.partition(":")[2]) and is_issued(issued):
                spans[mail, issued.split(":", 2)[1]].append((link.first, link.last, issued))
    found: dict[str, Periods] = {}
    for (mail, _), seen in sorted(spans.items()):
        if len(seen) > 1 and mail not in found and (periods := _after_gaps(sorted(seen))):
            found[mail] = periods
    return found


def _after_gaps(seen: Sequence[tuple[int, int, str]]) -> Periods | None:
    begins, owners, end = [], [seen[0][2]], seen[0][1]
    for first, last, issued in seen[1:]:
        if first - end < GAP:
            return None
        begins.append(first)
        owners.append(issued)
        end = last
    return Periods(tuple(begins), tuple(owners))
