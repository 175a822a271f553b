"""The evidence that triage reads: events of a case as typed, length-limited views, never as free text."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

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
