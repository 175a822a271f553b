"""The entity graph of a case: who is connected to whom, by what the cited events say they did."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from watchfloor.case import Link
from watchfloor.triage.evidence import Row

_FAILURE = 2
_DELETE = 4

_ON_USER = {3001: "changed", 3002: "signed in as", 3005: "gave rights to", 3006: "put into a group"}
_ON_RESOURCE = {3005: "gave rights on", 4009: "handled mail of", 6001: "opened", 6003: "called", 6005: "read"}
_ON_HOST = {
    1006: "scheduled a job on",
    1007: "ran a program on",
    3002: "signed in to",
    201001: "changed",
    201002: "changed",
}


def links(rows: Iterable[Row]) -> tuple[Link, ...]:
    """The edges that events draw, those that most events draw first."""
    words: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        for source, target, verb in _edges(row):
            if source and target and source != target:
                words[source, target][verb] += 1
    edges = (Link(a, b, verbs.most_common(1)[0][0], verbs.total()) for (a, b), verbs in words.items())
    return tuple(sorted(edges, key=lambda edge: (-edge.count, edge.source, edge.target)))


def _edges(row: Row) -> Iterator[tuple[str | None, str | None, str]]:
    kind, host, address = row["class_uid"], row.get("entity.host"), row.get("entity.address")
    who = row.get("entity.actor") or row.get("entity.user") or host
    if kind == 3002 and row.get("status_id") == _FAILURE:
        yield address, row.get("entity.user") or who, "failed to sign in as"
        return
    yield who, host, _ON_HOST.get(kind, "acted on")
    yield who, row.get("entity.user"), _ON_USER.get(kind, "acted on")
    yield who, address, "came from"
    yield who, row.get("entity.app"), "let in" if kind == 3005 else "used"
    yield who, row.get("entity.resource"), _on_resource(row)
    yield host or who, row.get("entity.peer"), "connected to"


def _on_resource(row: Row) -> str:
    if row["class_uid"] == 6005 and row["activity_id"] == _DELETE:
        return "deleted from"
    return _ON_RESOURCE.get(row["class_uid"], "acted on")
