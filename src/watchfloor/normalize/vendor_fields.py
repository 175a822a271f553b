"""The ``native.*`` columns: vendor fields of decoded records, for the rules that name them."""

from collections.abc import Mapping
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
    """Gathers the columns of one batch; ``plan`` says which fields are wanted."""

    def __init__(self, plan: DecodePlan) -> None:
        self._plan = plan
        self._dotted: dict[str, list[tuple[str, Getter]]] = {}
        for field in sorted(plan.fields):
            if "." in field:
                self._dotted.setdefault(field.partition(".")[0], []).append((field, _getter(field)))
        self._kinds: dict[int, _KindFields] = {}

    def read(self, record: dict[str, Any], kind: Kind) -> dict[str, Texts]:
        """The wanted fields of one decoded record, under their own names and those that its kind gives them."""
        wanted = self._wanted(kind)
        found = self._own(record)
        for name, places in wanted.aliases:
            if found.get(name) is None:
                found[name] = _first(record, places)
        for name, places in wanted.instead:
            if (replacement := _first(record, places)) is not None:
                found[name] = replacement
        found[LOGSOURCE] = wanted.logsources
        if wanted.keywords:
            found[KEYWORDS] = _leaves(record, MAX_DEPTH, [])
        return found

    def _wanted(self, kind: Kind) -> "_KindFields":
        wanted = self._kinds.get(id(kind))
        if wanted is None or wanted.kind is not kind:
            if len(self._kinds) >= MAX_KINDS:
                self._kinds.clear()
            wanted = self._kinds[id(kind)] = _KindFields(
                kind,
                _places(kind.aliases, self._plan),
                _places(kind.instead, self._plan),
                encode_logsources(kind.logsources),
                self._plan.wants_keywords(kind.logsources),
            )
        return wanted

    def _own(self, record: dict[str, Any]) -> dict[str, Texts]:
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

    def batch(self, rows: list[dict[str, Texts]]) -> pa.RecordBatch:
        """The columns of records read before, by name."""
        columns: dict[str, list[Texts]] = {LOGSOURCE: [None] * len(rows)}
        several = {KEYWORDS}
        for row, found in enumerate(rows):
            for name, value in found.items():
                if name not in columns:
                    columns[name] = [None] * len(rows)
                columns[name][row] = value
                if isinstance(value, list):
                    several.add(name)
        made = {name if name in _WHOLE else NATIVE + name: _column(columns[name], name in several) for name in columns}
        made[LOGSOURCE] = made[LOGSOURCE].dictionary_encode()
        names = sorted(made)
        return pa.RecordBatch.from_arrays([made[name] for name in names], names)


_WHOLE = frozenset({LOGSOURCE, KEYWORDS})
"""Columns that are not fields."""

_Places = tuple[tuple[str, tuple[Getter, ...]], ...]


class _KindFields(NamedTuple):
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
