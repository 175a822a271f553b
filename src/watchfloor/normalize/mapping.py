"""One entry of a source's mapping: from a decoded record to the flat attributes of one OCSF class."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from watchfloor.event import HOT, OCSF_VERSION
from watchfloor.normalize.coerce import Coercer, coercer, text_of
from watchfloor.normalize.condition import Condition, compile_condition
from watchfloor.normalize.expression import compile_expression, paths_of
from watchfloor.normalize.paths import Consumed, Getter, getters
from watchfloor.normalize.plan import Plans, Target
from watchfloor.normalize.schema import Attribute, EventClass, event_class, resolve
from watchfloor.normalize.wholeness import repair, whole
from watchfloor.normalize.words import basename

_MAX_OUTCOMES = 4096
_MAX_STAMPS = 128
_OTHER = 99
_KEYS = frozenset({"name", "when", "class", "profiles", "activity", "severity", "map", "entities"})


class Mapped(msgspec.Struct):
    """An event as flat, dotted OCSF attributes, what the mapping left, and entities that only the source can name.

    ``attributes`` are those with a column of their own, ``rest`` the others.
    """

    attributes: dict[str, Any]
    rest: dict[str, Any]
    unmapped: dict[str, Any]
    entities: dict[str, str]


class RecordMapping(Protocol):
    """What makes an event of a record: an entry of a source, or OCSF itself."""

    name: str
    event_class: EventClass
    when_paths: frozenset[str]

    def holds(self, record: dict[str, Any], /) -> bool:
        """Whether it is for a record."""

    def fits(self, mapped: Mapped, /) -> bool:
        """Whether the record met the requirements of the class."""

    def apply(self, record: dict[str, Any], base: dict[str, Any], /) -> Mapped:
        """Map one record; ``base`` holds time and metadata, which every class has."""


class _Outcome(NamedTuple):
    """What becomes of an event with certain attributes: its class, what it loses and gains, and unused paths.

    ``rest`` are the attributes that have no column; ``stamps`` what its class gives it, by activity.
    """

    owner: EventClass
    drop: frozenset[str]
    fill: dict[str, int]
    unused: frozenset[str]
    rest: tuple[str, ...]
    stamps: dict[int, dict[str, Any]]


class Shared(msgspec.Struct, frozen=True):
    """What all entries of a source have in common.

    ``attributes`` are set by each class that has them; ``entities`` maps the roles ``app`` and ``resource`` to
    expressions; ``absent`` are the texts by which the vendor says "no value"; ``taken`` are paths that became metadata;
    ``profiles`` and ``severity`` hold for the entries that name none.
    """

    attributes: Mapping[str, Any] = {}
    entities: Mapping[str, Any] = {}
    absent: frozenset[str] = frozenset()
    taken: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ("host",)
    severity: Any = 1


class EventMapping:
    """The compiled form of one entry under ``events`` of a ``source.yml``.

    Raises:
        ValueError: The entry is malformed, or names an attribute that its class does not have.
    """

    def __init__(self, definition: Mapping[str, Any], shared: Shared) -> None:
        absent = shared.absent
        if extra := sorted(set(definition) - _KEYS):
            raise ValueError(f"unknown key {extra[0]!r}; an event takes {', '.join(sorted(_KEYS))}")
        self.name = str(definition.get("name") or definition.get("class"))
        self.holds: Condition = compile_condition(definition.get("when"))
        self.when_paths = _when_paths(definition.get("when"))
        profiles = tuple(sorted(definition.get("profiles", shared.profiles)))
        self.event_class = _class(definition.get("class"), profiles)
        self._activity = _number(definition.get("activity", _OTHER), absent)
        self._severity = _number(definition.get("severity", shared.severity), absent)
        self._targets = [*_common_targets(shared.attributes, self.event_class, absent, definition.get("map") or {})]
        self._targets += [
            _target(path, one, self.event_class, absent) for path, one in (definition.get("map") or {}).items()
        ]
        self._plans = Plans(self._targets, absent)
        paths = (target.path for target in self._targets)
        self._files = [(path, path[:-4] + "name") for path in paths if path.endswith("file.path")]
        self._product = [target.path for target in self._targets if target.path.startswith("metadata.product.")]
        self._taken = frozenset(shared.taken)
        self._consumed = Consumed([*shared.taken, *(path for target in self._targets for path in target.sources)])
        self._entities = _entities({**shared.entities, **(definition.get("entities") or {})}, absent)
        self._fallback = event_class("base_event", tuple(sorted({"host", *(p for p in profiles if p == "cloud")})))
        numbers = self._fallback.type.attributes.items()
        self._refit = [(name, coercer(one)) for name, one in numbers if one.enum and name not in _STAMPED]
        self._outcomes: dict[tuple[str, ...], _Outcome] = {}

    def fits(self, mapped: Mapped) -> bool:
        """Whether the record met the requirements of this entry's class."""
        return bool(mapped.attributes["class_uid"] == self.event_class.uid)

    def apply(self, record: dict[str, Any], base: dict[str, Any]) -> Mapped:
        """Map one record; ``base`` holds time and metadata, which every class has.

        A record that lacks what the class requires becomes a Base Event.
        """
        attributes = self._attributes(record)
        # Of a format that any product writes, the record says which one.
        product = {path: attributes[path] for path in self._product if path in attributes}
        attributes.update(base | product if product else base)
        attributes["severity_id"] = self._severity(record) or 1
        made, rest, unused = self._whole(attributes, record)
        entities = self._entities.attributes(record)
        return Mapped(made, rest, self._consumed.leftover(record, unused), entities)

    def _attributes(self, record: dict[str, Any]) -> dict[str, Any]:
        attributes = self._plans.attributes(record)
        for path, name_path in self._files:
            if path in attributes and name_path not in attributes and (name := basename(attributes[path])):
                attributes[name_path] = name
        return attributes

    def _whole(
        self, attributes: dict[str, Any], record: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any], frozenset[str]]:
        """The event with its class, what of it has no column, and the paths that gave it nothing.

        If the class's own requirements are not met, it is a Base Event.
        """
        key = tuple(attributes)
        outcome = self._outcomes.get(key)
        if outcome is None:
            if len(self._outcomes) >= _MAX_OUTCOMES:
                self._outcomes.clear()
            outcome = self._outcomes[key] = self._outcome(key)
        owner, drop, fill, unused, without_column, stamps = outcome
        if owner is not self.event_class:
            # A number of the class's own (a finding is "resolved") means nothing in a Base Event.
            attributes |= {name: coerce(attributes[name]) for name, coerce in self._refit if name in attributes}
        activity = self._activity(record) if owner is self.event_class else _OTHER
        stamp = stamps.get(activity)
        if stamp is None:
            stamp = _stamp(owner, activity)
            if len(stamps) < _MAX_STAMPS:
                stamps[activity] = stamp
        attributes |= stamp
        for path in drop:
            del attributes[path]
        attributes |= fill
        rest = {path: attributes.pop(path) for path in without_column}
        return attributes, rest, unused

    def _outcome(self, attributes: tuple[str, ...]) -> _Outcome:
        owner, present = self.event_class, frozenset(attributes) | _STAMPED
        fix, strange = repair(owner, present), frozenset[str]()
        if fix.lacking:
            owner = self._fallback
            strange = frozenset(path for path in present if path.partition(".")[0] not in owner.type.attributes)
            fix = repair(owner, present - strange)
        drop = strange | fix.drop
        made = dict.fromkeys([*(one for one in [*attributes, *_stamp(owner, _OTHER)] if one not in drop), *fix.fill])
        rest = tuple(path for path in made if path not in HOT)
        return _Outcome(owner, drop, fix.fill, self._unused(present - drop), rest, {})

    def _unused(self, made: frozenset[str]) -> frozenset[str]:
        used = self._taken.union(*(target.sources for target in self._targets if target.path in made))
        return frozenset(path for target in self._targets for path in target.sources if path not in used)


