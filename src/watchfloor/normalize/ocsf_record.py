"""Records that are OCSF already, of whichever version: kept as they are, and made whole by the version that we speak.

What 1.8.0 does not have, or has in another form, goes into ``unmapped``; a record that lacks what its class requires
becomes a Base Event.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from watchfloor.event import HOT, OCSF_VERSION
from watchfloor.normalize.choice import Columns
from watchfloor.normalize.coerce import coercer, integer
from watchfloor.normalize.made import Made, json_texts
from watchfloor.normalize.rows import Mask, Rows
from watchfloor.normalize.schema import (
    EventClass,
    ObjectType,
    all_profiles,
    class_keys,
    event_class,
    object_type,
    profiles_of,
)
from watchfloor.normalize.wholeness import repair, whole

_BASE_EVENT = 0
_OTHER = 99
_STAMPED = frozenset({"class_uid", "category_uid", "type_uid", "activity_id"})
_NAMES_OF_CLASS = frozenset({"class_name", "category_name", "type_name"})
_OURS = frozenset({"raw_data", "raw_data_size", "raw_data_hash", "unmapped"})
"""What stands in the record's own bytes, and what is kept elsewhere."""

Flat = dict[str, Any]


class OcsfMapping:
    """The mapping of OCSF onto itself, in the place of the entries of a ``source.yml``."""

    name = "ocsf"
    when_paths: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.event_class = event_class("base_event")

    def holds(self, _record: dict[str, Any]) -> bool:
        """It is for every record."""
        return True

    def holding(self, _rows: Rows) -> Mask:
        """It is for all of them."""
        return True

    def apply(self, rows: Rows, base: Columns) -> Iterator[Made]:
        """The events of records; ``base`` holds their times and uids, and a product for those that name none.

        Whatever came of a record is what it is.
        """
        given = [column.values for column in base.values()]
        names = list(base)
        groups: defaultdict[tuple[str, ...], list[tuple[int, Flat]]] = defaultdict(list)
        for at, (record, *values) in enumerate(zip(rows.records.values, *given, strict=True)):
            of_all = {name: value for name, value in zip(names, values, strict=True) if value is not None}
            row = _row(record, of_all)
            groups[tuple(row)].append((at, row))
        for made in groups.values():
            columns = {name: [row[name] for _, row in made] for name in made[0][1]}
            for name in ("rest", "unmapped"):
                columns[name] = [*json_texts(columns[name])]
            yield Made([at for at, _ in made], columns, fits=True)


def _row(record: dict[str, Any], base: Flat) -> Flat:
    owner, attributes = _made(record)
    activity = integer(record.get("activity_id"))
    activity = _OTHER if activity is None or str(activity) not in _activities(owner) else activity
    attributes |= {
        "class_uid": owner.uid,
        "category_uid": owner.category_uid,
        "activity_id": activity,
        "type_uid": owner.uid * 100 + activity,
        "metadata.version": OCSF_VERSION,
        "metadata.profiles": list(owner.profiles),
    }
    ours = {path: base[path] for path in ("time", "metadata.uid")}
    attributes = {**base, **attributes, **ours}
    unmapped = _unmapped(record, owner, attributes)
    rest = {path: attributes.pop(path) for path in list(attributes) if path not in HOT}
    return attributes | {"rest": rest, "unmapped": unmapped}


def _unmapped(record: dict[str, Any], owner: EventClass, made: Flat) -> dict[str, Any]:
    """What the record has beside OCSF, what was lost of it, and what it said of itself that is stamped anew."""
    own = record.get("unmapped")
    told = {name: value for name, value in record.items() if name not in _STAMPED | _OURS}
    stamped = {name: record[name] for name in sorted(_STAMPED) if name in record}
    anew = stamped if record.get("class_uid") != owner.uid else {}
    return {**(own if isinstance(own, dict) else {}), **(_lost(told, _nested(made)) or {}), **anew}


def _made(record: dict[str, Any]) -> tuple[EventClass, Flat]:
    """The class of a record and its attributes, whole."""
    key = class_keys().get(integer(record.get("class_uid")) or _BASE_EVENT)
    metadata = record.get("metadata")
    told = metadata.get("profiles") if isinstance(metadata, dict) else None
    needed = profiles_of(key, record) if key else ()
    named = tuple(one for one in told if isinstance(one, str)) if isinstance(told, list) else ()
    for profiles in ((*needed, *named), needed) if key else ():
        owner = event_class(key or "", _known(profiles))
        made = _attributes(record, owner)
        fix = repair(owner, frozenset(made) | _STAMPED | {"metadata.version", "metadata.product.name", "time"})
        if not fix.lacking:
            return owner, _fixed(made, fix.drop, fix.fill)
    owner = event_class("base_event", _known(profiles_of("base_event", record)))
    made = _attributes({name: value for name, value in record.items() if name not in _NAMES_OF_CLASS}, owner)
    fix = repair(owner, frozenset(made) | _STAMPED | {"metadata.version", "metadata.product.name", "time"})
    return owner, _fixed(made, fix.drop, fix.fill)


def _known(profiles: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(all_profiles().intersection(profiles)))


def _fixed(made: Flat, drop: frozenset[str], fill: dict[str, int]) -> Flat:
    return {path: value for path, value in made.items() if path not in drop} | fill


def _activities(owner: EventClass) -> frozenset[str]:
    return owner.type.attributes["activity_id"].enum


def _attributes(record: dict[str, Any], owner: EventClass) -> Flat:
    """The record's attributes that the class has, flat, each in its type."""
    flat: Flat = {}
    for name, value in record.items():
        attribute = owner.type.attributes.get(name)
        if attribute is None or name in _OURS or name in _STAMPED or value is None:
            continue
        made = whole(attribute, coercer(attribute)(value), owner.profiles)
        if made is not None:
            flat.update(_flat(name, made, owner.type, owner.profiles))
    return flat


def _flat(prefix: str, value: Any, owner: ObjectType, profiles: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """The leaves of a single object by dotted paths; lists and open objects are leaves."""
    attribute = owner.attributes[prefix.rpartition(".")[2]]
    if not isinstance(value, dict) or attribute.object_name is None or attribute.is_array:
        yield prefix, value
        return
    inner = object_type(attribute.object_name, profiles)
    if inner.is_open or any("." in name for name in value):
        yield prefix, value
        return
    for name, item in value.items():
        yield from _flat(f"{prefix}.{name}", item, inner, profiles)


def _nested(flat: Flat) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for path, value in flat.items():
        *branches, leaf = path.split(".")
        node = out
        for branch in branches:
            node = node.setdefault(branch, {})
        node[leaf] = value
    return out


def _lost(told: Any, made: Any) -> Any:
    """What of a record did not become part of the event; ``None`` if all did."""
    if isinstance(told, dict):
        of = made if isinstance(made, dict) else {}
        parts = {name: _lost(value, of.get(name)) for name, value in told.items()}
        return {name: part for name, part in parts.items() if part is not None} or None
    if isinstance(told, list) and isinstance(made, list) and len(told) == len(made):
        lost = [_lost(one, of) for one, of in zip(told, made, strict=True)]
        return lost if any(one is not None for one in lost) else None
    is_lost = made is None or (made == _OTHER and told != _OTHER)
    return told if is_lost and told not in ([], "") else None
