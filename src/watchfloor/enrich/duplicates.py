"""Drops events that were delivered before, by uid, and gives what only claims to be one a uid of its own.

An event is a duplicate if an event of its tenant and source had the same uid and the same bytes. With the same uid and
other bytes it is another event: a vendor that repeats its ids, or somebody who hides an event behind the id of a
harmless one. It stays, under its uid and a hash of its bytes.

Memory is bounded: of each source of each tenant, the last uids are remembered, as hashes. What is forgotten is not told
apart here, but in the lake, whose searches give each uid once.

>>> from watchfloor.testing.events import batch_of
>>> batch = batch_of({"metadata.uid": "a"}, {"metadata.uid": "a"}, {"metadata.uid": "a", "raw": b"{ }"})
>>> duplicates = Duplicates()
>>> [uid[:2] for uid in duplicates.process(batch).events.column("metadata.uid").to_pylist()]
['a', 'a#']
>>> duplicates.counts
Counter({('default', 'test', 'duplicate'): 1, ('default', 'test', 'conflict'): 1})
"""

import hashlib
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.finding import Finding, finding_uid

WINDOW = 131_072
"""How many uids of a source are remembered at least."""

_PARTS = 8

Outcome = Literal["duplicate", "conflict"]
Place = tuple[str, int, int | None, str]
"""Path, line, index and uid."""

_UID = "metadata.uid"


class Deduplicated(msgspec.Struct, frozen=True):
    """The events that are new, and the findings of a rule in one event that are about them."""

    events: pa.RecordBatch
    findings: list[Finding]


class Duplicates:
    """State of a stream; one for all that arrives. ``counts`` are by tenant, source and what was found."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._known: dict[tuple[str, str], _Known] = {}
        self.counts: Counter[tuple[str, str, Outcome]] = Counter()

    def process(self, events: pa.RecordBatch, findings: Sequence[Finding] = ()) -> Deduplicated:
        """The events of a batch that are new, and what rules found in them.

        A finding goes with its event, by where that was read; its uid follows from that of the event.
        """
        uids = events.column(_UID).to_pylist()
        marks = [hash(raw) for raw in events.column("raw").to_pylist()]
        kept: list[int] = []
        renamed = False
        for owner, rows in _by_owner(events).items():
            known = self._known.get(owner)
            if known is None:
                known = self._known[owner] = _Known(self._window)
            theirs = {hash(uids[row]): marks[row] for row in rows}
            before = known.among(theirs)
            if len(theirs) == len(rows) and not before:
                known.add(theirs)
                kept += rows
                continue
            for row in rows:
                key = hash(uids[row])
                was = before.get(key)
                if was is not None:
                    found: Outcome = "duplicate" if was == marks[row] else "conflict"
                    if found == "conflict":
                        uid = f"{uids[row]}#{_digest(events, row)}"
                        key = hash(uid)
                        if key in before or known.among({key: 0}):
                            found = "duplicate"
                        else:
                            uids[row], renamed = uid, True
                    self.counts[(*owner, found)] += 1
                    if found == "duplicate":
                        continue
                before[key] = marks[row]
                known.add({key: marks[row]})
                kept.append(row)
        if len(kept) == len(uids) and not renamed:
            return Deduplicated(events, list(findings))
        kept.sort()
        return Deduplicated(_renamed(events, uids, kept), list(_about(findings, events, uids, kept)))


class _Known:
    """The uids of a source, and marks of their events' bytes: the last ones, and before them :data:`_PARTS` parts.

    Both are hashes of this process, made with a secret of it: whoever writes events can make no two alike. A part is
    two arrays, of the uids in ascending order and of the marks: a fifth of what objects would take.
    """

    def __init__(self, window: int) -> None:
        self._size = -(-window // _PARTS)
        self._last: dict[int, int] = {}
        self._parts: deque[tuple[pa.Int64Array, pa.Int64Array]] = deque(maxlen=_PARTS)

    def among(self, theirs: Mapping[int, int]) -> dict[int, int]:
        """Of some uids those that are known, with the marks that they have here."""
        found = {key: self._last[key] for key in self._last.keys() & theirs.keys()}
        wanted = pa.array(theirs, pa.int64())
        for keys, marks in self._parts:
            places = pc.min_element_wise(pc.search_sorted(keys, wanted), len(keys) - 1)
            there = pc.indices_nonzero(pc.equal(keys.take(places), wanted))
            if len(there):
                found.update(
                    zip(wanted.take(there).to_pylist(), marks.take(places.take(there)).to_pylist(), strict=True)
                )
        return found

    def add(self, theirs: Mapping[int, int]) -> None:
        """Remember more of them."""
        self._last.update(theirs)
        if len(self._last) >= self._size:
            keys, marks = pa.array(self._last, pa.int64()), pa.array(self._last.values(), pa.int64())
            order = pc.sort_indices(keys)
            self._parts.append((keys.take(order), marks.take(order)))
            self._last = {}


def _by_owner(events: pa.RecordBatch) -> dict[tuple[str, str], list[int]]:
    """The rows of each tenant and source."""
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    owners = zip(events.column("tenant").to_pylist(), events.column("source").to_pylist(), strict=True)
    for row, owner in enumerate(owners):
        found[owner].append(row)
    return found


def _digest(events: pa.RecordBatch, row: int) -> str:
    return hashlib.blake2b(events.column("raw")[row].as_py(), digest_size=16).hexdigest()


def _renamed(events: pa.RecordBatch, uids: Sequence[str], kept: Sequence[int]) -> pa.RecordBatch:
    at = events.schema.get_field_index("metadata.uid")
    named = events.set_column(at, events.schema.field(at), pa.array(uids, pa.string()))
    return named.take(pa.array(kept, pa.int64()))


def _about(
    findings: Sequence[Finding], events: pa.RecordBatch, uids: Sequence[str], kept: Sequence[int]
) -> Iterable[Finding]:
    """The findings of events that were kept, with the uids that these have now."""
    columns = (events.column(name).to_pylist() for name in ("origin.path", "origin.line", "origin.index", _UID))
    # Two requests of one sender may give the same place and, if somebody forges it, the same uid: then one finding is
    # enough, and it is that of an event that was kept.
    places = list(zip(*columns, strict=True))
    rows = {places[row]: row for row in reversed(kept)}
    known = set(places)
    for finding in findings:
        place = _place(finding)
        if place is None or place not in known:
            yield finding
        elif (row := rows.get(place)) is not None:
            yield finding if uids[row] == place[3] else _of(finding, uids[row])


def _place(finding: Finding) -> Place | None:
    if len(finding.origins) != 1 or len(finding.event_uids) != 1:
        return None
    (origin,), (uid,) = finding.origins, finding.event_uids
    return origin.path, origin.line, origin.index, uid


def _of(finding: Finding, event_uid: str) -> Finding:
    """The same finding of an event that got another uid."""
    uid = finding_uid(rule_id=finding.rule.id, tenant=finding.tenant, key=event_uid, bucket="")
    return msgspec.structs.replace(finding, uid=uid, key=event_uid, event_uids=(event_uid,))
