"""Deletes what retention lets go and no hold holds, and proves it.

Files are written anew without the rows, and take the place of the old ones in one transaction that also keeps the
record of what went, why, and the SHA-256 of each file before and after. Then the lake is read again: nothing that
should have gone may be left. The bytes of the old files are removed as soon as nobody reads them.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.errors import GateError, StoreError, storing
from watchfloor.store.lake import Lake, Snapshot
from watchfloor.store.lake_writer import Writing
from watchfloor.store.lakefile import LakeFile, grouped, remove_file, write_groups
from watchfloor.store.manifest import Manifest
from watchfloor.store.needlefile import NeedleWriter
from watchfloor.store.retention import COLUMNS, Hold, Rules
from watchfloor.store.rowgroup import row_groups
from watchfloor.store.sweeping import sweep

ATTEMPTS = 3
"""How often it is tried again if somebody else has replaced a file meanwhile."""


class Reason(msgspec.Struct, frozen=True):
    """By which retention rows went: its name, owner and reason, before when (ms) they were ingested, how many."""

    name: str
    owner: str
    reason: str
    before: int
    rows: int


class Exchanged(msgspec.Struct, frozen=True):
    """A file and what took its place: path, SHA-256 and rows of each; empty if nothing was left."""

    path: str
    sha256: str
    rows: int
    new_path: str = ""
    new_sha256: str = ""
    new_rows: int = 0


class Deletion(msgspec.Struct, frozen=True):
    """The record of a deletion at ``at`` (ms); ``held`` counts rows that would have gone and are held."""

    at: int
    rows: int
    held: int
    reasons: tuple[Reason, ...]
    by_source: dict[str, int]
    by_class: dict[str, int]
    files: tuple[Exchanged, ...]


class Counted(msgspec.Struct):
    """What would go: rows by retention, source and class; and what would, but is held."""

    by_rule: Counter[int] = msgspec.field(default_factory=Counter)
    by_source: Counter[str] = msgspec.field(default_factory=Counter)
    by_class: Counter[str] = msgspec.field(default_factory=Counter)
    held: int = 0

    @property
    def rows(self) -> int:
        """How many rows go."""
        return self.by_rule.total()


def due(snapshot: Snapshot, rules: Rules, now: int) -> tuple[Counted, list[LakeFile]]:
    """What goes at ``now`` (ms), and the files that it is in."""
    counted, files = Counted(), []
    cutoff = rules.latest_cutoff(now)
    for one in snapshot.files if cutoff is not None else ():
        if cutoff is not None and one.ingested_from is not None and one.ingested_from >= cutoff:
            continue
        before = counted.rows
        for rows in row_groups(snapshot.folder / one.path, COLUMNS):
            _count(counted, rows, rules, now)
        if counted.rows > before:
            files.append(one)
    return counted, files


def count_held(snapshot: Snapshot, hold: Hold) -> int:
    """How many rows a hold holds."""
    groups = (rows for one in snapshot.files for rows in row_groups(snapshot.folder / one.path, COLUMNS))
    return sum(pc.sum(hold.matches(rows)).as_py() or 0 for rows in groups)


def delete(lake: Lake, rules: Rules, *, now: int) -> Deletion | None:
    """Delete what goes at ``now`` (ms); ``None`` if nothing does.

    Raises:
        GateError: Something that should have gone is left.
        StoreError: The lake cannot be read or written.
    """
    for _ in range(ATTEMPTS):
        with Writing(lake.folder), lake.snapshot() as snapshot:
            counted, files = due(snapshot, rules, now)
            if not files:
                return None
            record = _exchange(snapshot, files, counted, rules, now)
        if record is not None:
            sweep(lake.folder)
            _prove(lake, rules, record, now)
            return record
    raise StoreError(f"{lake.folder}: other work replaces files all the time; nothing was deleted, run it again")


def deletions(lake: Lake) -> tuple[Deletion, ...]:
    """The records of all deletions, the first first."""
    return tuple(msgspec.json.decode(body, type=Deletion) for body in Manifest(lake.folder).deletions())


def _exchange(
    snapshot: Snapshot, files: Sequence[LakeFile], counted: Counted, rules: Rules, now: int
) -> Deletion | None:
    new = [_without(snapshot, one, rules, now) for one in files]
    record = Deletion(
        at=now,
        rows=counted.rows,
        held=counted.held,
        reasons=tuple(
            Reason(one.name, one.owner, one.reason, one.cutoff(now), counted.by_rule[number])
            for number, one in enumerate(rules.retention)
            if counted.by_rule[number]
        ),
        by_source=dict(sorted(counted.by_source.items())),
        by_class=dict(sorted(counted.by_class.items())),
        files=tuple(_exchanged(snapshot.folder, old, one) for old, one in zip(files, new, strict=True)),
    )
    made = [one for one in new if one is not None]
    if Manifest(snapshot.folder).replace(files, made, deletion=msgspec.json.encode(record)):
        return record
    for one in made:
        remove_file(snapshot.folder, one.path)
    return None


def _without(snapshot: Snapshot, old: LakeFile, rules: Rules, now: int) -> LakeFile | None:
    """The file without the rows that go; ``None`` if none stay."""

    def kept() -> Iterator[pa.RecordBatch]:
        for rows in row_groups(snapshot.folder / old.path):
            yield from rows.filter(pc.invert(_going(rows, rules, now)[0])).to_batches()

    place = Path(old.path)
    digest = hashlib.blake2b(f"{old.path}\0{now}".encode(), digest_size=16).hexdigest()
    path = str(place.with_name(f"retained-{digest}.parquet"))
    groups = (group for group in grouped(kept()) if group.num_rows)
    made = write_groups(snapshot.folder, path, groups, tenant=old.tenant, hour=old.hour, needles=NeedleWriter())
    if made.rows:
        return made
    remove_file(snapshot.folder, path)
    return None


def _exchanged(folder: Path, old: LakeFile, new: LakeFile | None) -> Exchanged:
    before = _sha256(folder / old.path)
    if new is None:
        return Exchanged(old.path, before, old.rows)
    return Exchanged(old.path, before, old.rows, new.path, _sha256(folder / new.path), new.rows)


def _prove(lake: Lake, rules: Rules, record: Deletion, now: int) -> None:
    """Read the lake again: nothing that goes is left, and no old file is part of it.

    Raises:
        GateError: Something is.
    """
    with lake.snapshot() as snapshot:
        left, _ = due(snapshot, rules, now)
        paths = {one.path for one in snapshot.files}
    old = [one.path for one in record.files if one.path in paths]
    if left.rows or old:
        raise GateError(
            f"{lake.folder}: {left.rows:,} events and {len(old)} files that should have gone are there still"
        )


def _count(counted: Counted, rows: pa.Table, rules: Rules, now: int) -> None:
    going, held, numbers = _going(rows, rules, now)
    counted.held += pc.sum(held).as_py() or 0
    gone = rows.append_column("rule", numbers).filter(going)
    counted.by_rule.update(gone.column("rule").to_pylist())
    counted.by_source.update(gone.column("source").to_pylist())
    counted.by_class.update(str(one or 0) for one in gone.column("class_uid").to_pylist())


def _going(rows: pa.Table, rules: Rules, now: int) -> tuple[pa.ChunkedArray, pa.ChunkedArray, pa.ChunkedArray]:
    """Which rows go, which would and are held, and by which retention."""
    numbers, held = rules.decided(rows, now)
    due_now = pc.is_valid(numbers)
    return pc.and_(due_now, pc.invert(held)), pc.and_(due_now, held), numbers


def _sha256(path: Path) -> str:
    with storing(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
