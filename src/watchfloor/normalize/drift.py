"""Schema drift: a path that is new or gone, or whose type changed, against what a source has shown before.

What each source shows is kept by the kind of event (its log and code): which paths its records have, of which types,
and how often. A kind is learned from its first :data:`LEARNING` records in silence; after that

* a path that no record of the kind had is new,
* a type that a path never had is a changed type,
* a path that nearly all records had (:data:`ALWAYS`), and none of the last :data:`LEARNING`, is gone.

Each is told once and then part of the profile; what is below a new object is not told again. Objects that are used as
tables (labels, headers, request parameters) have names without end: beyond :data:`MAX_NAMES` different ones, the names
in an object mean nothing any more, and nothing below it is told. Events go through all the same: this only looks.

Whoever writes events may choose names in them, so all is bounded: kinds, paths, names, what one batch may tell.
"""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import orjson
import pyarrow as pa

from watchfloor.errors import InputError
from watchfloor.normalize.shape import Leaf, Shape, Shapes, paths, type_names

LEARNING = 100
"""How many records of a kind are learned before it is told what differs."""
ALWAYS = 0.95
MAX_KINDS = 4_096
"""How many kinds are told apart; further ones are looked at as one kind of their source."""
MAX_NAMES = 64
MAX_PATHS = 200_000
"""How many paths are kept of all kinds together, and a hundredth of that of one; further ones are not looked at."""
MAX_TOLD = 100
"""How many drifts of a source one batch tells; more are counted."""
MAX_SHAPES = 256
"""How many different shapes of a kind are looked at in one batch; a kind with more has no shape to speak of."""

EVERY = 16
"""Of a kind that is learned, one record in so many is looked at: a change is noticed that much later, at that much less
cost."""
MAX_NAME = 200
"""The longest name of a kind, in characters; longer ones are cut."""

_OTHER_KINDS = "*"
_KIND = ["source", "metadata.log_name", "metadata.event_code"]

Change = Literal["new path", "path is gone", "changed type"]


class Drift(msgspec.Struct, frozen=True):
    """One difference: in which kind of events of a source, at which path, which types it had before and has now.

    ``uid`` and ``time`` (ms) are of the event that first showed it; of a path that is gone, of one that lacked it.
    """

    source: str
    kind: str
    change: Change
    path: str
    before: str
    now: str
    uid: str
    time: int

    def sentence(self) -> str:
        """The difference in words."""
        what = f"{self.path} ({self.now or self.before})"
        if self.change == "changed type":
            what = f"{self.path}, {self.before} before, is {self.now}"
        return f"{self.source}: {self.kind}: {self.change}: {what}; first in {self.uid}"


class Path(msgspec.Struct, omit_defaults=True):
    """What is known of one path: its types, and how many records had it.

    ``since`` and ``last`` say how many records of the kind there had been before one first had it, and when one last
    did.
    """

    types: int
    since: int = 0
    last: int = 0
    count: int = 0
    gone: bool = False


class Kind(msgspec.Struct, omit_defaults=True):
    """What is known of one kind of events: how many there were, and their paths.

    ``names`` says how many names each object has had; those with too many are tables.
    """

    count: int = 0
    paths: dict[str, Path] = {}
    names: dict[str, int] = {}


class Profile(msgspec.Struct, omit_defaults=True):
    """What sources have shown: kinds by source and name, and how many drifts each source has had."""

    kinds: dict[str, dict[str, Kind]] = {}
    drifts: dict[str, int] = {}


class _Seen(msgspec.Struct):
    """A shape in a batch: how many records have it, its paths, and the first event."""

    count: int
    paths: dict[str, Leaf]
    uid: str
    time: int


_Looked = dict[Shape, _Seen]
"""The shapes that records of one kind have in a batch."""


