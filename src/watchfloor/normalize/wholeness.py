"""Makes an event whole by the schema: fills what has an "unknown", and gives up what cannot be completed.

The answer depends on which attributes are present, never on their values, so it is computed once for each set.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from watchfloor.normalize.coerce import Coercer, coercer
from watchfloor.normalize.schema import Attribute, EventClass, ObjectType, missing, object_type


class Repair(msgspec.Struct, frozen=True):
    """What to add, what to drop, and whether the class still stands; ``lacking`` says what it would need."""

    fill: dict[str, int]
    drop: frozenset[str]
    lacking: tuple[str, ...] = ()


def repair(owner: EventClass, present: frozenset[str]) -> Repair:
    """The repair of an event of class ``owner`` with these dotted attributes.

    >>> from watchfloor.normalize.schema import event_class
    >>> base = frozenset({"time", "class_uid", "category_uid", "type_uid", "activity_id", "severity_id",
    ...                   "metadata.version", "metadata.product.name"})
    >>> repair(event_class("authentication"), base | {"user.name"}).lacking
    ('service|dst_endpoint',)
    >>> repair(event_class("file_activity", ("host",)), base | {"device.hostname", "file.name"}).fill
    {'device.type_id': 0, 'file.type_id': 0}
    >>> repair(event_class("http_activity"), base | {"http_request.url.categories"}).lacking
    ('http_request|http_response',)
    """
    fill: dict[str, int] = {}
    drop: set[str] = set()
    lacking = _check(owner.type, owner.profiles, "", present, fill, drop)
    return Repair(fill, frozenset(drop), lacking)


def _check(  # noqa: PLR0917 - one recursion, its state beside it
    owner: ObjectType,
    profiles: tuple[str, ...],
    prefix: str,
    present: Iterable[str],
    fill: dict[str, int],
    drop: set[str],
) -> tuple[str, ...]:
    if owner.is_open:
        return ()
    children: dict[str, list[str]] = {}
    for path in sorted(present):  # sorted, so that the same event is the same bytes in every run
        head, _, rest = path.partition(".")
        children.setdefault(head, []).append(rest)
    for name, below in list(children.items()):
        attribute = owner.attributes[name]
        if below == [""] or attribute.object_name is None or attribute.is_array:
            continue
        nested = object_type(attribute.object_name, profiles)
        inner: dict[str, int] = {}
        if _check(nested, profiles, f"{prefix}{name}.", below, inner, drop):
            drop.update(f"{prefix}{name}.{rest}" for rest in below)
            del children[name]
        elif all(f"{prefix}{name}.{rest}" in drop for rest in below):
            del children[name]  # all that it had was in objects that could not be completed
        else:
            fill.update(inner)
    for name in missing(owner, children):
        unknown = _unknown(owner.attributes.get(name))
        if unknown is not None:
            fill[prefix + name] = unknown
            children[name] = [""]
    return missing(owner, children)


def _unknown(attribute: Attribute | None) -> int | None:
    if attribute is None or attribute.type != "integer_t":
        return None
    return next((int(value) for value in ("0", "99") if value in attribute.enum), None)


def whole(attribute: Attribute, value: Any, profiles: tuple[str, ...]) -> Any:
    """An object, or a list of objects, without the attributes and elements that the schema would refuse.

    Returns ``None`` if nothing is left.
    """
    if attribute.object_name is None or value is None:
        return value
    owner = object_type(attribute.object_name, profiles)
    if attribute.is_array:
        kept = [one for one in (_whole_object(owner, item, profiles) for item in value) if one]
        return kept or None
    return _whole_object(owner, value, profiles)


def _whole_object(owner: ObjectType, value: Any, profiles: tuple[str, ...]) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    if owner.is_open:
        return value
    made = {name: item for name, item in _attributes(owner, value, profiles) if item is not None}
    lacking = missing(owner, made)
    for name in lacking:
        unknown = _unknown(owner.attributes.get(name))
        if unknown is not None:
            made[name] = unknown
    return None if lacking and missing(owner, made) else made


def _attributes(owner: ObjectType, value: dict[str, Any], profiles: tuple[str, ...]) -> Iterable[tuple[str, Any]]:
    coercers = _coercers(owner.name, profiles)
    for name, item in value.items():
        if name in coercers:
            yield name, whole(owner.attributes[name], coercers[name](item), profiles)


@lru_cache(maxsize=1024)
def _coercers(name: str, profiles: tuple[str, ...]) -> dict[str, Coercer]:
    """What turns vendor values into those of the attributes of an object."""
    return {key: coercer(attribute) for key, attribute in object_type(name, profiles).attributes.items()}
