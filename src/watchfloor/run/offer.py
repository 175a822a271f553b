"""What a live run is given while it runs, to be taken over between two batches: all of it, or none."""

from collections.abc import Mapping
from typing import Any

import msgspec

from watchfloor.detect.noise import NoiseFilter
from watchfloor.identity import Decision, Person
from watchfloor.operator import KeyedOperator
from watchfloor.run.hiding import Hiding
from watchfloor.run.workers import Workers

Tables = Mapping[str, Mapping[str, str]]


class Given(msgspec.Struct, frozen=True):
    """What people and feeds say: the entries of directories, decisions, and tables of enrichment by name."""

    people: tuple[Person, ...] = ()
    decisions: tuple[Decision, ...] = ()
    tables: Tables = {}


class Machinery(msgspec.Struct, frozen=True):
    """What content makes.

    The workers, the noise filters that they number, who looks at events later, and what hides findings.
    """

    workers: Workers
    filters: tuple[NoiseFilter, ...] = ()
    keyed: tuple[KeyedOperator[Any], ...] = ()
    hiding: Hiding | None = None


class Offer(msgspec.Struct, frozen=True):
    """What is new; what is None stays, and so do tables that are not named."""

    machinery: Machinery | None = None
    people: tuple[Person, ...] | None = None
    decisions: tuple[Decision, ...] | None = None
    tables: Tables = {}

    def then(self, later: "Offer") -> "Offer":
        """This one and a later one as one; what the later one replaces is let go."""
        if later.machinery is not None and self.machinery is not None:
            self.machinery.workers.close()
        return Offer(
            later.machinery or self.machinery,
            self.people if later.people is None else later.people,
            self.decisions if later.decisions is None else later.decisions,
            {**self.tables, **later.tables},
        )

    def over(self, given: Given) -> Given:
        """What is given with this taken over."""
        return Given(
            given.people if self.people is None else self.people,
            given.decisions if self.decisions is None else self.decisions,
            {**given.tables, **self.tables},
        )
