"""The OCSF schema as tables: which attributes a class has, of which type, and what makes an object whole."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import msgspec
import ocsf_json_schema
import orjson

from watchfloor.event import OCSF_VERSION

JsonObject = Mapping[str, Any]


class Attribute(msgspec.Struct, frozen=True):
    """One attribute: its OCSF type, whether it is a list, its enumeration, and the object it holds."""

    name: str
    type: str
    is_array: bool = False
    required: bool = False
    enum: frozenset[str] = frozenset()
    object_name: str | None = None


class ObjectType(msgspec.Struct, frozen=True):
    """A class or an object: its attributes, which it must have, and what JSON Schema calls anyOf and oneOf."""

    name: str
    attributes: dict[str, Attribute]
    required: tuple[str, ...] = ()
    at_least_one: tuple[str, ...] = ()
    just_one: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the object takes any keys (``unmapped``, ``enrichment.data``)."""
        return not self.attributes


class EventClass(msgspec.Struct, frozen=True):
    """An OCSF class under a set of profiles."""

    name: str
    uid: int
    category_uid: int
    profiles: tuple[str, ...]
    type: ObjectType


@lru_cache(maxsize=1)
def _schema() -> JsonObject:
    # The JSON form, not the package's pickles: nothing read is ever unpickled.
    text = (resources.files(ocsf_json_schema) / "ocsf" / f"{OCSF_VERSION}.json").read_bytes()
    schema: JsonObject = orjson.loads(text)
    return schema


@lru_cache(maxsize=256)
def event_class(name: str, profiles: tuple[str, ...] = ()) -> EventClass:
    """A class by its key; a Windows class may leave its ``win/`` prefix out.

    Raises:
        KeyError: There is no such class.
    """
    classes = _schema()["classes"]
    key = name if name in classes else f"win/{name}"
    definition = classes[key]
    return EventClass(
        key, definition["uid"], definition["category_uid"], profiles, _object_type(key, definition, profiles)
    )


@lru_cache(maxsize=1)
def class_keys() -> dict[int, str]:
    """The key of each class by its uid."""
    return {definition["uid"]: key for key, definition in _schema()["classes"].items()}


@lru_cache(maxsize=1)
def all_profiles() -> frozenset[str]:
    """The names of the profiles that there are."""
    return frozenset(_schema()["profiles"])


def profiles_of(key: str, names: Iterable[str]) -> tuple[str, ...]:
    """The profiles without which a class would not have some of these attributes, the first where several give one."""
    attributes = _schema()["classes"][key]["attributes"]
    giving = (attributes[name].get("profiles") for name in names if name in attributes)
    return tuple(sorted({profiles[0] for profiles in giving if profiles}))


@lru_cache(maxsize=1024)
def object_type(name: str, profiles: tuple[str, ...] = ()) -> ObjectType:
    """An object by its name, e.g. ``network_endpoint``."""
    return _object_type(name, _schema()["objects"][name], profiles)


def _object_type(name: str, definition: JsonObject, profiles: tuple[str, ...]) -> ObjectType:
    attributes = {
        key: _attribute(key, attribute)
        for key, attribute in definition.get("attributes", {}).items()
        if not attribute.get("profiles") or set(attribute["profiles"]) & set(profiles)
    }
    constraints = definition.get("constraints") or {}
    return ObjectType(
        name,
        attributes,
        tuple(key for key, attribute in attributes.items() if attribute.required),
        tuple(constraints.get("at_least_one", ())),
        tuple(constraints.get("just_one", ())),
    )


def _attribute(name: str, definition: JsonObject) -> Attribute:
    return Attribute(
        name=name,
        type=definition["type"],
        is_array=bool(definition.get("is_array")),
        required=definition.get("requirement") == "required",
        enum=frozenset(definition.get("enum") or ()),
        object_name=definition.get("object_type"),
    )


def resolve(owner: ObjectType, path: str, profiles: tuple[str, ...]) -> Attribute:
    """The attribute that a dotted path names below a class or object.

    Raises:
        KeyError: The path leaves the schema; the message is the part that does not exist.
    """
    head, _, rest = path.partition(".")
    attribute = owner.attributes.get(head)
    if attribute is None:
        if owner.is_open:
            return Attribute(head, "json_t")
        raise KeyError(f"{owner.name} has no attribute {head!r}")
    if not rest:
        return attribute
    if attribute.object_name is None or attribute.is_array:
        raise KeyError(f"{owner.name}.{head} is not a single object")
    return resolve(object_type(attribute.object_name, profiles), rest, profiles)


class ScalarType(msgspec.Struct, frozen=True):
    """An OCSF type below the objects: its JSON base type and what restricts it."""

    base: str
    pattern: str | None = None
    max_length: int | None = None
    range: tuple[float, float] | None = None


@lru_cache(maxsize=128)
def scalar_type(name: str) -> ScalarType:
    """The base type, pattern, length and range of an OCSF type, e.g. ``port_t``."""
    definition = _schema()["dictionary"]["types"]["attributes"][name]
    span = definition.get("range")
    return ScalarType(
        definition.get("type", name),
        definition.get("regex"),
        definition.get("max_len"),
        (span[0], span[1]) if span else None,
    )


Matches = Callable[[str], object]


@lru_cache(maxsize=64)
def pattern(name: str) -> Matches:
    """A search for the pattern of an OCSF string type; true for a type that has none."""
    expression = scalar_type(name).pattern
    return re.compile(expression).search if expression else lambda _text: True


def missing(owner: ObjectType, present: Iterable[str]) -> tuple[str, ...]:
    """What an object with these attributes lacks: names, or ``a|b|c`` where one of several is needed."""
    have = set(present)
    lacking = [name for name in owner.required if name not in have]
    if owner.at_least_one and not have & set(owner.at_least_one):
        lacking.append("|".join(owner.at_least_one))
    if owner.just_one and len(have & set(owner.just_one)) != 1:
        lacking.append("|".join(owner.just_one))
    return tuple(lacking)
