"""The evidence that triage reads: events of a case as typed, length-limited views, never as free text."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import orjson

from watchfloor.event import ENTITY_ROLES, HOT

MAX_TEXT = 160
"""Longer values are cut in the middle wherever they are shown; the pack holds them whole."""

MAX_TITLE = 400
"""The same for the titles of rules."""

Row = Mapping[str, Any]
"""One event as the lake gives it: the columns of :data:`watchfloor.event.EVENT_SCHEMA` by name."""


class Evidence(msgspec.Struct, frozen=True):
    """The events that a case cites, by uid, and which uids prove that two names are one person."""

    rows: Mapping[str, Row]
    same_person: Mapping[tuple[str, str], str] = msgspec.field(default_factory=dict)

    def cited(self, uids: Iterable[str]) -> list[Row]:
        """The rows of these uids that are at hand."""
        return [self.rows[uid] for uid in uids if uid in self.rows]


def text_values(row: Row) -> Iterator[str]:
    """Every text that occurs in an event: attributes, entities, leftovers, and the record itself."""
    for name in HOT:
        value = row.get(name)
        if value is not None:
            yield str(value)
    for prefix in ("actor.user", "user"):
        account, domain = row.get(f"{prefix}.name"), row.get(f"{prefix}.domain")
        if account and domain:
            yield f"{domain}\\{account}"
    for role in ENTITY_ROLES:
        if entity_id := row.get(f"entity.{role}"):
            yield entity_id.partition(":")[2]
    for name in ("rest", "unmapped"):
        if text := row.get(name):
            yield from _leaves(orjson.loads(text))
    yield bytes(row["raw"]).decode("utf-8", "replace")


def _leaves(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
        elif one is not None:
            yield str(one)


_PLAIN_QUOTES = str.maketrans("“”", '""')


def plain(text: object) -> str:
    """A value on one line, without typographic quotes: they are the writer's own marks, and a log may not forge them.

    >>> plain(" “harmless”   case ")
    '"harmless" case'
    """
    return " ".join(str(text).split()).translate(_PLAIN_QUOTES)


def short(text: object, limit: int = MAX_TEXT) -> str:
    """A value as :func:`plain` gives it, cut in the middle.

    >>> short("a" * 9, 5)
    'aa…aa'
    """
    line = plain(text)
    if len(line) <= limit:
        return line
    half = (limit - 1) // 2
    return f"{line[:half]}…{line[-half:]}"
