"""The ``native.*`` columns: vendor fields of decoded records, for the rules that name them."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from watchfloor.event import NATIVE
from watchfloor.native import KEYWORDS, LOGSOURCE, DecodePlan, encode_logsources
from watchfloor.normalize.coerce import text_of
from watchfloor.normalize.paths import Getter, getter
from watchfloor.normalize.source import Kind

MAX_DEPTH = 64
"""Nesting below which keyword search no longer looks; vendors nest less than ten deep."""

Texts = str | list[str] | None


class VendorFields:
    """Gathers the columns of one batch; ``plan`` says which fields are wanted."""

    def __init__(self, plan: DecodePlan) -> None:
        self._flat = frozenset(plan.fields)
        self._dotted: dict[str, list[tuple[str, Getter]]] = {}
        for field in sorted(plan.fields):
            if "." in field:
                self._dotted.setdefault(field.partition(".")[0], []).append((field, _getter(field)))
        self._keywords = plan.keywords
        self._getters: dict[str, Getter] = {}

    def read(self, record: dict[str, Any], kind: Kind) -> dict[str, Texts]:
        """The wanted fields of one decoded record, under their own names and those that its kind gives them."""
        found = self._own(record)
        for name, paths in kind.aliases.items():
            if name in self._flat and found.get(name) is None:
                found[name] = self._first(record, paths)
        for name, paths in kind.instead.items():
            if name in self._flat and (replacement := self._first(record, paths)) is not None:
                found[name] = replacement
        found[LOGSOURCE] = encode_logsources(kind.logsources)
        if self._keywords:
            found[KEYWORDS] = list(_leaves(record, MAX_DEPTH))
        return found

    def _own(self, record: dict[str, Any]) -> dict[str, Texts]:
        found: dict[str, Texts] = {}
        for key, value in record.items():
            if key in self._flat and value is not None:
                found[key] = _texts(value)
            if key in self._dotted:
                for field, get in self._dotted[key]:
                    if (value_at := get(record)) is not None:
                        found[field] = _texts(value_at)
        return found

    def _first(self, record: dict[str, Any], paths: tuple[str, ...]) -> Texts:
        for path in paths:
            if path.startswith("="):
                return path[1:]
            get = self._getters.get(path)
            if get is None:
                get = self._getters[path] = _getter(path)
            if (value := get(record)) is not None:
                return _texts(value)
        return None

    def columns(self, rows: list[dict[str, Texts]]) -> dict[str, pa.Array]:
        """The columns of a batch of records read before."""
        names = {name for row in rows for name in row}
        made = {}
        for name in sorted(names | {LOGSOURCE}):
            column = name if name in {LOGSOURCE, KEYWORDS} else NATIVE + name
            made[column] = _column([row.get(name) for row in rows], force_list=name == KEYWORDS)
        made[LOGSOURCE] = made[LOGSOURCE].dictionary_encode()
        return made


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


def _column(values: list[Texts], *, force_list: bool) -> pa.Array:
    if force_list or any(isinstance(value, list) for value in values):
        return pa.array([[value] if isinstance(value, str) else value for value in values], pa.list_(pa.string()))
    return pa.array(values, pa.string())


def _leaves(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, dict) and depth:
        for item in value.values():
            yield from _leaves(item, depth - 1)
    elif isinstance(value, list) and depth:
        for item in value:
            yield from _leaves(item, depth - 1)
    elif (text := text_of(value)) is not None:
        yield text
