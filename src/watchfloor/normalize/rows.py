"""Records side by side: what stands at a path of each of them is a column, and is read and changed as one.

A column of thousands of rows mostly has few values: the kind of an event, a host, an account, a program. What a mapping
makes of a value it makes once for all rows that have it.
"""

# Else the annotations of inner functions are worked out anew for each one that is made, and that is thousands.
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import compress
from operator import itemgetter
from typing import Any

from watchfloor.normalize.coerce import text_of
from watchfloor.normalize.paths import MAX_GETTERS, Getter, below, joined, segments, step

NoneType = type(None)

_NOTHING = frozenset({NoneType})
_TEXTS = frozenset({str, NoneType})
_BY_VALUE = frozenset({str, int, NoneType})
"""Types of which equal values are the same value: ``True`` equals 1, and 1.0 does, and they are others all the same."""
_OBJECTS = frozenset({dict, NoneType})


class Column:
    """One value a row; ``None`` where there is none. Neither the list nor what is in it is ever changed."""

    __slots__ = ("_below", "_distinct", "_names", "_shape", "_types", "values")

    def __init__(self, values: list[Any], types: frozenset[type] | None = None) -> None:
        self.values = values
        self._types = types
        self._distinct: set[Any] | None = None
        self._shape: tuple[str, ...] | None = None
        self._names: frozenset[str] | None = None
        self._below: dict[str, Column] = {}

    @property
    def types(self) -> frozenset[type]:
        """The types of the values."""
        if self._types is None:
            self._types = frozenset(map(type, self.values))
        return self._types

    @property
    def is_empty(self) -> bool:
        """Whether no row has a value."""
        return self.types == _NOTHING

    @property
    def is_full(self) -> bool:
        """Whether each row has one."""
        return NoneType not in self.types

    @property
    def distinct(self) -> set[Any]:
        """The values of a column of texts and integers."""
        if self._distinct is None:
            self._distinct = set(self.values)
        return self._distinct

    @property
    def shape(self) -> tuple[str, ...] | None:
        """The names that each of a column of objects has, in this order; ``None`` if they do not all have the same."""
        self._look()
        return self._shape

    @property
    def names(self) -> frozenset[str]:
        """The names that some of a column of objects have."""
        return self._look()

    def _look(self) -> frozenset[str]:
        if self._names is None:
            objects = self.values if self.is_full else [one for one in self.values if one is not None]
            shape = tuple(objects[0])
            if self.is_full and all(map(len(shape).__eq__, map(len, objects))) and _is_shape(shape, objects):
                self._shape, self._names = shape, frozenset(shape)
            else:
                self._names = frozenset().union(*objects)
        return self._names

    def below(self, name: str) -> Column:
        """What the objects of a column of objects have under a name."""
        column = self._below.get(name)
        if column is None:
            column = self._below[name] = self._under(name)
        return column

    def _under(self, name: str) -> Column:
        if name not in self.names:
            return Column([None] * len(self.values), _NOTHING)
        if self._shape is not None:
            return Column(list(map(itemgetter(name), self.values)))
        return Column([None if one is None else one.get(name) for one in self.values])

    def each(self, make: Callable[[Any], Any], nothing: Any = None) -> Column:
        """The column of what is made of each value; rows that have none get ``nothing``.

        >>> Column(["a", None]).each(str.upper, "-").values
        ['A', '-']
        """
        if self.is_empty:
            return self if nothing is None else Column([nothing] * len(self.values))
        if make is text_of and nothing is None and self.types <= _TEXTS:
            return self

        def one(value: Any) -> Any:
            return nothing if value is None else make(value)

        return self._of_distinct(one) or Column(list(map(one if NoneType in self.types else make, self.values)))

    def _of_distinct(self, one: Callable[[Any], Any]) -> Column | None:
        """What is made of each value, made once of equal ones, if there are many."""
        values = self.values
        if self.is_by_value:
            if 2 * len(self.distinct) > len(values):
                return None
            made = {value: one(value) for value in self.distinct}
            types = frozenset(map(type, made.values()))
            return Column(
                [*made.values()] * len(values) if len(made) == 1 else list(map(made.__getitem__, values)), types
            )
        objects = dict(zip(map(id, values), values, strict=True))
        if 2 * len(objects) > len(values):
            return None
        made = {at: one(value) for at, value in objects.items()}
        return Column(list(map(made.__getitem__, map(id, values))))

    @property
    def is_by_value(self) -> bool:
        """Whether equal values are the same value."""
        return self.types <= _BY_VALUE

    def without(self, texts: frozenset[str]) -> Column:
        """The column without the values that are one of some texts."""
        types = self.types
        if str not in types or not texts or (types <= _BY_VALUE and texts.isdisjoint(self.distinct)):
            return self
        return Column([None if value.__class__ is str and value in texts else value for value in self.values])

    def part(self, places: Sequence[int]) -> Column:
        """The rows at some places."""
        return Column(part_of(self.values, places), self._types if self._types and len(self._types) == 1 else None)

    def filled(self, places: Sequence[int], more: Column) -> Column:
        """The column with values of another one at some places."""
        values = self.values.copy()
        for place, value in zip(places, more.values, strict=True):
            values[place] = value
        return Column(values)


