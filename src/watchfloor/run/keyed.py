"""Keyed operators over finite input: each key's events in event-time order, sessions closed at the end."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Any

import pyarrow as pa

from watchfloor.finding import Finding
from watchfloor.operator import KeyedOperator, Reference

Scan = Callable[[], Iterable[pa.RecordBatch]]
"""Gives all events in event-time order, each uid once."""

OnFailure = Callable[[str, Exception], None]
"""(the operator's name, what it raised)."""

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


def run_keyed(
    operators: Sequence[KeyedOperator[Any]], scan: Scan, reference: Reference, *, on_failure: OnFailure | None = None
) -> Iterator[Finding]:
    """The findings of operators over finite input.

    Memory is bounded by the operators' states: events pass in batches, and a key is expired when event time has gone
    past what its operator asked for. Operators are content: one that raises is handed to ``on_failure`` and left out
    from then on, while the others go on; without ``on_failure`` it ends the run.
    """
    hosts = [_Host(operator, reference) for operator in operators]
    for batch in scan():
        for host in hosts:
            yield from _guarded(host, host.feed(batch), on_failure)
        hosts = [host for host in hosts if not host.failed]
    for host in hosts:
        yield from _guarded(host, host.close(), on_failure)


def _guarded(host: "_Host", found: Iterator[Finding], on_failure: OnFailure | None) -> list[Finding]:
    findings: list[Finding] = []
    try:
        findings.extend(found)
    except Exception as error:
        if on_failure is None:
            raise
        host.failed = True
        on_failure(host.name, error)
    return findings


Key = tuple[str, str]
"""Tenant and key."""


class _Host:
    """One operator with the states of its keys."""

    def __init__(self, operator: KeyedOperator[Any], reference: Reference) -> None:
        self.name = operator.name
        self.failed = False
        self._operator = operator
        self._reference = reference
        self._states: dict[Key, Any] = {}
        self._waiting: list[tuple[datetime, Key]] = []
        self._awaited: set[Key] = set()

    def feed(self, batch: pa.RecordBatch) -> Iterator[Finding]:
        selected = batch.filter(self._operator.select(batch))
        if selected.num_rows:
            for key, events in _by_key(selected, self._operator.key):
                state, findings = self._operator.step(self._states.get(key), events, self._reference)
                self._keep(key, state)
                yield from findings
        if batch.num_rows:
            yield from self._expire(datetime.fromtimestamp(batch.column("time")[-1].as_py() / 1000, UTC))

    def _expire(self, now: datetime) -> Iterator[Finding]:
        # Each key at most once, also if its operator does not let go of what is due.
        for key in self._past(now):
            state = self._states.get(key)
            if state is None:
                continue
            due = self._operator.due(state)
            if due is not None and due < now:
                state, findings = self._operator.expire(state, now)
                yield from findings
            self._keep(key, state)

    def _past(self, now: datetime) -> list[Key]:
        """The keys whose wait is over."""
        past: list[Key] = []
        while self._waiting and self._waiting[0][0] < now:
            past.append(heappop(self._waiting)[1])
        self._awaited.difference_update(past)
        return past

    def _keep(self, key: Key, state: Any) -> None:
        if state is None:
            self._states.pop(key, None)
            return
        self._states[key] = state
        # A key waits for the first due time it named; when that comes, its state says whether it is still right.
        if key not in self._awaited and (due := self._operator.due(state)) is not None:
            self._awaited.add(key)
            heappush(self._waiting, (due, key))

    def close(self) -> Iterator[Finding]:
        yield from self._expire(END_OF_TIME)


def _by_key(batch: pa.RecordBatch, column: str) -> Iterator[tuple[Key, pa.RecordBatch]]:
    """The rows of each (tenant, key), in their order; rows without a key are left out."""
    rows: dict[Key, list[int]] = {}
    pairs = zip(batch.column("tenant").to_pylist(), batch.column(column).to_pylist(), strict=True)
    for position, (tenant, key) in enumerate(pairs):
        if key is not None:
            rows.setdefault((tenant, key), []).append(position)
    grouped = batch.take(pa.array([place for places in rows.values() for place in places], pa.int64()))
    start = 0
    for group, places in rows.items():
        yield group, grouped.slice(start, len(places))
        start += len(places)
