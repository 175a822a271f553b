"""What rules would have said of history: matches by rule, day and entity, the noisiest values, what changed since."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import process_time

import msgspec
import pyarrow as pa

from watchfloor.clock import iso
from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.columns import field_of
from watchfloor.detect.sigma.condition import Condition, predicates
from watchfloor.errors import InputError, argument
from watchfloor.finding import Finding, Level, Rule
from watchfloor.native import KEYWORDS
from watchfloor.rulecraft.cells import column_values
from watchfloor.rulecraft.replay import Replayed

MAX_DISTINCT = 20_000
"""How many entities, and how many values of one field, are told apart for one rule; the others count as ``…``."""

MAX_UIDS = 50_000
"""How many matches of one rule a baseline tells apart; beyond it only numbers are compared."""

NOISIEST = 20
"""How many values and entities of a rule are kept."""

COST_EVENTS = 4_000
"""On how many events the cost of a rule is measured."""

LONGEST = 300
OTHERS = "…"
_UID = 16


class Noise(msgspec.Struct, frozen=True):
    """A value of a field that a rule names, and in how many of its matches it stands."""

    field: str
    value: str
    matches: int


class RuleHistory(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule did. ``days`` are by UTC date; ``uids`` begin those of its findings, or are missing if too many.

    ``cpu_us`` is the CPU time that the rule alone takes for an event, in microseconds, where it was measured.
    """

    id: str
    title: str
    level: Level
    matches: int = 0
    hidden: int = 0
    days: dict[str, int] = {}
    entities: dict[str, int] = {}
    noisiest: tuple[Noise, ...] = ()
    uids: tuple[str, ...] | None = None
    cpu_us: float | None = None


class Backtest(msgspec.Struct, frozen=True):
    """Rules over history, those with the most matches first."""

    events: int
    rules: tuple[RuleHistory, ...]
    version: int = 1

    @property
    def matches(self) -> int:
        """The matches of all rules."""
        return sum(rule.matches for rule in self.rules)


class Change(msgspec.Struct, frozen=True):
    """What a rule finds that it did not find in the baseline, and what it finds no more."""

    id: str
    title: str
    new: int
    lost: int


def backtest(ruleset: RuleSet, history: Iterable[Replayed], hidden: Counter[str] | None = None) -> Backtest:
    """The figures of a replay; ``hidden`` counts, by rule, what suppressions took out of it by the end."""
    tallies = _tallies(ruleset)
    events = 0
    for batch in history:
        events += 0 if batch.events is None else batch.events.num_rows
        rows = _Rows(batch.events)
        for finding in batch.findings:
            tallies[finding.rule.id].count(finding, rows)
    quiet = hidden or Counter()
    made = (tally.made(quiet[rule]) for rule, tally in tallies.items())
    return Backtest(events, tuple(sorted(made, key=lambda one: (-one.matches, one.title, one.id))))


def _tallies(ruleset: RuleSet) -> dict[str, "_Tally"]:
    """A tally for each rule and correlation that speaks; what only serves a correlation says nothing itself."""
    rules = {one.rule.id: _Tally(one.rule, one.condition) for one in ruleset.rules}
    correlations = {one.id: _Tally(one.correlation.rule) for one in ruleset.correlations}
    return {uid: tally for uid, tally in (rules | correlations).items() if uid not in ruleset.silent}


class _Rows:
    """Finds the row of a finding's event."""

    def __init__(self, events: pa.RecordBatch | None) -> None:
        self.events = events
        self._rows: dict[str, int] | None = None

    def of(self, finding: Finding) -> int | None:
        if self.events is None:
            return None
        if self._rows is None:
            self._rows = {uid: row for row, uid in enumerate(self.events.column("metadata.uid").to_pylist())}
        return self._rows.get(finding.key)


