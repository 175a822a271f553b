"""Why an entity is one: its names, the links that made it, how sure each is, and what was not followed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from watchfloor.enrich.aliases import is_issued, preference
from watchfloor.enrich.identity import DIRECTORY, IdentityGraph
from watchfloor.identity import Link, Refusal

Confidence = Literal["high", "medium", "low"]
LEVELS: tuple[Confidence, ...] = ("high", "medium", "low")


class Named(msgspec.Struct, frozen=True):
    """A name of an entity.

    ``until`` is when its next owner began (ms), if there was one, ``since`` when this one did. ``way`` are the links
    from the entity's own name to this one, the surest way; ``confidence`` is that of the weakest of them.
    """

    alias: str
    confidence: Confidence
    way: tuple[Link, ...] = ()
    since: int | None = None
    until: int | None = None


class Explained(msgspec.Struct, frozen=True):
    """An entity with its names, all links that made it, and links to its names that were not followed."""

    entity: str
    names: tuple[Named, ...]
    links: tuple[Link, ...]
    refused: tuple[Refusal, ...] = ()


def confidence(link: Link) -> Confidence:
    r"""How sure a link is.

    High: somebody answers for it, a directory or a person who decided. Medium: an event gives both names to one
    account, and one of them is an id that its product issued, which nobody chooses. Low: both are names.

    >>> confidence(Link("user:alice@example.com", "user:okta:00u1", "e"))
    'medium'
    >>> confidence(Link("user:alice@example.com", r"user:corp\alice", "e"))
    'low'
    """
    if link.basis != "event":
        return "high"
    return "medium" if is_issued(link.a) or is_issued(link.b) else "low"


def explain(graph: IdentityGraph, entity_id: str) -> Explained:
    """What is known of an entity; one that no link names has its own name alone."""
    links = graph.links_of(entity_id)
    ways = _ways(links, entity_id)
    periods = graph.periods_of(entity_id)
    aliases = {alias for alias in (*graph.names_of(entity_id), entity_id) if not alias.startswith(DIRECTORY)}
    names = [
        Named(alias, *ways.get(alias, ("high", ()) if alias == entity_id else ("low", ())), *periods.get(alias, ()))
        for alias in sorted(aliases or {entity_id}, key=preference)
    ]
    refused = [one for one in graph.refused if one.link.a in aliases or one.link.b in aliases]
    return Explained(entity_id, tuple(names), links, tuple(refused))


def _ways(links: Sequence[Link], start: str) -> Mapping[str, tuple[Confidence, tuple[Link, ...]]]:
    """The surest way from a name to each other: as many strong links as it takes, then weaker ones."""
    ways: dict[str, tuple[Confidence, tuple[Link, ...]]] = {start: ("high", ())}
    for at, level in enumerate(LEVELS):
        _walk(ways, _neighbours(links, LEVELS[: at + 1]), level)
    return ways


def _walk(
    ways: dict[str, tuple[Confidence, tuple[Link, ...]]], near: Mapping[str, list[tuple[str, Link]]], level: Confidence
) -> None:
    reached = list(ways)
    for alias in reached:
        for other, link in near.get(alias, ()):
            if other not in ways:
                ways[other] = (level, (*ways[alias][1], link))
                reached.append(other)


def _neighbours(links: Iterable[Link], levels: Sequence[Confidence]) -> Mapping[str, list[tuple[str, Link]]]:
    near: defaultdict[str, list[tuple[str, Link]]] = defaultdict(list)
    for link in links:
        if confidence(link) in levels:
            near[link.a].append((link.b, link))
            near[link.b].append((link.a, link))
    return near
