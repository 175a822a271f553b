"""The chain: what was assessed, decided and done, each record hashed over its content and its predecessor.

A record's ``hash`` is SHA-256 over the canonical JSON (RFC 8785) of the record without it. Changing, removing or
reordering a record breaks every hash after it; a Merkle tree over the hashes proves single records (see
:mod:`watchfloor.evidence.merkle`).
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import orjson
import rfc8785

from watchfloor.errors import GateError
from watchfloor.evidence.merkle import MerkleTree

GENESIS = "0" * 64
"""The ``prev`` of the first record."""


class Entry(msgspec.Struct, frozen=True):
    """What is to be recorded: its kind (``assessment``, ``decision``, ``effect``), what it is about, and its content.

    ``subject`` is the uid of the case; ``body`` is a JSON object.
    """

    tenant: str
    kind: str
    subject: str
    body: dict[str, Any]


class Record(msgspec.Struct, frozen=True):
    """An entry with its place in the chain. ``at`` in ms, UTC; ``prev`` and ``hash`` in hex."""

    seq: int
    at: int
    tenant: str
    kind: str
    subject: str
    body: dict[str, Any]
    prev: str
    hash: str

    def line(self) -> bytes:
        """The record as one line of canonical JSON, with its newline."""
        return _canonical(msgspec.structs.asdict(self), self.kind, self.subject) + b"\n"


Keep = Callable[[Sequence[Record]], None]
"""Makes records durable, all or none, before the chain has them."""


class Chain:
    """An append-only sequence of records, in memory.

    Args:
        records: What it starts with.
        keep: Called with new records before they count; if it raises, they don't.

    Raises:
        GateError: ``records`` are no unbroken chain; the message names the first broken record.

    >>> chain = Chain()
    >>> record = chain.append(Entry("default", "decision", "case-1", {"verdict": "deny"}), at=0)
    >>> (len(chain), chain.head == record.hash, first_break([record]))
    (1, True, None)
    """

    def __init__(self, records: Iterable[Record] = (), *, keep: Keep | None = None) -> None:
        self.head = GENESIS
        self._keep = keep
        self._tree = MerkleTree()
        self._about: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
        for record in records:
            if reason := break_of(record, seq=len(self), prev=self.head):
                raise GateError(f"chain: record {len(self)} is broken: {reason}")
            self._add(record)

    def __len__(self) -> int:
        return len(self._tree)

    def append(self, entry: Entry, *, at: int) -> Record:
        """Record one entry; ``at`` in ms, UTC."""
        return self.extend([entry], at=at)[0]

    def extend(self, entries: Iterable[Entry], *, at: int) -> tuple[Record, ...]:
        """Record entries together: all of them or, if they cannot be kept, none.

        Raises:
            GateError: A body that canonical JSON cannot hold exactly (NaN, whole numbers beyond 2^53, lone surrogates).
        """
        records: list[Record] = []
        for entry in entries:
            prev = records[-1].hash if records else self.head
            records.append(_record(entry, seq=len(self) + len(records), at=at, prev=prev))
        if records and self._keep:
            self._keep(records)
        for record in records:
            self._add(record)
        return tuple(records)

    def about(self, tenant: str, subject: str) -> tuple[Record, ...]:
        """The records about one subject, oldest first."""
        return tuple(self._about.get((tenant, subject), ()))

    def root(self) -> str:
        """The Merkle root over all record hashes, in hex."""
        return self._tree.root().hex()

    def proof(self, seq: int) -> list[str]:
        """The inclusion proof of record ``seq`` in :meth:`root`, in hex."""
        return [node.hex() for node in self._tree.proof(seq)]

    def _add(self, record: Record) -> None:
        self.head = record.hash
        self._tree.append(bytes.fromhex(record.hash))
        self._about[record.tenant, record.subject].append(record)


class Break(msgspec.Struct, frozen=True):
    """The first record at which a chain is broken: its position, from 0, and why."""

    seq: int
    reason: str


def first_break(records: Iterable[Record]) -> Break | None:
    """Where a chain is broken first; ``None`` if it is whole.

    A chain cut off at its end is whole: only a signed head, as in every evidence pack, tells how long it was.
    """
    prev = GENESIS
    for seq, record in enumerate(records):
        if reason := break_of(record, seq=seq, prev=prev):
            return Break(seq, reason)
        prev = record.hash
    return None


def break_of(record: Record, *, seq: int, prev: str) -> str | None:
    """Why ``record`` cannot be number ``seq`` after the record with the hash ``prev``; ``None`` if it can."""
    if record.seq != seq:
        return f"it says that it is record {record.seq}"
    if record.prev != prev:
        return "it does not continue its predecessor"
    try:
        expected = _hash(record)
    except GateError as error:
        return str(error)
    return None if record.hash == expected else "its hash is not the hash of its content"


def _record(entry: Entry, *, seq: int, at: int, prev: str) -> Record:
    # The body is kept as it reads back from JSON, so that a chain in memory and its file compare equal.
    body = orjson.loads(_canonical(entry.body, entry.kind, entry.subject))
    record = Record(seq, at, entry.tenant, entry.kind, entry.subject, body, prev, "")
    return msgspec.structs.replace(record, hash=_hash(record))


def _hash(record: Record) -> str:
    content = msgspec.structs.asdict(record)
    del content["hash"]
    return hashlib.sha256(_canonical(content, record.kind, record.subject)).hexdigest()


def _canonical(value: dict[str, Any], kind: str, subject: str) -> bytes:
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise GateError(f"chain: {kind} of {subject!a} is not canonical JSON: {error}") from error
