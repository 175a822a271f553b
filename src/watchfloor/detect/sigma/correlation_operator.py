"""A correlation as a keyed operator over matches, one state for each group.

**What grows** (counts, sums and rules that occurred, compared with ``gt`` or ``gte``) is looked at after each match,
over the ``timespan`` that ends with it, both ends included. It fires as soon as that holds. Windows that hold and
overlap are one burst, and one finding: its events are those of all of these windows, and while the burst goes on it
gets the next revision (after each event up to 64, then at each doubling, and when the burst ends). A burst ends, and
the group is armed again, when a match comes later than ``timespan`` after the last window that held. No event is in two
findings of a group.

**What may turn out otherwise** (``lt``, ``lte``, ``eq``, ``neq``, ranges, averages, percentiles, ``not``) is looked at
once, when its window closes: a window opens with the first match while none is open (under ``not``, with one of a rule
that must occur) and takes what comes within ``timespan`` of it. A group of which nothing is seen says nothing.

Memory for each group is bounded: at most :data:`MAX_EVIDENCE` matches are kept for the window and for the burst, and
what :mod:`watchfloor.detect.sigma.correlation_measure` keeps.
"""

from datetime import UTC, datetime, timedelta

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.correlation_burst import MAX_EVIDENCE, Burst, burst_from
from watchfloor.detect.sigma.correlation_link import LinkedCorrelation
from watchfloor.detect.sigma.correlation_matches import MATCH_SCHEMA, Row
from watchfloor.detect.sigma.correlation_measure import Match, Measure, Occurrence, measure_of, numbers_in
from watchfloor.finding import Finding
from watchfloor.operator import Reference

_COLUMNS = [name for name in MATCH_SCHEMA.names if name != "match.correlation"]
_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST = 253_370_764_799_999
"""The last moment that is worth waiting for, in ms: the end of the year 9998, a year before dates end."""


class CorrelationState(msgspec.Struct):
    """One group: the matches of the window, what they measure, and the burst that is on. Times in ms.

    ``pending`` is how many of the window's matches came since it held last.
    """

    key: str
    opened: int
    last: int
    measure: Measure
    window: list[Row] = []
    events: int = 0
    pending: int = 0
    uid: str = ""
    burst: Burst | None = None


