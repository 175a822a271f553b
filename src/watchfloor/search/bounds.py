"""Which files can hold what a condition asks for, by what the manifest says of them."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TypeVar

import msgspec

from watchfloor.search.condition import hash_value, when
from watchfloor.search.seeking import Part, Wanted, both, either, part_of, wanted
from watchfloor.search.syntax import And, Condition, Or, Test, Value
from watchfloor.store.hashes import may_hold
from watchfloor.store.lake import Snapshot
from watchfloor.store.lakefile import LakeFile

T = TypeVar("T")


class Bounds(msgspec.Struct, frozen=True):
    """What holds of every event of a result; ``None``: anything.

    ``low`` and ``high`` are times (ms), both included; an event has one of ``sources``, one of ``classes``, one of
    ``hashes``, and the needles that are ``wanted``.
    """

    low: int | None = None
    high: int | None = None
    sources: frozenset[str] | None = None
    classes: frozenset[int] | None = None
    hashes: frozenset[str] | None = None
    wanted: Wanted | None = None

    def both(self, other: "Bounds") -> "Bounds":
        """What holds where both hold."""
        return Bounds(
            _pick(max, self.low, other.low),
            _pick(min, self.high, other.high),
            _pick(frozenset.intersection, self.sources, other.sources),
            _pick(frozenset.intersection, self.classes, other.classes),
            # Two hashes of one event are two hashes: to have either is all that is known.
            self.hashes if self.hashes is not None else other.hashes,
            both(self.wanted, other.wanted),
        )

    def either(self, other: "Bounds") -> "Bounds":
        """What holds where one of them holds."""
        return Bounds(
            _weaker(min, self.low, other.low),
            _weaker(max, self.high, other.high),
            _weaker(frozenset.union, self.sources, other.sources),
            _weaker(frozenset.union, self.classes, other.classes),
            _weaker(frozenset.union, self.hashes, other.hashes),
            either(self.wanted, other.wanted),
        )

    def parts(self, snapshot: Snapshot) -> list[Part]:
        """What of a snapshot can hold such an event."""
        return self.parts_of(snapshot, self.steps(snapshot)[-1][1])

    def parts_of(self, snapshot: Snapshot, files: Sequence[LakeFile]) -> list[Part]:
        """What of some files can hold such an event, by their needle indexes."""
        if self.wanted is None:
            return list(map(Part, files))
        parts = (part_of(snapshot, one, self.wanted, self.low, self.high) for one in files)
        return [part for part in parts if part.groups is None or part.groups]

    def steps(self, snapshot: Snapshot) -> list[tuple[str, list[LakeFile]]]:
        """The files that are left after each thing that is known, in this order."""
        files = list(snapshot.files)
        steps = []
        for name, keeps in (
            ("time", lambda one: one.overlaps(self.low, self.high)),
            ("source", lambda one: _meets(one.sources, self.sources)),
            ("class", lambda one: _meets(one.classes, self.classes)),
        ):
            files = [one for one in files if keeps(one)]
            steps.append((name, files))
        if self.hashes is not None:
            lists = snapshot.hashes(files)
            files = [
                one
                for one in files
                if any(one.path not in lists or may_hold(lists[one.path], value) for value in self.hashes)
            ]
        return [*steps, ("hash", files)]


def bounds(condition: Condition, now: int) -> Bounds:
    """What a condition says of every event that it holds of."""
    match condition:
        case And(parts):
            return reduce(Bounds.both, (bounds(part, now) for part in parts), Bounds())
        case Or(parts):
            return reduce(Bounds.either, (bounds(part, now) for part in parts))
        case Test(field, operator, values) if field.text in _BOUNDING:
            known = reduce(Bounds.either, (_BOUNDING[field.text](operator, value, now) for value in values))
            return msgspec.structs.replace(known, wanted=wanted(condition))
        case Test():
            return Bounds(wanted=wanted(condition))
        case _:
            return Bounds()


def _time(operator: str, value: Value, now: int) -> Bounds:
    first, last = when(value, now)
    match operator:
        case ">=":
            return Bounds(low=first)
        case ">":
            return Bounds(low=last + 1)
        case "<":
            return Bounds(high=first - 1)
        case "<=":
            return Bounds(high=last)
        case _:
            return Bounds(low=first, high=last)


def _source(operator: str, value: Value, _now: int) -> Bounds:
    # Names of log sources are in lower case, but nothing says so to who asks with ":".
    exact = operator == "=" or (operator == ":" and not value.is_pattern and value.text == value.text.lower())
    return Bounds(sources=frozenset([value.text])) if exact and value.text.islower() else Bounds()


def _class(operator: str, value: Value, _now: int) -> Bounds:
    exact = operator in {":", "="} and value.text.isascii() and value.text.isdigit() and len(value.text) < 18
    return Bounds(classes=frozenset([int(value.text)])) if exact else Bounds()


def _hash(operator: str, value: Value, _now: int) -> Bounds:
    return Bounds(hashes=frozenset([hash_value(operator, value)]))


_BOUNDING: dict[str, Callable[[str, Value, int], Bounds]] = {
    "time": _time,
    "source": _source,
    "class_uid": _class,
    "hash": _hash,
}


def _pick(choose: Callable[[T, T], T], one: T | None, other: T | None) -> T | None:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)


def _weaker(choose: Callable[[T, T], T], one: T | None, other: T | None) -> T | None:
    return None if one is None or other is None else choose(one, other)


def _meets(held: Sequence[T], wanted: frozenset[T] | None) -> bool:
    return wanted is None or not held or any(one in wanted for one in held)
