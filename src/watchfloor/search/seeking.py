"""What needles an event has that a condition holds of, and which row groups can have it by the needle index."""

from collections.abc import Collection
from ipaddress import ip_network

import msgspec

from watchfloor.search.condition import entity_ids, hash_value
from watchfloor.search.fields import Column, Entities, Group, Hash, field_of_events
from watchfloor.search.syntax import Test, Value
from watchfloor.store.lake import Snapshot
from watchfloor.store.lakefile import LakeFile
from watchfloor.store.needlefile import Needles, Span, open_needles
from watchfloor.store.needles import COLUMNS, entity_number, network_name, number


class OneOf(msgspec.Struct, frozen=True):
    """An event has one of these needles, by their numbers."""

    numbers: frozenset[int]


class AllOf(msgspec.Struct, frozen=True):
    """All of the parts hold of an event."""

    parts: "tuple[Wanted, ...]"


class AnyOf(msgspec.Struct, frozen=True):
    """One of the parts holds of an event."""

    parts: "tuple[Wanted, ...]"


WHOLE = 16
"""As many row groups as it takes the time of to open a file and look through it."""

Wanted = OneOf | AllOf | AnyOf


class Part(msgspec.Struct, frozen=True):
    """What of a file has to be read: row groups, with the times of each; ``None``: all of it."""

    file: LakeFile
    groups: tuple[int, ...] | None = None
    spans: tuple[Span, ...] | None = None

    @property
    def count(self) -> int:
        """How many row groups that are, as far as is known; a file of which nothing is known counts as many."""
        return WHOLE if self.groups is None else len(self.groups)

    @property
    def high(self) -> int:
        """No event of it is later (ms), as far as is known."""
        return self.file.high if self.spans is None else max(high for _, high in self.spans)


def both(one: Wanted | None, other: Wanted | None) -> Wanted | None:
    """What holds of an event that both hold of; ``None``: anything."""
    if one is None or other is None:
        return other if one is None else one
    return AllOf((*_parts(one, AllOf), *_parts(other, AllOf)))


def either(one: Wanted | None, other: Wanted | None) -> Wanted | None:
    """What holds of an event that one of them holds of."""
    if one is None or other is None:
        return None
    if isinstance(one, OneOf) and isinstance(other, OneOf):
        return OneOf(one.numbers | other.numbers)
    return AnyOf((*_parts(one, AnyOf), *_parts(other, AnyOf)))


def _parts(one: Wanted, kind: type[AllOf | AnyOf]) -> tuple[Wanted, ...]:
    return one.parts if isinstance(one, kind) else (one,)


def wanted(test: Test) -> Wanted | None:
    """What needles an event has that a test holds of; ``None``: it may have any."""
    found: set[int] = set()
    for value in test.values:
        numbers = _numbers(test, value)
        if numbers is None:
            return None
        found.update(numbers)
    return OneOf(frozenset(found))


def part_of(snapshot: Snapshot, file: LakeFile, wanted: Wanted, low: int | None, high: int | None) -> Part:
    """What of a file can hold such an event of a time (ms, both ends included); without an index of use, all of it."""
    index = open_needles(snapshot.folder / file.path, size=file.size)
    if index is None:
        return Part(file)
    with index:
        found = _groups(index, wanted)
        if found is None:
            return Part(file)
        spans = {group: index.spans[group] for group in sorted(found)}
    inside = {at: span for at, span in spans.items() if _meets(span, low, high)}
    return Part(file, tuple(inside), tuple(inside.values()))


def _meets(span: Span, low: int | None, high: int | None) -> bool:
    return (high is None or span[0] <= high) and (low is None or span[1] >= low)


def _groups(index: Needles, wanted: Wanted) -> set[int] | None:
    match wanted:
        case OneOf(numbers):
            return index.groups(numbers)
        case AllOf(parts):
            known = [found for part in parts if (found := _groups(index, part)) is not None]
            return set.intersection(*known) if known else None
        case AnyOf(parts):
            some = [_groups(index, part) for part in parts]
            return None if None in some else set[int]().union(*(one for one in some if one is not None))


def _numbers(test: Test, value: Value) -> Collection[int] | None:
    """One of these is a needle of the event; ``None``: it may have any."""
    if test.operator not in {":", "="}:
        return None
    field = field_of_events(test.field)
    if isinstance(field, Hash):
        return [number(hash_value(test.operator, value))]
    if value.is_pattern and test.operator == ":":
        return None
    if isinstance(field, Entities):
        return None if value.is_pattern else list(map(entity_number, entity_ids(test.operator, value)))
    columns = field.columns if isinstance(field, Group) else (field,)
    found = [_of_column(column, value) if isinstance(column, Column) else None for column in columns]
    return None if None in found else [one for one in found if one is not None]


def _of_column(column: Column, value: Value) -> int | None:
    if column.name not in COLUMNS:
        return None
    if column.is_address and not value.quoted and "/" in value.text:
        name = network_name(ip_network(value.text, strict=False))
        return None if name is None else number(name)
    return number(value.text)
