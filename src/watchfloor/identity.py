"""What says that two names are one account: events, a directory, people.

Enrichment makes people of it, the store keeps it; they meet here. Names are entity ids (``user:alice@example.com``),
times are milliseconds since the epoch, UTC.
"""

from typing import Literal

import msgspec

Basis = Literal["event", "directory", "decision"]
PersonKind = Literal["person", "service", "shared", "app", "host"]


class Link(msgspec.Struct, frozen=True):
    """Two aliases that belong to one account.

    ``event_uid`` is the first event that gives both to it, ``first`` and ``last`` say from when to when events did and
    ``count`` in how many batches of them. What no event shows has ``words``: the place in the directory, or who decided
    it and why.
    """

    a: str
    b: str
    event_uid: str = ""
    first: int = 0
    last: int = 0
    count: int = 1
    basis: Basis = "event"
    words: str = ""


class Noted(msgspec.Struct, frozen=True):
    """What events show beside links.

    A ``host`` that Windows names, or an ``other host``; what a source calls a ``device``, whose name is ``of``; an
    ``account`` that may turn out to be a computer's.
    """

    kind: Literal["host", "other host", "device", "account"]
    name: str
    of: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """A link that was not followed, and why."""

    link: Link
    reason: str


class Term(msgspec.Struct, frozen=True):
    """A name that somebody has from ``since`` until before ``until``; ``None`` where nobody says."""

    alias: str
    since: int | None = None
    until: int | None = None


class Person(msgspec.Struct, frozen=True):
    """An entry of a directory: ``uid`` is the directory's own stable id, ``origin`` the file and line.

    Two entries of one directory are two people. The names of a ``shared`` account make nobody one person.
    """

    uid: str
    name: str = ""
    kind: PersonKind = "person"
    terms: tuple[Term, ...] = ()
    origin: str = ""
    directory: str = "people"


class Decision(msgspec.Struct, frozen=True):
    """What people said of two names: that they are one entity (``merge``), or two (``split``).

    Of several about one pair the last counts, so that each can be taken back.
    """

    kind: Literal["merge", "split"]
    a: str
    b: str
    by: str
    at: int
    reason: str

    @property
    def words(self) -> str:
        """Who decided it, and why."""
        return f"{self.by}: {self.reason}"