class CorrelationOperator:
    """A :class:`watchfloor.operator.KeyedOperator` over batches of matches."""

    def __init__(self, linked: LinkedCorrelation) -> None:
        self.linked = linked
        self.name = f"{linked.correlation.rule.title} ({linked.id})"
        self.key = "match.group"
        self.horizon: timedelta | None = timedelta(milliseconds=linked.correlation.timespan)
        self._correlation = linked.correlation
        self._span = linked.correlation.timespan
        self._grows = linked.correlation.grows
        self._rules = {feed.rule: place for place, feed in enumerate(linked.feeds)}
        branches = linked.correlation.branches
        self._openers = {one for branch in branches for one in branch.present} or set(self._rules.values())

    def select(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """Which matches are this correlation's."""
        return pc.equal(batch.column("match.correlation"), self.linked.id)

    def step(
        self, state: CorrelationState | None, events: pa.RecordBatch, ref: Reference
    ) -> tuple[CorrelationState | None, list[Finding]]:
        """Fold one group's matches, in event-time order."""
        del ref
        findings: list[Finding] = []
        group = _copy(state) if state is not None else None
        fold = self._grow if self._grows else self._gather
        for row in events.select(_COLUMNS).to_pylist():
            if self._counts(row):
                group = fold(group, row, findings)
        return group, findings

    def due(self, state: CorrelationState) -> datetime | None:
        """When the group is forgotten, or its window closes, if nothing more comes."""
        last = state.last if self._grows else state.opened
        return _EPOCH + timedelta(milliseconds=min(last + self._span, _LATEST))

    def expire(self, state: CorrelationState, now: datetime) -> tuple[CorrelationState | None, list[Finding]]:
        """Close what event time has passed."""
        if (now - _EPOCH) // _MILLISECOND <= min((state.last if self._grows else state.opened) + self._span, _LATEST):
            return state, []
        return None, self._close(_copy(state))

    def merge(self, a: CorrelationState, b: CorrelationState) -> CorrelationState:
        """One group of two that turned out to be one, from the matches that both keep; what either told stays told."""
        merged = CorrelationState(a.key, min(a.opened, b.opened), max(a.last, b.last), measure_of(self._correlation))
        for row in sorted((*a.window, *b.window), key=lambda row: (row["time"], row["metadata.uid"])):
            self._take(merged, row)
        merged.window = merged.window[-MAX_EVIDENCE:] if self._grows else merged.window[:MAX_EVIDENCE]
        merged.events = a.events + b.events
        merged.pending = min(a.pending + b.pending, len(merged.window))
        told = [one for one in (a.burst, b.burst) if one is not None]
        merged.burst = max(told, key=lambda one: one.revision).copied() if told else None
        return merged

    def dump(self, state: CorrelationState) -> bytes:
        """The state as MessagePack."""
        return msgspec.msgpack.encode(state)

    def load(self, blob: bytes) -> CorrelationState:
        """The state that ``dump`` wrote."""
        return msgspec.msgpack.decode(blob, type=CorrelationState)

    def _counts(self, row: Row) -> bool:
        """Whether a match has what is looked at: a value, or a number."""
        kind = self._correlation.kind
        if not kind.startswith("value_"):
            return True
        return bool(row["match.value"] if kind == "value_count" else numbers_in(row["match.value"]))

    def _opened(self, row: Row) -> CorrelationState:
        return CorrelationState(row["match.group"], row["time"], row["time"], measure_of(self._correlation))

    def _take(self, group: CorrelationState, row: Row) -> None:
        """Take a match in; an event that several rules match is one event."""
        time, uid = row["time"], row["metadata.uid"]
        again = uid == group.uid and time == group.last
        group.last, group.uid = time, uid
        rule = self._rules[row["match.rule"]]
        group.measure.add(Match(time, rule, row["match.unit"], tuple(row["match.value"]), again))
        if not again:
            group.window.append(row)
            group.events += 1
            group.pending += 1

    def _grow(self, group: CorrelationState | None, row: Row, findings: list[Finding]) -> CorrelationState:
        since = row["time"] - self._span
        if group is None:
            group = self._opened(row)
        elif group.burst is not None and since > group.burst.last:
            findings += self._close(group)
            group.burst = None
        self._take(group, row)
        outside = next((place for place, one in enumerate(group.window) if one["time"] >= since), 0)
        del group.window[: max(outside, len(group.window) - MAX_EVIDENCE)]
        group.pending = min(group.pending, len(group.window))
        value = self._value(group.measure, since)
        return group if value is None else self._hit(group, value, since, findings)

    def _hit(self, group: CorrelationState, value: float, since: int, findings: list[Finding]) -> CorrelationState:
        """The condition holds: a burst begins or goes on."""
        fresh = group.window[len(group.window) - group.pending :]
        if group.burst is None:
            fresh = list(group.window)
            group.burst = burst_from(fresh, start=fresh[0]["time"], last=group.last)
        group.pending = 0
        group.burst.last = group.last
        group.burst.add(fresh, value, _occurred(group.measure, since))
        # Those who refer to it see each of its hits.
        if group.burst.is_worth_telling() or (self.linked.referenced and group.burst.changed):
            findings.append(group.burst.say(self.linked, group.key, fresh))
        return group

    def _gather(self, group: CorrelationState | None, row: Row, findings: list[Finding]) -> CorrelationState | None:
        if group is not None and row["time"] - group.opened > self._span:
            findings += self._close(group)
            group = None
        if group is None:
            if self._rules[row["match.rule"]] not in self._openers:
                return None
            group = self._opened(row)
        self._take(group, row)
        del group.window[MAX_EVIDENCE:]
        return group

    def _close(self, group: CorrelationState) -> list[Finding]:
        """The burst has ended, or the window has closed: say what was not said."""
        if self._grows:
            unsaid = group.burst is not None and group.burst.changed
            return [group.burst.say(self.linked, group.key, ())] if group.burst is not None and unsaid else []
        value = self._value(group.measure, group.opened)
        if value is None:
            return []
        burst = burst_from(group.window, start=group.opened, last=group.opened + self._span)
        burst.add(group.window, value, _occurred(group.measure, group.opened))
        burst.events = group.events
        return [burst.say(self.linked, group.key, group.window)]

    def _value(self, measure: Measure, since: int) -> float | None:
        """The value since then, if the condition holds of it."""
        value = measure.value(since)
        if isinstance(measure, Occurrence) and self._correlation.branches:
            holds = any(measure.fulfils(one, place, since) for place, one in enumerate(self._correlation.branches))
            return len(measure.occurred(since)) if holds else None
        if value is None or not all(one.holds(value) for one in self._correlation.criteria):
            return None
        return value


def _occurred(measure: Measure, since: int) -> set[int]:
    return measure.occurred(since) if isinstance(measure, Occurrence) else set()


def _copy(state: CorrelationState) -> CorrelationState:
    return msgspec.structs.replace(
        state,
        measure=msgspec.msgpack.decode(msgspec.msgpack.encode(state.measure), type=type(state.measure)),
        window=list(state.window),
        burst=state.burst.copied() if state.burst is not None else None,
    )