class SchemaDrift:
    """Looks at events for drift, and learns.

    One thread's; ``dump`` and ``SchemaDrift.load`` keep it over restarts.
    """

    def __init__(self, profile: Profile | None = None) -> None:
        self._profile = profile or Profile()
        self._shapes = Shapes()
        self._paths: dict[Shape, dict[str, Leaf]] = {}
        self._skip: dict[tuple[str, str], int] = {}
        kinds = (kind for kinds in self._profile.kinds.values() for kind in kinds.values())
        self._room = MAX_PATHS - sum(len(kind.paths) for kind in kinds)

    @property
    def counts(self) -> dict[str, int]:
        """How many drifts each source has had."""
        return dict(self._profile.drifts)

    @property
    def sources(self) -> frozenset[str]:
        """The sources of which anything is known."""
        return frozenset(self._profile.kinds)

    def observe(self, events: pa.RecordBatch) -> list[Drift]:
        """What is different in a batch of :data:`watchfloor.event.EVENT_SCHEMA`, at most :data:`MAX_TOLD` a source.

        Records that are not one JSON object have no paths and are left out.
        """
        told: list[Drift] = []
        for source, given, rows in _kinds(events):
            name, kind = self._kind(source, given)
            looked = self._looked_at(events, self._chosen(source, name, kind, rows))
            found = list(self._differences(source, name, kind, looked)) if looked else []
            if found:
                self._profile.drifts[source] = self._profile.drifts.get(source, 0) + len(found)
            told += found[: max(0, MAX_TOLD - sum(one.source == source for one in told))]
        return told

    def _looked_at(self, events: pa.RecordBatch, rows: list[int]) -> _Looked:
        """The shapes of some rows."""
        looked: _Looked = {}
        shape_of = self._shapes.of
        for row, raw in zip(rows, events.column("raw").take(pa.array(rows, pa.int64())).to_pylist(), strict=True):
            try:
                record = orjson.loads(raw)
            except orjson.JSONDecodeError:
                continue
            if record.__class__ is not dict:
                continue
            shape = shape_of(record)
            seen = looked.get(shape)
            if seen is not None:
                seen.count += 1
            elif len(looked) < MAX_SHAPES:
                looked[shape] = _Seen(1, self._paths_of(shape, record), *_event(events, row))
        return looked

    def _chosen(self, source: str, name: str, kind: Kind, rows: list[int]) -> list[int]:
        """The rows of a kind that are looked at: all while it is learned, then one in :data:`EVERY`."""
        first = max(0, LEARNING - kind.count)
        rest = rows[first:]
        skip = self._skip.get((source, name), 0)
        self._skip[source, name] = (skip - len(rest)) % EVERY
        return rows[:first] + rest[skip::EVERY]

    def _paths_of(self, shape: Shape, record: dict[str, Any]) -> dict[str, Leaf]:
        known = self._paths.get(shape)
        if known is None:
            if len(self._paths) >= MAX_KINDS:
                self._paths.clear()
            known = self._paths[shape] = paths(record)
        return known

    def _kind(self, source: str, name: str) -> tuple[str, Kind]:
        kinds = self._profile.kinds.setdefault(source, {})
        if name not in kinds and sum(map(len, self._profile.kinds.values())) >= MAX_KINDS:
            name = _OTHER_KINDS
        return name, kinds.setdefault(name, Kind())

    def _differences(self, source: str, name: str, kind: Kind, looked: _Looked) -> Iterator[Drift]:
        learned, before = kind.count >= LEARNING, kind.count
        kind.count += sum(seen.count for seen in looked.values())
        for seen in looked.values():
            known = len(kind.paths)
            for change, path, was, now in _learn(kind, seen, before, self._room):
                if learned:
                    yield Drift(source, name, change, path, was, now, seen.uid, seen.time)
            self._room -= len(kind.paths) - known
        if learned:
            last = next(reversed(looked.values()))
            for path, types in _gone(kind):
                yield Drift(source, name, "path is gone", path, type_names(types), "", last.uid, last.time)

    def dump(self) -> bytes:
        """What was learned, as JSON."""
        return msgspec.json.encode(self._profile, order="sorted")

    @classmethod
    def load(cls, dumped: bytes) -> "SchemaDrift":
        """What :meth:`dump` gave.

        Raises:
            InputError: It is something else.
        """
        try:
            return cls(msgspec.json.decode(dumped, type=Profile))
        except msgspec.MsgspecError as error:
            raise InputError(f"not a profile of what sources show: {error}") from error


def _kinds(events: pa.RecordBatch) -> Iterator[tuple[str, str, list[int]]]:
    """The kinds of events in a batch: source, name, and the rows in their order."""
    columns = [*(events.column(name) for name in _KIND), pa.array(range(events.num_rows), pa.int64())]
    table = pa.Table.from_arrays(columns, names=[*_KIND, "row"])
    grouped = table.group_by(_KIND, use_threads=False).aggregate([("row", "list")])
    for source, log, code, rows in zip(
        *(grouped.column(name).to_pylist() for name in grouped.column_names), strict=True
    ):
        yield source, " ".join(part for part in (log, code) if part)[:MAX_NAME], rows


def _event(events: pa.RecordBatch, row: int) -> tuple[str, int]:
    return events.column("metadata.uid")[row].as_py(), events.column("time")[row].as_py()


def _learn(kind: Kind, seen: _Seen, before: int, room: int) -> Iterator[tuple[Change, str, str, str]]:
    """Add a shape to what is known of its kind, ``room`` paths at most; what of it is different.

    ``before`` is how many records of the kind earlier batches had.
    """
    new: set[str] = set()
    aside: set[str] = set()
    for path, leaf in seen.paths.items():
        known = kind.paths.get(path)
        if known is not None:
            known.count += seen.count
            known.last = kind.count
            known.gone = False
            if more := leaf.types & ~known.types:
                yield "changed type", path, type_names(known.types), type_names(more)
                known.types |= more
        elif leaf.parent in aside or len(new) >= room or not _takes(kind, leaf.parent):
            aside.add(path)
        else:
            kind.paths[path] = Path(leaf.types, before, kind.count, seen.count)
            if leaf.parent not in new:
                yield "new path", path, "", type_names(leaf.types)
            new.add(path)


def _takes(kind: Kind, parent: str) -> bool:
    """Whether one more name in an object is learned: its kind has not too many paths, and it is no table."""
    if len(kind.paths) >= MAX_PATHS // 100:
        return False
    names = kind.names[parent] = kind.names.get(parent, 0) + 1
    if not parent or names <= MAX_NAMES:
        return True
    if names == MAX_NAMES + 1:
        for path in [path for path in kind.paths if path.startswith(f"{parent}.")]:
            del kind.paths[path]
    return False


def _gone(kind: Kind) -> Iterator[tuple[str, int]]:
    for path, known in kind.paths.items():
        seen = known.last - known.since
        if known.gone or kind.count - known.last < LEARNING or seen < LEARNING or known.count < ALWAYS * seen:
            continue
        known.gone = True
        holders = (path[:end] for end in range(len(path)) if path[end] in ".[")
        if not any((holder := kind.paths.get(one)) is not None and holder.gone for one in holders):
            yield path, known.types
