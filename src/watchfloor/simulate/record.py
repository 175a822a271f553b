"""What a simulation is made of: vendor records, the episodes that say which of them matter, and the scene.

A vendor module turns a moment into one :class:`Record`; a scenario turns a :class:`Scene` into :class:`Episode`
objects;
:mod:`watchfloor.simulate.write` puts the records into files and the episodes into ``truth.ndjson``.
"""

import string
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any, Literal, TypeVar

import msgspec

from watchfloor.event import Entity
from watchfloor.simulate.company import Company, Person
from watchfloor.simulate.places import Site

T = TypeVar("T")
Json = dict[str, Any]
SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Stream(StrEnum):
    """The log that a record is delivered in."""

    OKTA = "okta"
    ENTRA = "m365/azureactivedirectory"
    EXCHANGE = "m365/exchange"
    GENERAL = "m365/general"
    SHAREPOINT = "m365/sharepoint"
    CLOUDTRAIL = "aws"
    SECURITY = "windows/security"
    SYSTEM = "windows/system"
    SYSMON = "windows/sysmon"
    POWERSHELL = "windows/powershell"


class Record(msgspec.Struct, frozen=True, eq=False):
    """One vendor record, not yet bytes. Two records are the same only if they are the same object.

    ``time`` is in milliseconds since the epoch, UTC; ``body`` already carries it in the vendor's own format.
    """

    time: int
    stream: Stream
    body: Json


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """One attack, or one benign twin of an attack, and the records that show it.

    ``decisive`` is the time (ms, UTC) after which a good analyst would be sure of the kind. Episodes of one campaign
    may share records: a login can end a push bombing and begin an impossible journey.
    """

    id: str
    kind: Literal["attack", "twin"]
    use_case: str
    variant: str
    campaign: str | None
    decisive: int
    entities: tuple[Entity, ...]
    records: tuple[Record, ...]


class Scene(msgspec.Struct, frozen=True):
    """A company on one day, and the chance that decides its details.

    ``midnight`` is the start of the UTC day in milliseconds. All randomness comes from ``rng``; each scenario gets a
    generator of its own (:func:`stage`), so that adding one leaves the others as they were.
    """

    company: Company
    midnight: int
    rng: Random

    def at(self, clock: str) -> int:
        """The time of ``HH:MM`` or ``HH:MM:SS``, UTC, plus some milliseconds.

        >>> from watchfloor.simulate.company import company
        >>> scene = stage(company(1), seed=1, day=date(2026, 3, 17), name="doctest")
        >>> scene.at("14:07:30") // 1000 - scene.midnight // 1000 == 14 * 3600 + 7 * 60 + 30
        True
        """
        hours, minutes, *seconds = (int(part) for part in clock.split(":"))
        whole = hours * HOUR + minutes * MINUTE + sum(seconds) * SECOND
        return self.midnight + whole + self.rng.randrange(SECOND)

    def local(self, site: Site, hours: float) -> int:
        """The time at which the clocks of ``site`` show ``hours`` (9.5 is half past nine), held inside the UTC day."""
        time = self.midnight + int((hours - site.utc_offset) * HOUR)
        return min(max(time, self.midnight), self.midnight + DAY - SECOND)

    def after(self, time: int, low: float, high: float) -> int:
        """A time between ``low`` and ``high`` seconds after ``time``."""
        return time + int(self.rng.uniform(low, high) * SECOND)

    def spread(self, start: int, end: int, count: int) -> list[int]:
        """``count`` times between ``start`` and ``end``, in order."""
        return sorted(self.rng.randrange(start, max(end, start + 1)) for _ in range(count))

    def pace(self, start: int, end: int, things: Sequence[T]) -> Iterator[tuple[int, T]]:
        """Each of ``things`` in turn, with a time between ``start`` and ``end``; times ascend."""
        return zip(self.spread(start, end, len(things)), things, strict=True)

    def size(self, low: float, high: float) -> int:
        """A file's size in bytes, between ``low`` and ``high`` megabytes."""
        return int(self.rng.uniform(low, high) * 1_000_000)

    def uuid(self) -> str:
        """A random UUID."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def token(self, length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
        """A random text of ``length`` characters."""
        return "".join(self.rng.choices(alphabet, k=length))

    def hex(self, length: int) -> str:
        """A random lower-case hexadecimal text of ``length`` characters."""
        return f"{self.rng.getrandbits(4 * length):0{length}x}"


Work = Callable[[Scene], Iterator[Record]]
"""Ordinary work of a day: records that belong to no episode."""

Scenario = Callable[[Scene], Iterator[Episode]]
"""An attack or a benign twin, told as episodes."""


def stage(company: Company, *, seed: int, day: date, name: str) -> Scene:
    """The scene of one scenario on one day; ``name`` gives it its own random numbers."""
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND
    return Scene(company, midnight, Random(f"{seed}/{day.isoformat()}/{name}"))  # noqa: S311 - reproducible, not secret


def moment(time: int, text: str) -> str:
    """``time`` (ms, UTC) in a ``strftime`` format.

    >>> moment(1_773_756_450_250, "%Y-%m-%dT%H:%M:%SZ")
    '2026-03-17T14:07:30Z'
    """
    return (_EPOCH + timedelta(milliseconds=time)).strftime(text)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def user(person: Person) -> Entity:
    """The entity of a person: their mail address."""
    return Entity("user", f"user:{person.mail}", person.name)


def thing(kind: str, name: str) -> Entity:
    """The entity of a host, an address, an app or a resource."""
    return Entity(kind, f"{kind}:{name}", name)
