"""Session windows: a keyed operator made of a selection and a pure judge.

A key's events form a session as long as no two neighbours are further apart than the gap. The judge sees the session's
rows and says what they show; it is asked after each event while the session is small, at each doubling of its size
afterwards, and when the session closes. What it says a second time with other evidence is the next revision of the same
finding; what it no longer says of rows that are all still there is retracted.

Memory per key is bounded: of a longer session the first rows are kept, which show what the key is used to, and the
newest, and the judge is asked before any row has gone unseen. However much comes before or after it, it sees a burst of
up to a quarter of the rows that are kept as a whole. A stretch that began before the newest rows goes on as the finding
that it was, and is told again only when more of it is at hand than was told.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa

from watchfloor.event import ENTITY_ROLES, Entity, Origin, entity_of
from watchfloor.finding import LEVELS, Finding, Rule, Term, finding_uid
from watchfloor.operator import Reference

Row = dict[str, Any]
"""The columns of one event that the operator keeps."""

ALWAYS = (
    *("time", "metadata.uid", "tenant", "source", "origin.path", "origin.line", "origin.index"),
    *(f"entity.{role}" for role in ENTITY_ROLES),
)
ASK_EACH_UNTIL = 64
MAX_ENTITIES = 24
MAX_SAID = 256
"""How many findings of a session are remembered; those that ended first are forgotten first."""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge says of a session.

    ``rows`` are those that prove it. ``bucket`` tells several findings of one session apart, and so does ``since``, for
    findings about stretches of events: when the stretch began (ms). Neither may depend on rows that a later event could
    change, nor on what could make the rule another: a stronger rule is the same finding's next revision.
    """

    rule: Rule
    summary: str
    rows: Sequence[Row]
    terms: tuple[Term, ...] = ()
    p_value: float | None = None
    bucket: str = ""
    since: int | None = None


class Said(msgspec.Struct, frozen=True):
    """The last revision of a finding, its bucket, and time and uid of the last row that the judge has named for it."""

    finding: Finding
    bucket: str
    until: tuple[int, str]


