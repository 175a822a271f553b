"""Drops events that were delivered before, by uid, and gives what only claims to be one a uid of its own.

An event is a duplicate if an event of its tenant and source had the same uid and the same bytes. With the same uid and
other bytes it is another event: a vendor that repeats its ids, or somebody who hides an event behind the id of a
harmless one. It stays, under its uid and a hash of its bytes.

Memory is bounded: each source of each tenant has two generations of uids; when one is full, the older one is forgotten.
What is forgotten is not told apart here, but in the lake, whose searches give each uid once.

>>> from watchfloor.testing.events import batch_of
>>> batch = batch_of({"metadata.uid": "a"}, {"metadata.uid": "a"}, {"metadata.uid": "a", "raw": b"{ }"})
>>> duplicates = Duplicates()
>>> [uid[:2] for uid in duplicates.process(batch).events.column("metadata.uid").to_pylist()]
['a', 'a#']
>>> duplicates.counts
Counter({('default', 'test', 'duplicate'): 1, ('default', 'test', 'conflict'): 1})
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
import pyarrow as pa

from watchfloor.finding import Finding, finding_uid

WINDOW = 131_072
"""How many uids of a source are remembered at least: a generation holds that many, and the one before is kept."""

MAX_UID = 256
"""A longer uid is remembered by its hash."""

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
        self._known: dict[tuple[str, str], list[dict[str, bytes]]] = {}
        self.counts: Counter[tuple[str, str, Outcome]] = Counter()

    def process(self, events: pa.RecordBatch, findings: Sequence[Finding] = ()) -> Deduplicated:
        """The events of a batch that are new, and what rules found in them.

        A finding goes with its event, by where that was read; its uid follows from that of the event.
        """
        uids = events.column("metadata.uid").to_pylist()
        given = list(uids)
        raws = events.column("raw").to_pylist()
        owners = zip(events.column("tenant").to_pylist(), events.column("source").to_pylist(), strict=True)
        kept = []
        for row, ((tenant, source), uid, raw) in enumerate(zip(owners, given, raws, strict=True)):
            digest = hashlib.blake2b(raw, digest_size=16).digest()
            found = self._seen(tenant, source, uid, digest)
            if found is None:
                kept.append(row)
                continue
            if found == "conflict":
                uids[row] = f"{uid}#{digest.hex()}"
                if self._seen(tenant, source, uids[row], digest) is None:
                    kept.append(row)
                else:
                    found = "duplicate"
            self.counts[tenant, source, found] += 1
        if len(kept) == len(given) and uids == given:
            return Deduplicated(events, list(findings))
        return Deduplicated(_renamed(events, uids, kept), list(_about(findings, events, uids, kept)))

    def _seen(self, tenant: str, source: str, uid: str, digest: bytes) -> Outcome | None:
        if len(uid) > MAX_UID:
            uid = hashlib.blake2b(uid.encode(), digest_size=32).hexdigest()
        generations = self._known.get((tenant, source))
        if generations is None:
            generations = self._known[tenant, source] = [{}, {}]
        new, old = generations
        known = new.get(uid) or old.get(uid)
        if known is None:
            if len(new) >= self._window:
                generations[:] = [{}, new]
                new = generations[0]
            new[uid] = digest
            return None
        return "duplicate" if known == digest else "conflict"

    def dump(self) -> bytes:
        """The state as MessagePack, for a checkpoint."""
        return msgspec.msgpack.encode([[*owner, *generations] for owner, generations in self._known.items()])

    def load(self, blob: bytes) -> None:
        """Go on from the state that ``dump`` wrote."""
        states = msgspec.msgpack.decode(blob, type=list[tuple[str, str, dict[str, bytes], dict[str, bytes]]])
        self._known = {(tenant, source): [new, old] for tenant, source, new, old in states}


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