def _is_shape(names: tuple[str, ...], objects: Sequence[dict[str, Any]]) -> bool:
    """Whether objects of as many names have these, in this order."""
    number = len(objects)
    return all(of_all.count(name) == number for name, of_all in zip(names, zip(*objects, strict=True), strict=True))


def part_of(values: list[Any], places: Sequence[int]) -> list[Any]:
    """The values at some places."""
    return list(itemgetter(*places)(values)) if len(places) > 1 else [values[place] for place in places]


class Place:
    """A path, as the one above it and the step from there; one object for each path."""

    __slots__ = ("above", "name", "step")

    def __init__(self, path: str) -> None:
        parts = segments(path)
        self.above = place(joined(parts[:-1])) if len(parts) > 1 else None
        name, selector = parts[-1]
        self.name = name if selector is None else None
        """The name that the path ends in, unless it is one with a selector."""
        self.step: Getter = step(name, selector)


@lru_cache(maxsize=MAX_GETTERS)
def place(path: str) -> Place:
    """The place that a path names.

    Raises:
        ValueError: The path is malformed.
    """
    return Place(path)


Mask = bool | list[bool]
"""Of which rows something is true: of all, of none, or said for each."""


class Rows:
    """Some records, and the columns of what was looked for in them.

    Args:
        absent: The texts by which the vendor says "no value".
        part_of: Rows that these are a part of, and their places: there, things are looked for once.
    """

    def __init__(
        self,
        records: Sequence[dict[str, Any]],
        absent: frozenset[str] = frozenset(),
        *,
        part_of: tuple[Rows, Sequence[int]] | None = None,
    ) -> None:
        self.records = Column(list(records), frozenset({dict}))
        self.number = len(records)
        self.nothing = Column([None] * self.number, _NOTHING)
        self._absent = absent
        self._found: dict[Place, Column] = {}
        self._present: dict[Place, Column] = {}
        self._whole = part_of

    def same(self, value: Any) -> Column:
        """A value for each row."""
        return Column([value] * self.number, frozenset({type(value)}))

    def at(self, where: Place) -> Column:
        """What stands at a place."""
        column = self._found.get(where)
        if column is None:
            column = self._found[where] = self._find(where) if self._whole is None else self._of_whole(Rows.at, where)
        return column

    def present(self, where: Place) -> Column:
        """What stands at a place, but for the texts that mean that nothing does."""
        column = self._present.get(where)
        if column is None:
            if self._whole is None:
                column = self.at(where).without(self._absent)
            else:
                column = self._of_whole(Rows.present, where)
            self._present[where] = column
        return column

    def _of_whole(self, look: Callable[[Rows, Place], Column], where: Place) -> Column:
        whole, places = self._whole  # type: ignore[misc]  # asked only of a part
        column = look(whole, where)
        return self.nothing if column.is_empty else column.part(places)

    def _find(self, where: Place) -> Column:
        above = self.records if where.above is None else self.at(where.above)
        if above.is_empty:
            return self.nothing
        if where.name is not None and above.types <= _OBJECTS:
            return above.below(where.name)
        take = where.step
        return Column([below(take, one) for one in above.values])

    def part(self, places: Sequence[int]) -> Rows:
        """The rows at some places."""
        return Rows(part_of(self.records.values, places), self._absent, part_of=(self, places))

    def of(self, records: Sequence[dict[str, Any]]) -> Rows:
        """Other records of the same vendor."""
        return Rows(records, self._absent)

    def where(self, mask: Mask, get: Callable[[Rows], Column]) -> Column:
        """A column of the rows that a mask is true of; the others have no value."""
        if isinstance(mask, list):
            places = places_of(mask)
            return self.nothing.filled(places, get(self.part(places)))
        return get(self) if mask else self.nothing


def places_of(mask: list[bool]) -> list[int]:
    """The places at which a mask is true."""
    return list(compress(range(len(mask)), mask))


def mask_of(column: Column) -> Mask:
    """The mask that a column of truth values is."""
    values = column.values
    first = values[0]
    return first if values.count(first) == len(values) else values


def both(one: Mask, other: Mask) -> Mask:
    """Of which rows both are true."""
    if isinstance(one, list) and isinstance(other, list):
        return [a and b for a, b in zip(one, other, strict=True)]
    return (other if one else False) if isinstance(one, bool) else (one if other else False)


def either(masks: Iterable[Mask]) -> Mask:
    """Of which rows one of some masks is true; no more of them are asked for than it takes."""
    found: Mask = False
    for one in masks:
        if one is True:
            return True
        if isinstance(one, list):
            found = [a or b for a, b in zip(found, one, strict=True)] if isinstance(found, list) else one
    return found