class SessionState(msgspec.Struct):
    """One key's open session; times in ms.

    ``said`` is by bucket and beginning; ``surplus`` are findings that have become part of others.
    """

    key: str
    start: int
    end: int
    count: int = 0
    rows: list[Row] = msgspec.field(default_factory=list)
    said: dict[str, Said] = msgspec.field(default_factory=dict)
    surplus: list[Finding] = msgspec.field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether all rows are still there."""
        return len(self.rows) == self.count


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
        self._first_rows = max_rows // 4

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
            if self._asks(session.count):
                findings += self._say(session)
        return session, findings

    def _asks(self, count: int) -> bool:
        if count <= ASK_EACH_UNTIL or count & (count - 1) == 0:
            return True
        return count > self._max_rows and count % max(self._max_rows // 2, 1) == 0

    def _add(self, session: SessionState, row: Row) -> None:
        session.end = max(session.end, row["time"])
        session.count += 1
        session.rows.append(row)
        if len(session.rows) > self._max_rows:
            del session.rows[self._first_rows]

    def _say(self, state: SessionState) -> Iterator[Finding]:
        """What the judge says of the session and has not said before; ``state`` remembers it."""
        yield from (_retracted(finding) for finding in state.surplus)
        state.surplus = []
        still: set[str] = set()
        for judgement in self._judge(state.rows, state.count):
            if judgement.rows:
                name = _name(state, judgement)
                still.add(name)
                yield from self._told(state, judgement, name)
        if state.whole:
            for name, one in state.said.items():
                if name not in still and one.finding.status != "retracted":
                    gone = _retracted(one.finding)
                    state.said[name] = Said(gone, one.bucket, one.until)
                    yield gone
        for name in sorted(state.said, key=lambda one: state.said[one].until)[:-MAX_SAID]:
            del state.said[name]

    def _told(self, state: SessionState, judgement: Judgement, name: str) -> Iterator[Finding]:
        known = state.said.get(name)
        rows = {row["metadata.uid"]: row for row in judgement.rows}
        until = max((row["time"], uid) for uid, row in rows.items())
        finding = known.finding if known else None
        if finding is None or _is_news(judgement.rule, tuple(rows), finding, whole=state.whole):
            finding = self._finding(state, judgement, list(rows.values()), name, finding)
            yield finding
        state.said[name] = Said(finding, judgement.bucket, max(known.until, until) if known else until)

    def _finding(
        self, state: SessionState, judgement: Judgement, rows: Sequence[Row], name: str, before: Finding | None
    ) -> Finding:
        tenant = rows[0]["tenant"]
        key = before.key if before else state.key
        # The operator, not the rule: a finding stays the same one when it grows into a stronger rule's.
        uid = finding_uid(rule_id=self.name, tenant=tenant, key=key, bucket=f"{state.start}:{name}")
        return Finding(
            uid=before.uid if before else uid,
            tenant=tenant,
            rule=judgement.rule,
            start=min(row["time"] for row in rows),
            end=max(row["time"] for row in rows),
            event_uids=tuple(row["metadata.uid"] for row in rows),
            origins=tuple(Origin(row["origin.path"], row["origin.line"], row["origin.index"]) for row in rows),
            entities=_entities(rows),
            source=rows[0]["source"],
            key=key,
            p_value=judgement.p_value,
            terms=judgement.terms,
            revision=before.revision + 1 if before else 1,
            status="corrected" if before else "new",
            summary=judgement.summary,
        )

    def due(self, state: SessionState) -> datetime | None:
        """When the session closes if nothing more comes."""
        return _EPOCH + timedelta(milliseconds=state.end + self._gap)

    def expire(self, state: SessionState, now: datetime) -> tuple[SessionState | None, list[Finding]]:
        """Close the session once event time has passed its gap."""
        if (now - _EPOCH) // _MILLISECOND - state.end <= self._gap:
            return state, []
        return None, list(self._say(_copy(state)))

    def merge(self, a: SessionState, b: SessionState) -> SessionState:
        """One session of two keys that turned out to be one; what either said stays said.

        Of two findings that are one now, the one that began first goes on under its uid; the other is retracted the
        next time that the judge is asked.
        """
        rows = sorted((*a.rows, *b.rows), key=lambda row: (row["time"], row["metadata.uid"]))
        if len(rows) > self._max_rows:
            rows = rows[: self._first_rows] + rows[len(rows) - (self._max_rows - self._first_rows) :]
        said = {**a.said, **b.said}
        surplus = [*a.surplus, *b.surplus]
        for name in sorted(a.said.keys() & b.said.keys()):
            first, second = sorted((a.said[name], b.said[name]), key=lambda one: (one.finding.start, one.finding.uid))
            said[name] = Said(first.finding, first.bucket, max(first.until, second.until))
            if second.finding.status != "retracted" and second.finding.uid != first.finding.uid:
                surplus.append(second.finding)
        return SessionState(a.key, min(a.start, b.start), max(a.end, b.end), a.count + b.count, rows, said, surplus)

    def dump(self, state: SessionState) -> bytes:
        """The state as MessagePack: its rows may hold bytes."""
        return msgspec.msgpack.encode(state)

    def load(self, blob: bytes) -> SessionState:
        """The state that ``dump`` wrote."""
        return msgspec.msgpack.decode(blob, type=SessionState)


_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


def _copy(state: SessionState) -> SessionState:
    return msgspec.structs.replace(state, rows=list(state.rows), said=dict(state.said), surplus=list(state.surplus))


def _name(state: SessionState, judgement: Judgement) -> str:
    """What a finding is remembered by; a stretch that lost its beginning goes on as the one whose last row it holds."""
    if judgement.since is None:
        return judgement.bucket
    name = f"{judgement.bucket}:{judgement.since}"
    if state.whole or name in state.said:
        return name
    uids = {row["metadata.uid"] for row in judgement.rows}
    goes_on = (old for old, one in state.said.items() if one.bucket == judgement.bucket and one.until[1] in uids)
    return next(goes_on, name)


def _is_news(rule: Rule, uids: tuple[str, ...], before: Finding, *, whole: bool) -> bool:
    """Whether a judgement says something else than the finding before; when rows are gone, whether it says more."""
    if before.status == "retracted":
        return True
    if not whole:
        graver = LEVELS.index(rule.level) > LEVELS.index(before.rule.level)
        return graver or len(uids) > len(before.event_uids)
    return uids != before.event_uids or rule.id != before.rule.id


def _retracted(finding: Finding) -> Finding:
    return msgspec.structs.replace(finding, revision=finding.revision + 1, status="retracted")


def _entities(rows: Sequence[Row]) -> tuple[Entity, ...]:
    found: dict[str, None] = {}
    for role in ENTITY_ROLES:
        found.update((row[f"entity.{role}"], None) for row in rows if row.get(f"entity.{role}"))
    return tuple(entity_of(entity_id) for entity_id in list(found)[:MAX_ENTITIES])