class _Tally:
    def __init__(self, rule: Rule, condition: Condition | None = None) -> None:
        self._rule = rule
        columns = () if condition is None else (one.column for one in predicates(condition))
        self._matches = 0
        self._days: Counter[str] = Counter()
        self._entities: Counter[str] = Counter()
        self._values: dict[str, Counter[str]] = {column: Counter() for column in columns if column != KEYWORDS}
        self._uids: list[str] = []

    def count(self, finding: Finding, rows: _Rows) -> None:
        self._matches += 1
        self._days[iso(finding.start)[:10]] += 1
        for entity in finding.entities:
            _bump(self._entities, entity.id)
        if len(self._uids) <= MAX_UIDS:
            self._uids.append(finding.uid[:_UID])
        row = rows.of(finding)
        if row is not None and rows.events is not None:
            for column, seen in self._values.items():
                for value in column_values(rows.events, column, row)[:NOISIEST]:
                    _bump(seen, value[:LONGEST])

    def made(self, hidden: int) -> RuleHistory:
        noise = (
            Noise(field_of(column), value, n) for column, seen in self._values.items() for value, n in seen.items()
        )
        return RuleHistory(
            id=self._rule.id,
            title=self._rule.title,
            level=self._rule.level,
            matches=self._matches,
            hidden=hidden,
            days=dict(sorted(self._days.items())),
            entities=dict(sorted(self._entities.items(), key=lambda one: (-one[1], one[0]))[:NOISIEST]),
            noisiest=tuple(sorted(noise, key=lambda one: (-one.matches, one.field, one.value))[:NOISIEST]),
            uids=tuple(sorted(self._uids)) if len(self._uids) <= MAX_UIDS else None,
        )


def _bump(counter: Counter[str], key: str) -> None:
    counter[key if key in counter or len(counter) < MAX_DISTINCT else OTHERS] += 1


def compare(now: Backtest, before: Backtest) -> tuple[Change, ...]:
    """What has changed since a baseline, the largest changes first; rules that find the same are left out."""
    then = {rule.id: rule for rule in before.rules}
    today = {rule.id: rule for rule in now.rules}
    changes = [_change(today.get(uid), then.get(uid)) for uid in dict.fromkeys([*today, *then])]
    return tuple(sorted((one for one in changes if one.new or one.lost), key=lambda one: (-one.new - one.lost, one.id)))


def _change(now: RuleHistory | None, then: RuleHistory | None) -> Change:
    known = now or then
    assert known is not None  # noqa: S101 - one of them named the id
    found, before = (0 if one is None else one.matches for one in (now, then))
    mine, old = (() if one is None else one.uids for one in (now, then))
    if mine is None or old is None:
        return Change(known.id, known.title, max(0, found - before), max(0, before - found))
    new, lost = Counter(mine) - Counter(old), Counter(old) - Counter(mine)
    return Change(known.id, known.title, new.total(), lost.total())


def with_cost(tested: Backtest, ruleset: RuleSet, batches: Iterable[pa.RecordBatch]) -> Backtest:
    """The same figures with the CPU time of each rule: run alone over the events, less what no rule at all takes."""
    sample = list(batches)
    events = sum(batch.num_rows for batch in sample)
    if not events:
        return tested
    idle = _seconds(RuleSet(), sample)
    costs = {rule.rule.id: _seconds(RuleSet((rule,)), sample) - idle for rule in ruleset.rules}
    rules = (
        msgspec.structs.replace(rule, cpu_us=round(max(0.0, costs[rule.id]) / events * 1e6, 4))
        if rule.id in costs
        else rule
        for rule in tested.rules
    )
    return msgspec.structs.replace(tested, rules=tuple(rules))


def _seconds(ruleset: RuleSet, sample: list[pa.RecordBatch]) -> float:
    detector = SigmaDetector(ruleset)
    began = process_time()
    for batch in sample:
        detector.process(batch)
    return process_time() - began


class Kept:
    """Passes a replay on and keeps the first of its events for measuring."""

    def __init__(self) -> None:
        self.batches: list[pa.RecordBatch] = []
        self._left = COST_EVENTS

    def __call__(self, history: Iterable[Replayed]) -> Iterator[Replayed]:
        """The same batches."""
        for batch in history:
            if batch.events is not None and self._left > 0:
                self.batches.append(batch.events.slice(0, self._left))
                self._left -= self.batches[-1].num_rows
            yield batch


def read_baseline(path: Path) -> Backtest:
    """A baseline that was written before.

    Raises:
        InputError: It cannot be read, or is none.
    """
    with argument(path):
        document = path.read_bytes()
    try:
        return msgspec.json.decode(document, type=Backtest)
    except msgspec.MsgspecError as error:
        raise InputError(f"{path}: not a baseline: {error}") from error
