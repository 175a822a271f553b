"""What a mapping did not take of records: it belongs into ``unmapped``, in the vendor's own shape."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from watchfloor.normalize.rows import Column

_Record = dict[str, Any]
_Tree = dict[str, Any]
"""Names that are taken: ``None``, or the names below them that are."""

_DOT = re.compile(r"(?<!\\)\.")
_NOTHING: _Tree = {}
_SILENT = frozenset({type(None), dict, list})
"""What an empty value of says nothing."""
_OBJECTS = frozenset({dict})


class Consumed:
    """The paths that a mapping took."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._tree: _Tree = {}
        for path in paths:
            if "[" not in path:
                self._add(path)

    def _add(self, path: str) -> None:
        node = self._tree
        *branches, leaf = (part.replace("\\.", ".") for part in _DOT.split(path))
        for branch in branches:
            child = node.setdefault(branch, {})
            if child is None:
                return
            node = child
        node[leaf] = None

    def leftover(self, records: Column, keep: frozenset[str] = frozenset()) -> list[_Record]:
        """A column of records without what was consumed, without nulls and empty containers; paths in ``keep`` stay.

        >>> Consumed(["a.b"]).leftover(Column([{"a": {"b": 1, "c": 2}, "d": None}]))
        [{'a': {'c': 2}}]
        """
        return _leftover(records, self._tree, keep, "")


def _leftover(records: Column, tree: _Tree, keep: frozenset[str], prefix: str) -> list[_Record]:
    if records.shape is not None:
        return _alike(records, records.shape, tree, keep, prefix)
    shapes: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, record in enumerate(records.values):
        shapes[tuple(record)].append(place)
    left: list[_Record] = [{}] * len(records.values)
    for shape, places in shapes.items():
        alike = _alike(records.part(places), shape, tree, keep, prefix)
        for place, one in zip(places, alike, strict=True):
            left[place] = one
    return left


def _alike(records: Column, shape: tuple[str, ...], tree: _Tree, keep: frozenset[str], prefix: str) -> list[_Record]:
    """What is left of records that have the same names."""
    columns: dict[str, list[Any]] = {}
    partial: list[str] = []
    for name in shape:
        inside = _NOTHING if keep and prefix + name in keep else tree.get(name, _NOTHING)
        if inside is None:
            continue
        column = records.below(name)
        if inside and dict in column.types:
            column = _pruned(column, inside, keep, f"{prefix}{name}.")
        if not _SILENT.isdisjoint(column.types) and not all(column.values):
            if _SILENT.issuperset(column.types) and not any(column.values):
                continue
            partial.append(name)
        columns[name] = column.values
    if not columns:
        return [{}] * len(records.values)
    left = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for name in partial:
        for one, value in zip(left, columns[name], strict=True):
            if not value and not _says(value):
                del one[name]
    return left


def _pruned(column: Column, tree: _Tree, keep: frozenset[str], prefix: str) -> Column:
    """A column without what was taken of its objects."""
    if column.types == _OBJECTS:
        return Column(_leftover(column, tree, keep, prefix), _OBJECTS)
    objects = [value for value in column.values if isinstance(value, dict)]
    left = iter(_leftover(Column(objects, _OBJECTS), tree, keep, prefix))
    return Column([next(left) if isinstance(value, dict) else value for value in column.values], column.types)


def _says(value: Any) -> bool:
    """Whether an empty value says something, as ``false`` and 0 do."""
    return value is not None and not isinstance(value, dict | list)
