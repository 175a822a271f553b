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
Place = tuple[str, int, int | None]


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
        return Deduplicated(_renamed(events, uids, kept), list(_about(findings, events, uids, frozenset(kept))))

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
    findings: Sequence[Finding], events: pa.RecordBatch, uids: Sequence[str], kept: frozenset[int]
) -> Iterable[Finding]:
    rows = {place: row for row, place in enumerate(_places(events))}
    for finding in findings:
        (origin,) = finding.origins or (None,)
        row = rows.get((origin.path, origin.line, origin.index)) if origin else None
        if row is None or finding.event_uids == (uids[row],):
            if row is None or row in kept:
                yield finding
        elif row in kept:
            uid = finding_uid(rule_id=finding.rule.id, tenant=finding.tenant, key=uids[row], bucket="")
            yield msgspec.structs.replace(finding, uid=uid, key=uids[row], event_uids=(uids[row],))


def _places(events: pa.RecordBatch) -> Iterable[Place]:
    columns = (events.column(f"origin.{name}").to_pylist() for name in ("path", "line", "index"))
    return zip(*columns, strict=True)
