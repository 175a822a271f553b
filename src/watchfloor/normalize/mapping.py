"""One entry of a source's mapping: from decoded records of one kind to the flat attributes of one OCSF class."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from watchfloor.event import HOT, OCSF_VERSION
from watchfloor.normalize.choice import Columns
from watchfloor.normalize.coerce import Coercer, coercer, text_of
from watchfloor.normalize.condition import compile_condition, compile_holding
from watchfloor.normalize.expression import Expression, compile_expression, paths_of, reads_of
from watchfloor.normalize.leftover import Consumed
from watchfloor.normalize.made import Made, Values, alike, json_texts
from watchfloor.normalize.paths import Getter, first_name, getters
from watchfloor.normalize.rows import Column, Rows
from watchfloor.normalize.schema import Attribute, EventClass, event_class, resolve
from watchfloor.normalize.wholeness import repair, whole
from watchfloor.normalize.words import basename

_MAX_OUTCOMES = 4096
_OTHER = 99
_KEYS = frozenset({"name", "when", "class", "profiles", "activity", "severity", "map", "entities"})


class _Target(NamedTuple):
    """An attribute of an event, the expression that its value comes from, and the paths that this takes it from.

    ``names`` are those that a record must have one of to give a value; ``None`` if it need not.
    """

    path: str
    get: Expression
    coerce: Coercer
    sources: tuple[str, ...]
    names: frozenset[str] | None


class _Outcome(NamedTuple):
    """What becomes of an event with certain attributes: its class, what it loses and gains, and unused paths.

    ``rest`` are the attributes that have no column.
    """

    owner: EventClass
    drop: frozenset[str]
    fill: dict[str, int]
    unused: frozenset[str]
    rest: tuple[str, ...]


class Shared(msgspec.Struct, frozen=True):
    """What all entries of a source have in common.

    ``attributes`` are set by each class that has them; ``entities`` maps the roles ``app`` and ``resource`` to
    expressions; ``taken`` are paths that became metadata; ``profiles`` and ``severity`` hold for the entries that name
    none.
    """

    attributes: Mapping[str, Any] = {}
    entities: Mapping[str, Any] = {}
    taken: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ("host",)
    severity: Any = 1


class EventMapping:
    """The compiled form of one entry under ``events`` of a ``source.yml``.

    Raises:
        ValueError: The entry is malformed, or names an attribute that its class does not have.
    """

    def __init__(self, definition: Mapping[str, Any], shared: Shared) -> None:
        if extra := sorted(set(definition) - _KEYS):
            raise ValueError(f"unknown key {extra[0]!r}; an event takes {', '.join(sorted(_KEYS))}")
        self.name = str(definition.get("name") or definition.get("class"))
        self.holds = compile_condition(definition.get("when"))
        self.holding = compile_holding(definition.get("when"))
        self.when_paths = _when_paths(definition.get("when"))
        profiles = tuple(sorted(definition.get("profiles", shared.profiles)))
        self.event_class = _class(definition.get("class"), profiles)
        self._activity = _number(definition.get("activity", _OTHER))
        self._severity = _number(definition.get("severity", shared.severity))
        own = definition.get("map") or {}
        self._targets = [*_common_targets(shared.attributes, self.event_class, own)]
        self._targets += [_target(path, one, self.event_class) for path, one in own.items()]
        paths = [target.path for target in self._targets]
        self._files = [(path, path[:-4] + "name") for path in paths if path.endswith("file.path")]
        self._product = frozenset(path for path in paths if path.startswith("metadata.product."))
        self._taken = frozenset(shared.taken)
        self._consumed = Consumed([*shared.taken, *(path for target in self._targets for path in target.sources)])
        self._entities = _entities({**shared.entities, **(definition.get("entities") or {})})
        self._fallback = event_class("base_event", tuple(sorted({"host", *(p for p in profiles if p == "cloud")})))
        numbers = self._fallback.type.attributes.items()
        self._refit = [(name, coercer(one)) for name, one in numbers if one.enum and name not in _STAMPED]
        self._outcomes: dict[tuple[str, ...], _Outcome] = {}

    def apply(self, rows: Rows, base: Columns) -> Iterator[Made]:
        """Map records; ``base`` holds time and metadata, which every class has.

        Those that lack what the class requires become Base Events.
        """
        entities = {f"entity.{one}": column for one, column in _values(self._entities, rows).items()}
        for places, attributes in alike([*self._attributes(rows, base)], rows.number):
            every = len(places) == rows.number
            some = rows if every else rows.part(places)
            columns = self._whole(attributes, some)
            columns |= {name: (one if every else one.part(places)).values for name, one in entities.items()}
            yield Made(places, columns, columns["class_uid"][0] == self.event_class.uid)

    def _attributes(self, rows: Rows, base: Columns) -> Iterator[tuple[str, Column]]:
        made = _values(self._targets, rows)
        shared = dict(base)
        for path in shared.keys() & made.keys():
            # Of a format that any product writes, the record says which one.
            first, second = (made, base) if path in self._product else (base, made)
            shared[path] = _or(first[path], second[path])
        yield from ((path, column) for path, column in made.items() if path not in shared and path != "severity_id")
        for path, name_path in self._files:
            if path in made:
                yield name_path, _or_not(made.get(name_path), made[path].each(basename))
        yield from shared.items()
        yield "severity_id", self._severity(rows).each(lambda number: number or 1)

    def _whole(self, attributes: dict[str, Column], rows: Rows) -> Values:
        """The events with their class, of records that gave the same attributes.

        If the class's own requirements are not met, they are Base Events.
        """
        key = tuple(attributes)
        outcome = self._outcomes.get(key)
        if outcome is None:
            if len(self._outcomes) >= _MAX_OUTCOMES:
                self._outcomes.clear()
            outcome = self._outcomes[key] = self._outcome(key)
        owner, drop, fill, unused, without_column = outcome
        if owner is not self.event_class:
            # A number of the class's own (a finding is "resolved") means nothing in a Base Event.
            attributes |= {name: attributes[name].each(fit) for name, fit in self._refit if name in attributes}
        number = rows.number
        columns: Values = {path: column.values for path, column in attributes.items()}
        columns |= _stamps(owner, self._activity(rows) if owner is self.event_class else rows.same(_OTHER))
        for path in drop:
            del columns[path]
        columns |= {path: [value] * number for path, value in fill.items()}
        rest = {path: columns.pop(path) for path in without_column}
        columns["rest"] = json_texts([dict(zip(rest, row, strict=True)) for row in zip(*rest.values(), strict=True)])
        columns["unmapped"] = json_texts(self._consumed.leftover(rows.records, unused))
        return columns

    def _outcome(self, attributes: tuple[str, ...]) -> _Outcome:
        owner, present = self.event_class, frozenset([*attributes, *_STAMPED])
        fix, strange = repair(owner, present), frozenset[str]()
        if fix.lacking:
            owner = self._fallback
            strange = frozenset(path for path in present if path.partition(".")[0] not in owner.type.attributes)
            fix = repair(owner, present - strange)
        drop = strange | fix.drop
        made = dict.fromkeys([*(one for one in [*attributes, *_STAMPED] if one not in drop), *fix.fill])
        rest = tuple(path for path in made if path not in HOT)
        return _Outcome(owner, drop, fix.fill, self._unused(present - drop), rest)

    def _unused(self, made: frozenset[str]) -> frozenset[str]:
        used = self._taken.union(*(target.sources for target in self._targets if target.path in made))
        return frozenset(path for target in self._targets for path in target.sources if path not in used)


_STAMPED = ("class_uid", "category_uid", "activity_id", "type_uid", "metadata.version", "metadata.profiles")
"""What each event has of its class."""


def _stamps(owner: EventClass, activities: Column) -> Values:
    """What events have of their class."""
    enum = owner.type.attributes["activity_id"].enum
    known = activities.each(lambda number: number if number.__class__ is int and str(number) in enum else _OTHER).values
    number = len(known)
    return {
        "class_uid": [owner.uid] * number,
        "category_uid": [owner.category_uid] * number,
        "activity_id": known,
        "type_uid": [owner.uid * 100 + activity for activity in known],
        "metadata.version": [OCSF_VERSION] * number,
        "metadata.profiles": [list(owner.profiles)] * number,
    }


def _values(targets: Sequence[_Target], rows: Rows) -> dict[str, Column]:
    """What targets give of records, of those that give something."""
    made: dict[str, Column] = {}
    there = rows.records.names
    for target in targets:
        if target.names is not None and target.names.isdisjoint(there):
            continue
        column = target.get(rows)
        if not column.is_empty:
            column = column.each(target.coerce)
            if not column.is_empty:
                made[target.path] = column
    return made


def _or(first: Column, second: Column) -> Column:
    """The values of a column, and where it has none those of another one."""
    without = [at for at, value in enumerate(first.values) if value is None]
    return first.filled(without, second.part(without)) if without else first


def _or_not(first: Column | None, second: Column) -> Column:
    """The values of a column where another one has none."""
    if first is None:
        return second
    pairs = zip(first.values, second.values, strict=True)
    return Column([value if known is None else None for known, value in pairs])


def _class(name: Any, profiles: tuple[str, ...]) -> EventClass:
    try:
        return event_class(str(name), profiles)
    except KeyError:
        raise ValueError(f"OCSF {OCSF_VERSION} has no class {name!r}") from None


def _number(definition: Any) -> Expression:
    if isinstance(definition, int):
        return lambda rows: rows.same(definition)
    get = compile_expression(definition)
    return lambda rows: get(rows).each(lambda value: value if isinstance(value, int) else _OTHER, _OTHER)


def _target(path: str, definition: Any, owner: EventClass) -> _Target:
    try:
        attribute = resolve(owner.type, path, owner.profiles)
    except KeyError as error:
        raise ValueError(f"{path}: {error.args[0]} (class {owner.name}, profiles {list(owner.profiles)})") from None
    try:
        get = compile_expression(definition)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from None
    return _Target(
        path, get, _complete(attribute, owner.profiles), tuple(paths_of(definition)), _needed(definition, get)
    )


def _needed(definition: Any, get: Expression) -> frozenset[str] | None:
    """The names that an expression begins to look at, if it gives nothing of a record that has none of them."""
    return frozenset(map(first_name, reads_of(definition))) if get(Rows([{}])).is_empty else None


def _complete(attribute: Attribute, profiles: tuple[str, ...]) -> Coercer:
    coerce = coercer(attribute)
    return coerce if attribute.object_name is None else lambda value: whole(attribute, coerce(value), profiles)


def _common_targets(common: Mapping[str, Any], owner: EventClass, own: Mapping[str, Any]) -> Iterator[_Target]:
    """The common attributes that this class has and that the entry does not set itself."""
    for path, definition in common.items():
        if path not in own and path.partition(".")[0] in owner.type.attributes:
            yield _target(path, definition, owner)


def _entities(definition: Mapping[str, Any]) -> list[_Target]:
    if extra := sorted(set(definition) - {"app", "resource"}):
        raise ValueError(f"entities: a source names app and resource; {extra[0]!r} is resolved from OCSF attributes")
    compiled = [(role, one, compile_expression(one)) for role, one in definition.items()]
    return [_Target(role, get, _entity(role), (), _needed(one, get)) for role, one, get in compiled]


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
