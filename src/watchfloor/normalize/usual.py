"""Reads the records of a batch that have a usual layout: those of one shape together, as columns.

What is known of a shape is found out on the first record that has it, by decoding that one as ever. Where that gives
anything else than its layout says, records of the shape are not read here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, repeat
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.errors import RecordError
from watchfloor.layout import Layout, Named, Values
from watchfloor.native import MayHold
from watchfloor.normalize.coerce import timestamp
from watchfloor.normalize.source import Kind, Source
from watchfloor.normalize.vendor_fields import (
    Alike,
    Compute,
    Options,
    ShapeFields,
    Texts,
    VendorFields,
    parsed,
    texts_array,
    texts_arrays,
    texts_of,
    values_of,
)

MAX_SHAPES = 8192
"""Of how many shapes it is remembered what is known."""

MAX_GROUPS = 512
"""Of how many shapes records of a batch are read here: of each there should be some."""

PATIENCE, ENOUGH = 64, 0.8
"""No more of a batch are tried once more records than this number, and this part of those tried, were not read."""

_READABLE = (
    r"^(19[7-9][0-9]|20[0-9]{2}|21[01][0-9])-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    r"[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?Z?$"
)
"""Texts that are surely times, though not all that are."""

Decode = Callable[[bytes], tuple[Source, dict[str, Any], Kind, bool]]
"""How a record is read else: its source, the decoded record, its kind, and whether all texts of it stand in the raw."""


class Field(NamedTuple):
    """Stands for the value of a name, where it is found out which names are read."""

    name: str


_Taken = tuple[Sequence[str], Values, Callable[[Named], tuple[Any, ...]]]
"""Names, and what takes their values from what was read, and from what the record names itself."""


class Shape(NamedTuple):
    """What is known of all records with one layout, kind and names.

    ``own`` and ``named`` take the values of ``names`` from what was read, and from what the record names itself;
    ``identity`` does so for what says which event it is.
    ``columns`` are the wanted fields, each by the names to look at, or a text that it is; ``read`` all of these names;
    ``computed`` those that are worked out for each record; ``times`` the names of times. Equal keys of a kind may be of
    other types (1, true).
    """

    source: Source
    kind: Kind
    kind_types: list[type]
    names: Sequence[str]
    own: Values
    named: Callable[[Named], tuple[Any, ...]]
    identity: _Taken
    columns: dict[str, Sequence[Field | str]]
    read: Sequence[str]
    computed: dict[str, Compute]
    times: Sequence[str]
    fields: ShapeFields


class _Group:
    """Records of one shape: their rows, and the values of its names."""

    __slots__ = ("kind_types", "named", "named_of", "own", "own_of", "rows", "shape")

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.kind_types, self.own_of, self.named_of = shape.kind_types, shape.own, shape.named
        self.rows: list[int] = []
        self.own: list[tuple[Any, ...]] = []
        self.named: list[tuple[Any, ...]] = []

    def times(self) -> Iterator[list[Any]]:
        """The values of each name of a time."""
        own = len(self.own[0])
        for name in self.shape.times:
            at = self.shape.names.index(name)
            yield [one[at] for one in self.own] if at < own else [one[at - own] for one in self.named]

    def drop(self, rows: AbstractSet[int]) -> None:
        """Leave some rows out."""
        kept = [at for at, row in enumerate(self.rows) if row not in rows]
        self.rows = [self.rows[at] for at in kept]
        self.own = [self.own[at] for at in kept]
        self.named = [self.named[at] for at in kept]


class _Way:
    """A layout of a source, with what tells its kinds apart: values of its own, and some that a record names."""

    def __init__(self, number: int, source: Source, layout: Layout) -> None:
        self.number = number
        self.source = source
        self.layout = layout
        self.read = layout.read
        self.plain = layout.plain
        self.named_and_kinds = layout.values((path for path in source.kind_paths if path in layout.names), layout.named)
        self.every = layout.values(layout.names)
        self.kind_names = [path for path in source.kind_paths if path not in layout.names]
        self.no_kinds = (None,) * len(self.kind_names)


_Read = tuple[_Way, Any, Named, tuple[Any, ...], Any]
"""A record that was read: the way, what it gave, what the record names itself, what of that tells its kind if something
does, and the key of its shape."""


class Usual:
    """Reads records that have a usual layout of one of the sources."""

    def __init__(self, sources: Iterable[Source], fields: VendorFields, decode: Decode) -> None:
        layouts = ((source, layout) for source in sources for layout in source.layouts)
        self._ways = [_Way(number, source, layout) for number, (source, layout) in enumerate(layouts)]
        self._fields = fields
        self._decode = decode
        self._shapes: dict[Any, Shape | None] = {}

    def split(
        self, raws: Sequence[bytes], arrived_as: Sequence[str | None], may_hold: MayHold
    ) -> tuple[list[Alike], Iterable[int]]:
        """The records that were read, and the rows of the others in their order.

        Others are those in which keywords are to be looked for, and those whose time cannot be read.
        """
        if not self._ways:
            return [], range(len(raws))
        groups, others = self._groups(raws)
        made: list[Alike] = []
        timeless = _without_time(groups)
        has_names = any(arrived_as)
        for group in groups:
            shape, rows = group.shape, group.rows
            out = timeless.intersection(rows)
            if shape.fields.keywords:
                out = out.union(may_hold(shape.kind.logsources) & set(rows))
            if has_names:
                out = out.union(row for row in rows if arrived_as[row] not in {None, shape.source.name})
            if out:
                others += out
                group.drop(out)
            if group.rows:
                made.append(_alike(group))
        return made, sorted(others)

    def record(self, raw: bytes) -> tuple[Source, dict[str, Any], Kind] | None:
        """Of a record of a shape that :meth:`split` found out, what says which event it is, and its kind."""
        read = self._read(raw)
        shape = self._shapes.get(read[-1]) if read else None
        if read is None or shape is None or shape.kind_types != [*map(type, read[3])]:
            return None
        _, form, named, *_ = read
        names, own, others = shape.identity
        return shape.source, dict(zip(names, map(parsed, (*own(form), *others(named))), strict=True)), shape.kind

    def _groups(self, raws: Sequence[bytes]) -> tuple[list[_Group], list[int]]:
        found: dict[Any, _Group | None] = {}
        others: list[int] = []
        for row, raw in enumerate(raws):
            if len(others) > PATIENCE + row * ENOUGH:
                others += range(row, len(raws))
                break
            if (read := self._read(raw)) is None:
                others.append(row)
                continue
            _, form, named, kinds, key = read
            group = found.get(key)
            if group is None and key not in found and len(found) < MAX_GROUPS:
                try:
                    shape = self._shape(raw, read)
                except (RecordError, RecursionError):  # the fault is of this one record
                    others.append(row)
                    continue
                group = found[key] = _Group(shape) if shape else None
            if group is None or (kinds and group.kind_types != [*map(type, kinds)]):
                others.append(row)
            else:
                group.rows.append(row)
                group.own.append(group.own_of(form))
                group.named.append(group.named_of(named))
        return [group for group in found.values() if group], others

    def _read(self, raw: bytes) -> _Read | None:
        for way in self._ways:
            try:
                form = way.read(raw)
            except ValueError:
                continue
            named, *own = way.named_and_kinds(form)
            if named is None:
                named = {}
            elif way.plain is not None:
                named = way.plain(named)
            kinds = (*map(named.get, way.kind_names),)
            if kinds == way.no_kinds:
                kinds = ()
            if way.plain is None:
                return way, form, named, kinds, (way.number, *own, kinds, *named)
            types = map(type, named.values())
            # A list that tells a kind has no place in a key.
            return (
                None
                if list in map(type, kinds)
                else (way, form, named, kinds, (way.number, *own, kinds, *named, *types))
            )
        return None

    def _shape(self, raw: bytes, read: _Read) -> Shape | None:
        *_, key = read
        if key not in self._shapes:
            if len(self._shapes) >= MAX_SHAPES:
                self._shapes.clear()
            self._shapes[key] = self._describe(raw, read)
        return self._shapes[key]

    def _describe(self, raw: bytes, read: _Read) -> Shape | None:
        way, form, named, kinds, _ = read
        layout = way.layout
        names = [*layout.names, *named]
        values = (*way.every(form), *named.values())
        if len({*names}) < len(names):
            return None
        source, record, kind, keeps_texts = self._decode(raw)
        if source is not way.source or not keeps_texts or _told(record) != _told(dict(zip(names, values, strict=True))):
            return None
        fields = self._fields.of_shape(dict.fromkeys(names), kind)
        stands = {name: Field(name) for name in names}
        columns: dict[str, Sequence[Field | str]] = {name: [Field(name)] for name in fields.own}
        computed: dict[str, Compute] = {}
        if list in map(type, named.values()):
            # A path can go into a list.
            computed = dict(zip(fields.options, fields.computed, strict=True))
        else:
            columns |= {name: _looked_at(options, stands) for name, options in fields.options.items()}
        times = [one.name for one in source.times(stands) if isinstance(one, Field)]
        read_names = {one.name for some in columns.values() for one in some if isinstance(one, Field)}
        wanted = read_names.union(times)
        taken = _taken(layout, named, wanted.union(names if computed else ()))
        identity = _taken(layout, named, source.identifying)
        types = [*map(type, kinds)]
        return Shape(source, kind, types, *taken, identity, columns, sorted(read_names), computed, times, fields)


def _taken(layout: Layout, named: Named, wanted: AbstractSet[str]) -> _Taken:
    own = [name for name in layout.names if name in wanted]
    others = [name for name in named if name in wanted]
    return (*own, *others), layout.values(own), values_of(others)


def _told(record: dict[str, Any]) -> dict[str, Texts]:
    texts = ((name, texts_of(parsed(value))) for name, value in record.items())
    return {name: text for name, text in texts if text is not None}


def _looked_at(options: Options, stands: dict[str, Any]) -> Sequence[Field | str]:
    """What a field is read from, in order: the getters of its options tell of a record of stand-ins."""
    found = (get(stands) for places in options for get in places)
    return [one for one in found if one is not None]


def _without_time(groups: Sequence[_Group]) -> frozenset[int]:
    """The rows of records whose time cannot be read."""
    rows: list[int] = []
    texts: list[Any] = []
    for group in groups:
        rows += group.rows
        texts += next(group.times(), repeat(None, len(group.rows)))
    text = pa.array([one if one.__class__ is str else None for one in texts], pa.string())
    unsure = pc.invert(pc.fill_null(pc.match_substring_regex(text, _READABLE), fill_value=False))
    doubtful = frozenset(rows[at] for at in pc.indices_nonzero(unsure).to_pylist())
    return frozenset(chain.from_iterable(_timeless(group, doubtful) for group in groups)) if doubtful else doubtful


def _timeless(group: _Group, rows: AbstractSet[int]) -> Iterator[int]:
    if rows.isdisjoint(group.rows):
        return
    columns = list(group.times())
    for at, row in enumerate(group.rows):
        if row in rows and all(timestamp(column[at]) is None for column in columns):
            yield row


def _alike(group: _Group) -> Alike:
    shape = group.shape
    taken = (zip(*group.own, strict=True), zip(*group.named, strict=True))
    values = dict(zip(shape.names, chain.from_iterable(taken), strict=True))
    made = dict(zip(shape.read, texts_arrays([values[name] for name in shape.read]), strict=True))
    columns: dict[str, pa.Array] = {}
    for name, some in shape.columns.items():
        for one in some:
            column = made[one.name] if isinstance(one, Field) else pa.repeat(one, len(group.rows))
            columns[name] = pc.coalesce(columns[name], column) if name in columns else column
            if not columns[name].null_count:
                break
    if shape.computed:
        records = [dict(zip(shape.names, row, strict=True)) for row in zip(*values.values(), strict=True)]
        columns |= {name: texts_array(list(map(compute, records))) for name, compute in shape.computed.items()}
    return Alike(group.rows, columns, shape.fields.logsources)
