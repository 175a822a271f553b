"""The ``native.*`` columns: vendor fields of decoded records, for the rules that name them."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.event import NATIVE
from watchfloor.native import ALL_VALUES, KEYWORDS, LOGSOURCE, DecodePlan, MayHold, encode_logsources
from watchfloor.normalize.coerce import text_of
from watchfloor.normalize.paths import Getter, getter
from watchfloor.normalize.source import Kind

MAX_DEPTH = 64
"""Nesting below which keyword search no longer looks; vendors nest less than ten deep."""

MAX_KINDS = 8192
"""Of how many kinds of records it is remembered what is wanted."""

_INT64, _UINT64 = 1 << 63, 1 << 64

MAX_SHAPES = 8192
"""Of how many shapes of records, too."""

Texts = str | list[str] | None

Compute = Callable[[dict[str, Any]], Texts]
_ShapeKey = tuple[object, ...]


class VendorFields:
    """Which fields of records are wanted; ``plan`` says it."""

    def __init__(self, plan: DecodePlan) -> None:
        self._plan = plan
        self._kinds: dict[int, KindFields] = {}
        self._shapes: dict[_ShapeKey, ShapeFields] = {}

    def gather(self, may_hold: MayHold) -> "Gathering":
        """Begin with the columns of a batch; ``may_hold`` says of its rows whether they may hold a keyword."""
        return Gathering(self, may_hold)

    def of_shape(self, record: dict[str, Any], kind: Kind) -> "ShapeFields":
        """What is wanted of records of a kind that have these keys in this order, worked out once."""
        key = (id(kind), *record)
        fields = self._shapes.get(key)
        if fields is None or fields.kind is not kind:
            if len(self._shapes) >= MAX_SHAPES:
                self._shapes.clear()
            fields = self._shapes[key] = self._describe(list(record), kind)
        return fields

    def _describe(self, keys: Sequence[str], kind: Kind) -> "ShapeFields":
        wanted = self._of_kind(kind)
        options: dict[str, Options] = {}
        for key in keys:
            for field, get in wanted.dotted.get(key, ()):
                # A key that is the whole path as text hides nothing of the object.
                options[field] = ((get, _own(field)),)
        for name, places in wanted.aliases:
            options[name] = (*options.get(name, ((_own(name),),)), places)
        for name, places in wanted.instead:
            options[name] = (places, *options.get(name, ((_own(name),),)))
        own = tuple(key for key in keys if key in wanted.fields and key not in options)
        computed = tuple(_first_of([_reading(*places) for places in some]) for some in options.values())
        return ShapeFields(kind, own, values_of(own), options, computed, wanted.logsources, ALL_VALUES in wanted.fields)

    def _of_kind(self, kind: Kind) -> "KindFields":
        wanted = self._kinds.get(id(kind))
        if wanted is None or wanted.kind is not kind:
            if len(self._kinds) >= MAX_KINDS:
                self._kinds.clear()
            fields = self._plan.wanted(kind.logsources)
            wanted = self._kinds[id(kind)] = KindFields(
                kind,
                fields,
                _dotted(fields),
                _places(kind.aliases, fields),
                _places(kind.instead, fields),
                encode_logsources(kind.logsources),
            )
        return wanted


class Gathering:
    """The columns of the records that are added to it, in their order; those of one shape are read alike."""

    def __init__(self, fields: VendorFields, may_hold: MayHold) -> None:
        self._fields = fields
        self._may_hold = may_hold
        self._rows = 0
        self._groups: dict[int, _Group] = {}
        self._alike: list[Alike] = []
        self._leaves: list[str] = []
        self._leaves_starts: list[int | None] = []

    def add(self, record: dict[str, Any], kind: Kind, row: int | None = None, line: str | None = None) -> None:
        """Add the wanted fields of one decoded record, under their own names and those that its kind gives them.

        With its row in the raw batch, its values are gathered for keywords only if it may hold one. If it was a line of
        text, the line is one of them.
        """
        shape = self._fields.of_shape(record, kind)
        computed = [compute(record) for compute in shape.computed] if shape.computed else ()
        start = None
        if shape.keywords and (row is None or row in self._may_hold(kind.logsources)):
            start = len(self._leaves)
            if line is not None:
                self._leaves.append(line)
            _add_leaves(record, self._leaves)
        group = self._groups.get(id(shape))
        if group is None:
            group = self._groups[id(shape)] = _Group(shape, [], [], [])
        group.rows.append(self._rows)
        group.own.append(shape.values(record))
        group.computed.append(computed)
        self._leaves_starts.append(start)
        self._rows += 1

    def add_alike(self, alike: "Alike") -> None:
        """Add records of which the columns are made, and in which no rule looks for keywords."""
        count = len(alike.rows)
        self._alike.append(alike._replace(rows=range(self._rows, self._rows + count)))
        self._leaves_starts.extend(repeat(None, count))
        self._rows += count

    def batch(self) -> pa.RecordBatch:
        """The columns, by name, of the records as they were added."""
        order, batch = self.grouped()
        return (
            batch
            if len(self._groups) + len(self._alike) < 2
            else batch.take(pc.sort_indices(pa.array(order, pa.int64())))
        )

    def grouped(self) -> tuple[list[int], pa.RecordBatch]:
        """The columns of the records, those of one shape together, and which record each row is of.

        To put all columns in order costs as much as to make them.
        """
        groups = [*self._alike, *(group.alike() for group in self._groups.values())]
        order = [row for group in groups for row in group.rows]
        columns: dict[str, _Column] = defaultdict(_Column)
        filled = 0
        for group in groups:
            for name, values in group.columns.items():
                columns[name].add(values, at=filled)
            filled += len(group.rows)
        made = {NATIVE + name: column.array(filled) for name, column in columns.items()}
        made[LOGSOURCE] = _logsources(groups)
        if self._leaves:
            offsets = pa.array([*self._leaves_starts, len(self._leaves)], pa.int32())
            leaves = pa.ListArray.from_arrays(offsets, pa.array(self._leaves, pa.string()))
            made[KEYWORDS] = leaves.take(pa.array(order, pa.int64()))
        names = sorted(made)
        return order, pa.RecordBatch.from_arrays([made[name] for name in names], names)


class Alike(NamedTuple):
    """Records of one shape: their rows, the columns of their wanted fields, and the log sources they serve."""

    rows: Sequence[int]
    columns: Mapping[str, pa.Array]
    logsources: str


def _logsources(groups: Sequence[Alike]) -> pa.DictionaryArray:
    numbers: dict[str, int] = {}
    codes: list[int] = []
    for group in groups:
        codes.extend(repeat(numbers.setdefault(group.logsources, len(numbers)), len(group.rows)))
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(numbers, pa.string()))


class _Group(NamedTuple):
    """Records of one shape: their rows, their own fields, and those that are computed."""

    shape: "ShapeFields"
    rows: list[int]
    own: list[tuple[Any, ...]]
    computed: list[Sequence[Texts]]

    def alike(self) -> Alike:
        """The same as columns."""
        values = chain(
            zip(self.shape.own, zip(*self.own, strict=True), strict=False),
            zip(self.shape.options, zip(*self.computed, strict=True), strict=False),
        )
        return Alike(self.rows, {name: texts_array(one) for name, one in values}, self.shape.logsources)


Options = tuple[tuple[Getter, ...], ...]
"""Where to look for a field; of each option the first place that has something counts, if that has a text."""

_Places = tuple[tuple[str, tuple[Getter, ...]], ...]


class KindFields(NamedTuple):
    """What of a kind's records is wanted; ``dotted`` are the paths of fields that go into an object, by its key."""

    kind: Kind
    fields: frozenset[str]
    dotted: Mapping[str, Sequence[tuple[str, Getter]]]
    aliases: _Places
    instead: _Places
    logsources: str


