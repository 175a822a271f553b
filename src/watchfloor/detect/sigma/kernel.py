"""Matches Sigma rules on batches of events.

Each distinct value of a column is looked at once, for the predicates that wake rules up, and remembered across batches.
An event evaluates only the rules that apply to its log source and that one of its values woke; see
:mod:`watchfloor.detect.sigma.link` for which predicates those are.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.condition import predicates
from watchfloor.detect.sigma.link import Program
from watchfloor.detect.sigma.load import RuleSet
from watchfloor.detect.sigma.routing import Route, Router
from watchfloor.detect.sigma.scan import NOTHING, Ids, Memory
from watchfloor.detect.sigma.view import Column, View
from watchfloor.detect.sigma.words import summary
from watchfloor.event import ENTITY_ROLES, NATIVE, Entity, Origin, entity_of
from watchfloor.finding import Finding, finding_uid
from watchfloor.native import KEYWORDS, LOGSOURCE, DecodePlan

REMEMBERED_VALUES = 50_000
"""How many values of one column are remembered."""

LONGEST_REMEMBERED = 2_000
"""The longest value, in characters, that is remembered."""


class SlowRegex(msgspec.Struct, frozen=True):
    """A regular expression that ran out of time: how often, whether it was given up, and whose it is."""

    pattern: str
    timeouts: int
    given_up: bool
    rules: tuple[str, ...]

    @property
    def words(self) -> str:
        """What people need to know of it, as a sentence."""
        often = "once" if self.timeouts == 1 else f"{self.timeouts} times"
        end = " and is no longer tried" if self.given_up else ""
        return (
            f"The regular expression {self.pattern!r} of {', '.join(self.rules)} ran out of time {often}{end}: "
            "events that it would match may have been missed."
        )


class SigmaDetector:
    """A set of rules as a function from a batch of events to findings.

    The batch has the columns of :data:`watchfloor.event.EVENT_SCHEMA` and those of :mod:`watchfloor.native` for
    :attr:`plan`; a column that is not there is null in every row. Findings come in the order of the rows, and for one
    row in the order of the rules; any split of the input gives the same ones.

    Memory is bounded by :data:`REMEMBERED_VALUES` values a column.
    """

    def __init__(self, ruleset: RuleSet) -> None:
        self._program = Program(ruleset.rules)
        self._router = Router(ruleset.rules, self._program.sleepless)
        self._memories = {
            column: Memory(scanner, self._program.triggers, capacity=REMEMBERED_VALUES, longest=LONGEST_REMEMBERED)
            for column, scanner in self._program.scanners.items()
        }

    @property
    def plan(self) -> DecodePlan:
        """The vendor fields that the rules read; nothing else needs to be decoded for them."""
        native = {column for column in self._program.columns() if column.startswith(NATIVE)}
        return DecodePlan(
            frozenset(column.removeprefix(NATIVE) for column in native - {KEYWORDS}), keywords=KEYWORDS in native
        )

    @property
    def slow_regexes(self) -> tuple[SlowRegex, ...]:
        """The regular expressions that ran out of time so far; a search that does counts as no match."""
        slow = {predicate: one for predicate, one in self._program.regexes().items() if one.timeouts}
        owners = {
            predicate: tuple(rule.rule.id for rule in self._program.rules if predicate in predicates(rule.condition))
            for predicate in slow
        }
        return tuple(
            SlowRegex(one.test.pattern, one.timeouts, one.given_up, owners[predicate])
            for predicate, one in slow.items()
        )

    def detect(self, batch: pa.RecordBatch) -> list[Finding]:
        """The findings of a batch: one a rule and event."""
        routes = self._routes(batch)
        view = self._view(batch, routes)
        events = _Events(batch)
        return [
            self._finding(index, events.row(row), self._summary(index, view, row))
            for row, index in self._matches(view, routes)
        ]

    def _matches(self, view: View, routes: list[Route]) -> Iterator[tuple[int, int]]:
        """Rows and the rules that are true of them."""
        conditions = self._program.conditions
        for row, (route, awake) in enumerate(zip(routes, self._awake(view, len(routes)), strict=True)):
            candidates = (awake & route.rules) | route.sleepless
            for index in sorted(candidates) if candidates else ():
                if conditions[index](view, row):
                    yield row, index

    def _routes(self, batch: pa.RecordBatch) -> list[Route]:
        logsources = _values(batch, LOGSOURCE)
        classes = _values(batch, "class_uid")
        return [self._router.route(text or "", uid) for text, uid in zip(logsources, classes, strict=True)]

    def _view(self, batch: pa.RecordBatch, routes: list[Route]) -> View:
        view = View()
        for name, memory in self._memories.items():
            index = batch.schema.get_field_index(name)
            if index < 0:
                continue
            array = batch.column(index)
            if name == KEYWORDS:
                # Keywords are searched in every value of a record: only where a rule asks for it.
                asked = pa.array([route.keywords for route in routes], pa.bool_())
                array = pc.if_else(asked, array, pa.nulls(len(array), array.type))
            if array.null_count < len(array):
                view[name] = Column(array, memory.hits)
        return view

    def _awake(self, view: View, rows: int) -> list[Ids]:
        awake = [NOTHING] * rows
        for column in view.values():
            for row, rules in column.awake():
                awake[row] |= rules
        return awake

    def _summary(self, index: int, view: View, row: int) -> str:
        title = self._program.rules[index].rule.title
        return summary(title, self._program.witnesses(index, view, row), view, row)

    def _finding(self, index: int, event: "_Event", words: str) -> Finding:
        rule = self._program.rules[index]
        return Finding(
            uid=finding_uid(rule_id=rule.rule.id, tenant=event.tenant, key=event.uid, bucket=""),
            tenant=event.tenant,
            rule=rule.rule,
            start=event.time,
            end=event.time,
            event_uids=(event.uid,),
            origins=(event.origin,),
            entities=event.entities,
            source=event.source,
            key=event.uid,
            summary=words,
        )


class _Event(msgspec.Struct, frozen=True):
    """What a finding says of its event."""

    uid: str
    tenant: str
    source: str
    time: int
    origin: Origin
    entities: tuple[Entity, ...]


class _Events:
    """The events of a batch that findings are about, each read once."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch
        self._columns = {name: index for index, name in enumerate(batch.schema.names)}
        self._read: dict[int, _Event] = {}

    def row(self, row: int) -> _Event:
        if row not in self._read:
            self._read[row] = _Event(
                uid=self._value("metadata.uid", row) or "",
                tenant=self._value("tenant", row) or "",
                source=self._value("source", row) or "",
                time=self._value("time", row) or 0,
                origin=Origin(
                    self._value("origin.path", row) or "",
                    self._value("origin.line", row) or 0,
                    self._value("origin.index", row),
                ),
                entities=tuple(dict.fromkeys(self._entities(row))),
            )
        return self._read[row]

    def _entities(self, row: int) -> Iterator[Entity]:
        for role in ENTITY_ROLES:
            if (entity_id := self._value(f"entity.{role}", row)) is not None:
                yield entity_of(entity_id)

    def _value(self, name: str, row: int) -> Any:
        index = self._columns.get(name)
        return None if index is None else self._batch.column(index)[row].as_py()


def _values(batch: pa.RecordBatch, name: str) -> list[Any]:
    index = batch.schema.get_field_index(name)
    return [None] * batch.num_rows if index < 0 else batch.column(index).to_pylist()
