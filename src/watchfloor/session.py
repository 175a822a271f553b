"""Session windows: a keyed operator made of a selection and a pure judge.

A key's events form a session as long as no two neighbours are further apart than the gap. The judge sees the session's
rows and says what they show; it is asked after each event while the session is small, at each doubling of its size
afterwards, and when the session closes. What it says a second time with other evidence is the next revision of the same
finding. Memory per key is bounded: at most ``max_rows`` rows are kept, the count goes on.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa

from watchfloor.event import ENTITY_ROLES, Entity, Origin, entity_of
from watchfloor.finding import Finding, Rule, Term, finding_uid
from watchfloor.operator import Reference

Row = dict[str, Any]
"""The columns of one event that the operator keeps."""

ALWAYS = (
    *("time", "metadata.uid", "tenant", "source", "origin.path", "origin.line", "origin.index"),
    *(f"entity.{role}" for role in ENTITY_ROLES),
)
ASK_EACH_UNTIL = 64
MAX_ENTITIES = 24


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge says of a session.

    ``rows`` are those that prove it. ``bucket`` tells several findings of one session apart; it must not depend on rows
    that a later event could change.
    """

    rule: Rule
    summary: str
    rows: Sequence[Row]
    terms: tuple[Term, ...] = ()
    p_value: float | None = None
    bucket: str = ""


class SessionState(msgspec.Struct):
    """One key's open session; times in ms."""

    key: str
    start: int
    end: int
    count: int = 0
    rows: list[Row] = msgspec.field(default_factory=list)
    said: dict[str, tuple[int, tuple[str, ...]]] = msgspec.field(default_factory=dict)


Judge = Callable[[Sequence[Row], int], Iterable[Judgement]]
"""(rows kept, number of events) -> what they show."""

Select = Callable[[pa.RecordBatch], pa.BooleanArray]


class Sessions:
    """A :class:`watchfloor.operator.KeyedOperator` over session windows.

    Args:
        name: Unique among detections.
        key: The event column that holds the key.
        gap: Events further apart than this are of different sessions.
        columns: The event columns that the judge reads, beside :data:`ALWAYS`.
        select: Which rows of a batch concern the operator.
        judge: Pure; sees rows in event-time order.
        max_rows: Rows kept for each key.
    """

    def __init__(
        self,
        *,
        name: str,
        key: str,
        gap: timedelta,
        columns: Sequence[str],
        select: Select,
        judge: Judge,
        max_rows: int = 4096,
    ) -> None:
        self.name = name
        self.key = key
        self.horizon: timedelta | None = gap
        self._gap = gap // _MILLISECOND
        self._columns = tuple(dict.fromkeys((*ALWAYS, *columns)))
        self._select = select
        self._judge = judge
        self._max_rows = max_rows

    def select(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """Which rows concern the operator."""
        return self._select(batch)

    def step(
        self, state: SessionState | None, events: pa.RecordBatch, ref: Reference
    ) -> tuple[SessionState | None, list[Finding]]:
        """Fold one key's events, in event-time order."""
        del ref
        findings: list[Finding] = []
        session = _copy(state) if state is not None else None
        keys = events.column(self.key).to_pylist()
        for key, row in zip(keys, events.select(self._columns).to_pylist(), strict=True):
            if session is not None and row["time"] - session.end > self._gap:
                findings += self._say(session)
                session = None
            if session is None:
                session = SessionState(key, row["time"], row["time"])
            self._add(session, row)
            if session.count <= ASK_EACH_UNTIL or session.count & (session.count - 1) == 0:
                findings += self._say(session)
        return session, findings

    def _add(self, session: SessionState, row: Row) -> None:
        session.end = max(session.end, row["time"])
        session.count += 1
        if len(session.rows) < self._max_rows:
            session.rows.append(row)

    def _say(self, state: SessionState) -> Iterator[Finding]:
        """What the judge says of the session and has not said before; ``state`` remembers it."""
        for judgement in self._judge(state.rows, state.count):
            uids = tuple(dict.fromkeys(row["metadata.uid"] for row in judgement.rows))
            revision, before = state.said.get(judgement.bucket, (0, ()))
            if not uids or uids == before:
                continue
            state.said[judgement.bucket] = revision + 1, uids
            yield _finding(state, judgement, uids, revision + 1)

    def due(self, state: SessionState) -> datetime | None:
        """When the session closes if nothing more comes."""
        return _EPOCH + timedelta(milliseconds=state.end + self._gap)

    def expire(self, state: SessionState, now: datetime) -> tuple[SessionState | None, list[Finding]]:
        """Close the session once event time has passed its gap."""
        if (now - _EPOCH) // _MILLISECOND - state.end <= self._gap:
            return state, []
        return None, list(self._say(_copy(state)))

    def merge(self, a: SessionState, b: SessionState) -> SessionState:
        """One session of two keys that turned out to be one; what either said stays said."""
        rows = sorted((*a.rows, *b.rows), key=lambda row: (row["time"], row["metadata.uid"]))[: self._max_rows]
        said = {bucket: max(a.said.get(bucket, (0, ())), b.said.get(bucket, (0, ()))) for bucket in {*a.said, *b.said}}
        return SessionState(a.key, min(a.start, b.start), max(a.end, b.end), a.count + b.count, rows, said)

    def dump(self, state: SessionState) -> bytes:
        """The state as MessagePack: its rows may hold bytes."""
        return msgspec.msgpack.encode(state)

    def load(self, blob: bytes) -> SessionState:
        """The state that ``dump`` wrote."""
        return msgspec.msgpack.decode(blob, type=SessionState)


_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


def _copy(state: SessionState) -> SessionState:
    return SessionState(state.key, state.start, state.end, state.count, list(state.rows), dict(state.said))


def _finding(state: SessionState, judgement: Judgement, uids: tuple[str, ...], revision: int) -> Finding:
    rows = judgement.rows
    places = {row["metadata.uid"]: Origin(row["origin.path"], row["origin.line"], row["origin.index"]) for row in rows}
    bucket = f"{state.start}:{judgement.bucket}"
    tenant = rows[0]["tenant"]
    sources = list(dict.fromkeys(row["source"] for row in rows))
    return Finding(
        uid=finding_uid(rule_id=judgement.rule.id, tenant=tenant, key=state.key, bucket=bucket),
        tenant=tenant,
        rule=judgement.rule,
        start=min(row["time"] for row in rows),
        end=max(row["time"] for row in rows),
        event_uids=uids,
        origins=tuple(places[uid] for uid in uids),
        entities=_entities(rows),
        source=sources[0],
        key=state.key,
        p_value=judgement.p_value,
        terms=judgement.terms,
        revision=revision,
        status="new" if revision == 1 else "corrected",
        summary=judgement.summary,
    )


def _entities(rows: Sequence[Row]) -> tuple[Entity, ...]:
    found: dict[str, None] = {}
    for role in ENTITY_ROLES:
        found.update((row[f"entity.{role}"], None) for row in rows if row.get(f"entity.{role}"))
    return tuple(entity_of(entity_id) for entity_id in list(found)[:MAX_ENTITIES])