def _dotted(fields: frozenset[str]) -> Mapping[str, Sequence[tuple[str, Getter]]]:
    found: dict[str, list[tuple[str, Getter]]] = defaultdict(list)
    for field in sorted(fields):
        if "." in field:
            found[field.partition(".")[0]].append((field, _getter(field)))
    return found


class ShapeFields(NamedTuple):
    """What is wanted of the records of one shape: the keys that are read as they are, and what else is computed.

    ``options`` say of a field that is not read as it is where to look for it, and ``computed`` do that.
    """

    kind: Kind
    own: tuple[str, ...]
    values: Callable[[dict[str, Any]], tuple[Any, ...]]
    options: Mapping[str, "Options"]
    computed: tuple["Compute", ...]
    logsources: str
    keywords: bool


def values_of(keys: Sequence[str]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """A function that gives the values of some keys of a record that has them."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda record: tuple(record[key] for key in keys)


def _own(name: str) -> Getter:
    return lambda record: record.get(name)


def _reading(*getters: Getter) -> "Compute":
    return lambda record: _first(record, getters)


def _first_of(options: Sequence["Compute"]) -> "Compute":
    def first(record: dict[str, Any]) -> Texts:
        for option in options:
            if (found := option(record)) is not None:
                return found
        return None

    return first


def _places(names: Mapping[str, tuple[str, ...]], fields: frozenset[str]) -> _Places:
    return tuple((name, tuple(map(_place, paths))) for name, paths in names.items() if name in fields)


def _place(path: str) -> Getter:
    """A path's value, or the text after ``=``."""
    return (lambda _record: path[1:]) if path.startswith("=") else _getter(path)


def _first(record: dict[str, Any], places: tuple[Getter, ...]) -> Texts:
    for get in places:
        if (value := get(record)) is not None:
            return texts_of(value)
    return None


def _getter(field: str) -> Getter:
    try:
        return getter(field)
    except ValueError:
        return lambda _record: None


def parsed(value: Any) -> Any:
    """A value of a usual layout as the JSON parser gives it that reads all other records: it keeps 64 bits."""
    return float(value) if value.__class__ is int and not -_INT64 <= value < _UINT64 else value


def texts_of(value: Any) -> Texts:
    """The text of a value, or those of a list's elements, if there are some."""
    if isinstance(value, list):
        texts = [text for text in map(text_of, value) if text is not None]
        return texts or None
    return text_of(value)


class _Column:
    """A column in pieces: most columns are null in most rows."""

    def __init__(self) -> None:
        self._pieces: list[pa.Array] = []
        self._rows = 0
        self._several = False

    def add(self, piece: pa.Array, *, at: int) -> None:
        """Add the values of the rows that begin at ``at``; all before that had none."""
        self._skip_to(at)
        self._several |= pa.types.is_list(piece.type)
        self._pieces.append(piece)
        self._rows += len(piece)

    def array(self, rows: int) -> pa.Array:
        """The column of so many rows."""
        self._skip_to(rows)
        if not self._several:
            return pa.concat_arrays(self._pieces)
        return pa.concat_arrays([one if pa.types.is_list(one.type) else _each_alone(one) for one in self._pieces])

    def _skip_to(self, row: int) -> None:
        if row > self._rows:
            self._pieces.append(pa.nulls(row - self._rows, pa.string()))
            self._rows = row


def texts_arrays(columns: Sequence[Sequence[Any]]) -> list[pa.Array]:
    """The texts of the values of columns of one length, as :func:`texts_array`.

    Of few values, an array costs less as a part of a large one.
    """
    try:
        every = pa.array(list(chain.from_iterable(map(_as_texts, columns))), pa.string())
    except pa.ArrowTypeError:  # some are lists, or other than the first one of their column
        return list(map(texts_array, columns))
    rows = len(columns[0]) if columns else 0
    return [every.slice(at * rows, rows) for at in range(len(columns))]


def texts_array(values: Sequence[Any]) -> pa.Array:
    """The texts of values: one of each, or lists of them as soon as one has several."""
    texts = _as_texts(values)
    try:
        return pa.array(texts, pa.string())
    except pa.ArrowTypeError:
        texts = list(map(_text_or_texts, values))
    if any(value.__class__ is list for value in texts):
        return pa.array([[value] if isinstance(value, str) else value for value in texts], pa.list_(pa.string()))
    return pa.array(texts, pa.string())


def _as_texts(values: Sequence[Any]) -> Sequence[Any]:
    """The texts of values, if those of a column that begins with text are all texts, and none is a list."""
    if values[0].__class__ is str:
        return values
    if {int}.issuperset(map(type, values)):
        return list(map(str, map(parsed, values)))
    return list(map(_text_or_texts, values))


def _text_or_texts(value: Any) -> Texts:
    return value if value.__class__ is str or value is None else texts_of(parsed(value))


def _each_alone(texts: pa.StringArray) -> pa.ListArray:
    """Each text as a list of one."""
    return pa.array([None if text is None else [text] for text in texts.to_pylist()], pa.list_(pa.string()))


def _add_leaves(record: dict[str, Any], found: list[str]) -> None:
    add = found.append
    for value in record.values():
        # Most values are text.
        if value.__class__ is str:
            add(value)
        elif value is not None:
            _leaves(value, MAX_DEPTH - 1, found)


def _leaves(value: Any, depth: int, found: list[str]) -> list[str]:
    """All texts of a value, in order, added to ``found``."""
    if depth and isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, str):
                found.append(item)
            elif item is not None:
                _leaves(item, depth - 1, found)
    elif (text := text_of(value)) is not None:
        found.append(text)
    return found