_STAMPED = frozenset({"class_uid", "category_uid", "activity_id", "type_uid", "metadata.version", "metadata.profiles"})
"""What each event has of its class."""


def _stamp(owner: EventClass, activity: int) -> dict[str, Any]:
    enum = owner.type.attributes["activity_id"].enum
    activity = activity if str(activity) in enum else _OTHER
    return {
        "class_uid": owner.uid,
        "category_uid": owner.category_uid,
        "activity_id": activity,
        "type_uid": owner.uid * 100 + activity,
        "metadata.version": OCSF_VERSION,
        "metadata.profiles": list(owner.profiles),
    }


def _class(name: Any, profiles: tuple[str, ...]) -> EventClass:
    try:
        return event_class(str(name), profiles)
    except KeyError:
        raise ValueError(f"OCSF {OCSF_VERSION} has no class {name!r}") from None


def _number(definition: Any, absent: frozenset[str]) -> Any:
    if isinstance(definition, int):
        return lambda _record: definition
    get = compile_expression(definition, absent)

    def number(record: dict[str, Any]) -> int:
        value = get(record)
        return value if isinstance(value, int) else _OTHER

    return number


def _target(path: str, definition: Any, owner: EventClass, absent: frozenset[str]) -> Target:
    try:
        attribute = resolve(owner.type, path, owner.profiles)
    except KeyError as error:
        raise ValueError(f"{path}: {error.args[0]} (class {owner.name}, profiles {list(owner.profiles)})") from None
    try:
        compile_expression(definition, absent)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None
    return Target(path, definition, _complete(attribute, owner.profiles), tuple(paths_of(definition)))


def _complete(attribute: Attribute, profiles: tuple[str, ...]) -> Coercer:
    coerce = coercer(attribute)
    return coerce if attribute.object_name is None else lambda value: whole(attribute, coerce(value), profiles)


def _common_targets(
    common: Mapping[str, Any], owner: EventClass, absent: frozenset[str], own: Mapping[str, Any]
) -> list[Target]:
    """The common attributes that this class has and that the entry does not set itself."""
    targets = []
    for path, definition in common.items():
        if path in own or path.partition(".")[0] not in owner.type.attributes:
            continue
        targets.append(_target(path, definition, owner, absent))
    return targets


def _entities(definition: Mapping[str, Any], absent: frozenset[str]) -> Plans:
    if extra := sorted(set(definition) - {"app", "resource"}):
        raise ValueError(f"entities: a source names app and resource; {extra[0]!r} is resolved from OCSF attributes")
    for one in definition.values():
        compile_expression(one, absent)
    return Plans([Target(role, one, _entity(role)) for role, one in definition.items()], absent)


def _entity(role: str) -> Coercer:
    def entity(value: Any) -> str | None:
        text = text_of(value)
        return f"{role}:{text}" if text else None

    return entity


def _when_paths(when: Any) -> frozenset[str]:
    options = when if isinstance(when, list) else [when or {}]
    return frozenset(path for option in options for path in option)


def kind_getter(paths: list[str]) -> Getter:
    """The key by which the entries of a source are told apart quickly: the texts at ``paths``."""
    values = getters(paths)

    def key(record: dict[str, Any]) -> tuple[str | None, ...]:
        # Most are text: to ask for that alone is quicker.
        return tuple([one if one is None or one.__class__ is str else text_of(one) for one in values(record)])

    return key
