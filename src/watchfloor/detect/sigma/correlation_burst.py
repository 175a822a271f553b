"""A burst: the windows of one group in which a correlation held, as one finding with its revisions."""

from collections.abc import Sequence

import msgspec

from watchfloor.detect.sigma.correlation import TEMPORAL
from watchfloor.detect.sigma.correlation_link import LinkedCorrelation
from watchfloor.detect.sigma.correlation_matches import Row, Sighting
from watchfloor.detect.sigma.correlation_words import summary, terms
from watchfloor.event import ENTITY_ROLES, Entity, Origin, entity_of
from watchfloor.finding import Finding, finding_uid
from watchfloor.session import ASK_EACH_UNTIL, MAX_ENTITIES

MAX_EVIDENCE = 4096
"""How many events prove one finding; those beyond are counted."""


class Burst(msgspec.Struct):
    """Windows that held and overlap; or one window that held at its close.

    ``start`` is the time of its first match and ``last`` of the one at which it held last, in ms; ``events`` counts all
    events, of which ``rows`` keeps the first; ``occurred`` are the rules that did, by position.
    """

    start: int
    last: int
    first_event: int
    last_event: int
    value: float | None = None
    rows: list[Row] = []
    occurred: list[int] = []
    events: int = 0
    revision: int = 0
    told: int = 0
    changed: bool = False

    def copied(self) -> "Burst":
        """A burst that can change on its own."""
        return msgspec.structs.replace(self, rows=list(self.rows), occurred=list(self.occurred))

    def add(self, fresh: Sequence[Row], value: float, occurred: set[int]) -> None:
        """It held once more, with these matches that are new to it."""
        higher = self.value is None or value > self.value
        self.changed |= bool(fresh) or higher or not occurred.issubset(self.occurred)
        if higher:
            self.value = value
        if fresh:
            self.first_event = min(self.first_event, *(row["match.since"] for row in fresh))
            self.last_event = max(self.last_event, *(row["match.since"] for row in fresh))
        self.occurred = sorted({*self.occurred, *occurred})
        self.rows += fresh[: MAX_EVIDENCE - len(self.rows)]
        self.events += len(fresh)

    def is_worth_telling(self) -> bool:
        """Whether enough is new: each event while they are few, then each doubling."""
        return self.changed and (self.events <= ASK_EACH_UNTIL or self.events >= 2 * self.told)

    def say(self, linked: LinkedCorrelation, key: str, fresh: Sequence[Row]) -> Finding:
        """The next revision of its finding."""
        self.revision += 1
        self.told, self.changed = self.events, False
        rule, value = linked.correlation.rule, self.value or 0
        # The events of another correlation came at its moment; here they are told when they happened.
        rows = sorted(self.rows, key=lambda row: row["match.since"])
        tenant = rows[0]["tenant"]
        places = {
            row["metadata.uid"]: Origin(row["origin.path"], row["origin.line"], row["origin.index"]) for row in rows
        }
        titles = [linked.feeds[place].title for place in self.occurred]
        made = Finding(
            uid=finding_uid(rule_id=rule.id, tenant=tenant, key=key, bucket=str(self.start)),
            tenant=tenant,
            rule=rule,
            start=self.first_event,
            end=self.last_event,
            event_uids=tuple(places),
            origins=tuple(places.values()),
            entities=_entities(rows),
            source=rows[0]["source"],
            key=key,
            terms=terms(linked, value, self.events, len(places)),
            revision=self.revision,
            status="new" if self.revision == 1 else "corrected",
            summary=summary(linked, value, key, titles if linked.correlation.kind in TEMPORAL else ()),
        )
        if not linked.referenced:
            return made
        return Sighting(**msgspec.structs.asdict(made), moment=self.last, fresh=tuple(fresh))


def burst_from(rows: Sequence[Row], *, start: int, last: int) -> Burst:
    """A burst that begins with these matches, which are yet to be added."""
    events = [row["match.since"] for row in rows]
    return Burst(start, last, min(events), max(events))


def _entities(rows: Sequence[Row]) -> tuple[Entity, ...]:
    found: dict[str, None] = {}
    for role in ENTITY_ROLES:
        found.update((row[f"entity.{role}"], None) for row in rows if row[f"entity.{role}"])
    return tuple(entity_of(entity_id) for entity_id in list(found)[:MAX_ENTITIES])
