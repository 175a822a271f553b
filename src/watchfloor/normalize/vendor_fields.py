"""The ``native.*`` columns: vendor fields of decoded records, for the rules that name them."""

from collections.abc import Mapping
from itertools import repeat
from typing import Any, NamedTuple

import pyarrow as pa

from watchfloor.event import NATIVE
from watchfloor.native import KEYWORDS, LOGSOURCE, DecodePlan, encode_logsources
from watchfloor.normalize.coerce import text_of
from watchfloor.normalize.paths import Getter, getter
from watchfloor.normalize.source import Kind

MAX_DEPTH = 64
"""Nesting below which keyword search no longer looks; vendors nest less than ten deep."""

MAX_KINDS = 8192
"""Of how many kinds of records it is remembered what is wanted."""

Texts = str | list[str] | None


class VendorFields:
    """Which fields of records are wanted; ``plan`` says it."""

    def __init__(self, plan: DecodePlan) -> None:
        self._plan = plan
        self._dotted: dict[str, list[tuple[str, Getter]]] = {}
        for field in sorted(plan.fields):
            if "." in field:
                self._dotted.setdefault(field.partition(".")[0], []).append((field, _getter(field)))
        self._kinds: dict[int, KindFields] = {}

    def gather(self) -> "Gathering":
        """Begin with the columns of a batch."""
        return Gathering(self)

    def wanted(self, kind: Kind) -> "KindFields":
        """What of a kind's records is wanted, worked out once."""
        wanted = self._kinds.get(id(kind))
        if wanted is None or wanted.kind is not kind:
            if len(self._kinds) >= MAX_KINDS:
                self._kinds.clear()
            wanted = self._kinds[id(kind)] = KindFields(
                kind,
                _places(kind.aliases, self._plan),
                _places(kind.instead, self._plan),
                encode_logsources(kind.logsources),
                self._plan.wants_keywords(kind.logsources),
            )
        return wanted

    def own(self, record: dict[str, Any]) -> dict[str, Texts]:
        """The fields that a record has under their own names."""
        fields, dotted = self._plan.fields, self._dotted
        found: dict[str, Texts] = {}
        for key, value in record.items():
            if key in fields and value is not None:
                found[key] = value if isinstance(value, str) else _texts(value)
            if key in dotted:
                for field, get in dotted[key]:
                    if (value_at := get(record)) is not None:
                        found[field] = _texts(value_at)
        return found


class Gathering:
    """The columns of the records that are added to it, in their order."""

    def __init__(self, fields: VendorFields) -> None:
        self._fields = fields
        self._rows = 0
        self._columns: dict[str, list[Texts]] = {}
        self._several: set[str] = set()
        self._logsources: list[str] = []
        self._leaves: list[str] = []
        self._leaves_starts: list[int | None] = []

    def add(self, record: dict[str, Any], kind: Kind) -> None:
        """Add the wanted fields of one decoded record, under their own names and those that its kind gives them."""
        wanted = self._fields.wanted(kind)
        found = self._fields.own(record)
        for name, places in wanted.aliases:
            if found.get(name) is None:
                found[name] = _first(record, places)
        for name, places in wanted.instead:
            if (replacement := _first(record, places)) is not None:
                found[name] = replacement
        for name, value in found.items():
            column = self._columns.get(name)
            if column is None:
                column = self._columns[name] = []
            column += repeat(None, self._rows - len(column))
            column.append(value)
            if value.__class__ is list:
                self._several.add(name)
        self._leaves_starts.append(len(self._leaves) if wanted.keywords else None)
        if wanted.keywords:
            _leaves(record, MAX_DEPTH, self._leaves)
        self._logsources.append(wanted.logsources)
        self._rows += 1

    def batch(self) -> pa.RecordBatch:
        """The columns, by name."""
        made = {LOGSOURCE: pa.array(self._logsources, pa.string()).dictionary_encode()}
        for name, column in self._columns.items():
            column.extend(repeat(None, self._rows - len(column)))
            made[NATIVE + name] = _column(column, name in self._several)
        if self._leaves:
            offsets = pa.array([*self._leaves_starts, len(self._leaves)], pa.int32())
            made[KEYWORDS] = pa.ListArray.from_arrays(offsets, pa.array(self._leaves, pa.string()))
        names = sorted(made)
        return pa.RecordBatch.from_arrays([made[name] for name in names], names)


_Places = tuple[tuple[str, tuple[Getter, ...]], ...]


class KindFields(NamedTuple):
    """What of a kind's records is wanted."""

    kind: Kind
    aliases: _Places
    instead: _Places
    logsources: str
    keywords: bool


def _places(names: Mapping[str, tuple[str, ...]], plan: DecodePlan) -> _Places:
    return tuple((name, tuple(map(_place, paths))) for name, paths in names.items() if name in plan.fields)


def _place(path: str) -> Getter:
    """A path's value, or the text after ``=``."""
    return (lambda _record: path[1:]) if path.startswith("=") else _getter(path)


def _first(record: dict[str, Any], places: tuple[Getter, ...]) -> Texts:
    for get in places:
        if (value := get(record)) is not None:
            return _texts(value)
    return None


def _getter(field: str) -> Getter:
    try:
        return getter(field)
    except ValueError:
        return lambda _record: None


def _texts(value: Any) -> Texts:
    if isinstance(value, list):
        texts = [text for text in map(text_of, value) if text is not None]
        return texts or None
    return text_of(value)


def _column(values: list[Texts], several: bool) -> pa.Array:  # noqa: FBT001 - private
    if several:
        return pa.array([[value] if isinstance(value, str) else value for value in values], pa.list_(pa.string()))
    return pa.array(values, pa.string())


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
