"""Where the nodes and edges of a case's entity graph go: columns by kind, ordered to cross little, the same every time.

A layered layout after Sugiyama, Tagawa and Toda (1981): the columns are given by what an entity is, edges that span
several columns pass through bends of their own, and the order within a column follows the mean place of the neighbours.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from watchfloor.case import Link
from watchfloor.console.svg_marks import kind_of
from watchfloor.event import Entity, entity_of

COLUMNS = ("Addresses", "Identities", "Hosts and apps", "Resources")
SHOWN_NODES, SHOWN_IN_COLUMN = 25, 10
_COLUMN_OF = {"address": 0, "user": 1, "host": 2, "app": 2, "resource": 3}
_MANY = {"address": "addresses", "user": "identities", "host": "hosts", "app": "apps", "resource": "resources"}
_SWEEPS = 8


class Node(msgspec.Struct, frozen=True, order=True):
    """A drawn entity, or the fold of several (``folded`` is how many); an empty ``kind`` is a bend of a long edge."""

    column: int
    id: str
    kind: str = ""
    name: str = ""
    folded: int = 0


class Edge(msgspec.Struct, frozen=True, order=True):
    """Two nodes, what connects them (the most frequent first) and the nodes and bends it passes, ends included."""

    source: str
    target: str
    words: tuple[str, ...]
    count: int
    path: tuple[str, ...]


class Layout(msgspec.Struct, frozen=True):
    """The columns that are not empty, each from top to bottom, with their headings, and the edges."""

    headings: tuple[str, ...]
    columns: tuple[tuple[Node, ...], ...]
    edges: tuple[Edge, ...]


def arrange(entities: Iterable[Entity], links: Iterable[Link], *, shown: int = SHOWN_NODES) -> Layout:
    """The layout of at most ``shown`` nodes, ten in a column; the least connected of a kind fold into one node."""
    links = [link for link in links if link.source != link.target]
    known = {entity.id: entity for entity in entities}
    for link in links:
        for end in (link.source, link.target):
            known.setdefault(end, entity_of(end))
    nodes, place = _nodes(known, links, shown)
    used = sorted({node.column for node in nodes.values()})
    shift = {column: index for index, column in enumerate(used)}
    moved = {key: msgspec.structs.replace(node, column=shift[node.column]) for key, node in nodes.items()}
    edges = _edges(links, place, moved)
    columns = _ordered(moved, edges, len(used))
    return Layout(tuple(COLUMNS[column] for column in used), columns, edges)


def _nodes(known: dict[str, Entity], links: list[Link], shown: int) -> tuple[dict[str, Node], dict[str, str]]:
    """The nodes, and which node stands for each entity."""
    neighbours: dict[str, set[str]] = defaultdict(set)
    weight: Counter[str] = Counter()
    for link in links:
        neighbours[link.source].add(link.target)
        neighbours[link.target].add(link.source)
        weight[link.source] += link.count
        weight[link.target] += link.count
    ranked = sorted(known, key=lambda key: (-len(neighbours[key]), -weight[key], key))
    kept = _kept(ranked, {key: _COLUMN_OF[kind_of(known[key].type)] for key in ranked}, shown)
    nodes: dict[str, Node] = {}
    place: dict[str, str] = {}
    folded = Counter(kind_of(known[key].type) for key in ranked if key not in kept)
    for key in ranked:
        kind = kind_of(known[key].type)
        if key in kept:
            nodes[key] = Node(_COLUMN_OF[kind], key, kind, known[key].name or key)
            place[key] = key
        else:
            place[key] = fold = f"+{kind}"
            nodes[fold] = Node(_COLUMN_OF[kind], fold, kind, f"+{folded[kind]:,} more {_MANY[kind]}", folded[kind])
    return nodes, place


def _kept(ranked: Sequence[str], column_of: dict[str, int], shown: int) -> set[str]:
    """The best connected, so that with a fold for each kind neither the picture nor a column holds too many."""
    room = dict.fromkeys(range(len(COLUMNS)), SHOWN_IN_COLUMN)
    kept: set[str] = set()
    for key in ranked:
        if room[column_of[key]] and len(kept) < shown:
            room[column_of[key]] -= 1
            kept.add(key)
    if len(kept) < len(ranked) and len(kept) > shown - len(_MANY):
        kept = {key for key in ranked[: shown - len(_MANY)] if key in kept}
    return kept


def _edges(links: list[Link], place: dict[str, str], nodes: dict[str, Node]) -> tuple[Edge, ...]:
    words: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for link in links:
        ends = place[link.source], place[link.target]
        if ends[0] != ends[1]:
            words[ends][link.words] += link.count
    return tuple(
        Edge(
            source,
            target,
            tuple(word for word, _ in sorted(said.items(), key=lambda item: (-item[1], item[0]))),
            sum(said.values()),
            _path(source, target, nodes),
        )
        for (source, target), said in sorted(words.items())
    )


def _path(source: str, target: str, nodes: dict[str, Node]) -> tuple[str, ...]:
    a, b = nodes[source].column, nodes[target].column
    step = 1 if b > a else -1
    return source, *(f"{source}>{target}@{column}" for column in range(a + step, b, step)), target


def _ordered(nodes: dict[str, Node], edges: Sequence[Edge], width: int) -> tuple[tuple[Node, ...], ...]:
    columns: list[list[Node]] = [[] for _ in range(width)]
    beside: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        for a, b in pairwise(edge.path):
            beside[a].append(b)
            beside[b].append(a)
    bends = [Node(int(key.rpartition("@")[2]), key) for edge in edges for key in edge.path[1:-1]]
    for node in [*sorted(nodes.values(), key=lambda one: (bool(one.folded), -len(beside[one.id]), one.id)), *bends]:
        columns[node.column].append(node)
    spot: dict[str, float] = {}
    for column in columns:
        _settle(column, spot)
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else columns[::-1]:
            column.sort(key=lambda node: _pull(node.id, beside, spot))
            _settle(column, spot)
    return tuple(tuple(column) for column in columns)


def _settle(column: list[Node], spot: dict[str, float]) -> None:
    spot.update((node.id, (index + 0.5) / len(column)) for index, node in enumerate(column))


def _pull(key: str, beside: dict[str, list[str]], spot: dict[str, float]) -> tuple[float, float, str]:
    around = [spot[other] for other in beside[key]]
    return (sum(around) / len(around) if around else 1.0), spot[key], key
