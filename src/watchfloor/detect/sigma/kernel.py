"""Matches Sigma rules on batches of events.

An event evaluates only the rules that apply to its log source and that one of its values woke; see
:mod:`watchfloor.detect.sigma.link` for what wakes a rule. The values of a batch are searched for all of that at once.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from watchfloor.detect.sigma.columns import OCSF
from watchfloor.detect.sigma.keywords import KeywordSearch
from watchfloor.detect.sigma.link import Program
from watchfloor.detect.sigma.routing import Router
from watchfloor.detect.sigma.ruleset import RuleSet
from watchfloor.detect.sigma.view import Rows
from watchfloor.detect.sigma.waking import wake_rules
from watchfloor.detect.sigma.words import summary
from watchfloor.event import ENTITY_ROLES, NATIVE, Entity, Origin, entity_of
from watchfloor.finding import Finding, finding_uid
from watchfloor.native import KEYWORDS, DecodePlan, LogSource, Seek

Matches = dict[int, list[int]]
"""By row, in order, the numbers of the rules that are true of it."""


class SlowRegex(msgspec.Struct, frozen=True):
    """A regular expression that ran out of time: how often, whether it was given up, and whose it is."""

    pattern: str
    timeouts: int
    given_up: bool
    rules: tuple[str, ...]

    def __add__(self, other: "SlowRegex") -> "SlowRegex":
        """The same expression as two detectors saw it.

        >>> (SlowRegex("a+", 2, False, ("r",)) + SlowRegex("a+", 20, True, ("r",))).words.partition(": events")[0]
        "The regular expression 'a+' of r ran out of time 22 times and is no longer tried"
        """
        given_up = self.given_up or other.given_up
        return SlowRegex(self.pattern, self.timeouts + other.timeouts, given_up, self.rules)

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
    row in the order of the rules; any split of the input gives the same ones. No values are kept between batches.
    """

    def __init__(self, ruleset: RuleSet) -> None:
        self._program = Program(ruleset.rules)
        self._router = Router(ruleset.rules, self._program.wakes)
        columns = zip(ruleset.rules, self._program.columns, strict=True)
        self.seek_keywords: Seek = KeywordSearch(rule for rule, some in columns if KEYWORDS in some).seek
        """Finds the records of a batch whose values must be gathered for keywords."""

    @property
    def plan(self) -> DecodePlan:
        """The vendor fields that the rules read; nothing else needs to be decoded for them."""
        everywhere: set[str] = set()
        further: dict[LogSource, set[str]] = defaultdict(set)
        for rule, columns in zip(self._program.rules, self._program.columns, strict=True):
            # Rules over OCSF apply to records of any log source.
            fields = everywhere if rule.logsource.product == OCSF else further[rule.logsource]
            fields.update(one.removeprefix(NATIVE) for one in columns if one.startswith(NATIVE))
        return DecodePlan(frozenset(everywhere), {source: frozenset(some) for source, some in further.items() if some})

    @property
    def count(self) -> int:
        """How many rules there are."""
        return len(self._program.rules)

    @property
    def is_native(self) -> bool:
        """Whether the rules read nothing but the columns of :attr:`plan`."""
        named = frozenset[str]().union(*self._program.columns)
        return all(column.startswith(NATIVE) for column in named) and not any(
            rule.logsource.product == OCSF for rule in self._program.rules
        )

    @property
    def slow_regexes(self) -> tuple[SlowRegex, ...]:
        """The regular expressions that ran out of time so far; a search that does counts as no match."""
        return tuple(
            SlowRegex(one.test.pattern, one.timeouts, one.given_up, self._program.owners(one.test))
            for one in self._program.regexes()
            if one.timeouts
        )

    def detect(self, batch: pa.RecordBatch) -> list[Finding]:
        """The findings of a batch: one a rule and event."""
        matches = self.match(batch)
        return self.tell(batch.take(pa.array(list(matches), pa.int64())), list(matches.values()))

    def match(self, batch: pa.RecordBatch) -> Matches:
        """The rules that are true of the rows of a batch, which needs no columns but those that rules read."""
        awake = wake_rules(batch, self._router.routed(batch), self._program)
        view = Rows(batch)
        found: Matches = defaultdict(list)
        for index in sorted(awake):
            for row in self._program.condition(index)(view, tuple(awake[index])):
                found[row].append(index)
        return {row: found[row] for row in sorted(found)}

    def tell(
        self, events: pa.RecordBatch, matches: Sequence[Sequence[int]], *, summarize: bool = True
    ) -> list[Finding]:
        """The findings of events, for each of which ``matches`` has the rules that are true of it.

        Without ``summarize`` they have no summary, and events need no columns but those of
        :data:`watchfloor.event.IDENTITY`.
        """
        view = Rows(events)
        return [
            self._finding(index, event, self._summary(index, view, row) if summarize else "")
            for row, (event, rules) in enumerate(zip(_events(events), matches, strict=True))
            for index in rules
        ]

    def _summary(self, index: int, view: Rows, row: int) -> str:
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


_TOLD = ("metadata.uid", "tenant", "source", "time", "origin.path", "origin.line", "origin.index")


def _events(batch: pa.RecordBatch) -> Iterator[_Event]:
    told = zip(*(_values(batch, name) for name in _TOLD), strict=True)
    entities = zip(*(_values(batch, f"entity.{role}") for role in ENTITY_ROLES), strict=True)
    for (uid, tenant, source, time, path, line, index), ids in zip(told, entities, strict=True):
        yield _Event(
            uid=uid or "",
            tenant=tenant or "",
            source=source or "",
            time=time or 0,
            origin=Origin(path or "", line or 0, index),
            entities=tuple(entity_of(one) for one in dict.fromkeys(ids) if one is not None),
        )


def _values(batch: pa.RecordBatch, name: str) -> list[Any]:
    index = batch.schema.get_field_index(name)
    return [None] * batch.num_rows if index < 0 else batch.column(index).to_pylist()
