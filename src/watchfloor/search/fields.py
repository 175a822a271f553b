"""What the names in a query stand for: columns of the event, groups of columns, and paths into the two JSON columns.

A name that is none of these is an error, so no text of a query is ever part of SQL: columns are named as the schema
names them, paths are parameters.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from enum import Enum

import msgspec
import pyarrow as pa

from watchfloor.event import ENTITY_ROLES, EVENT_SCHEMA
from watchfloor.search.syntax import Name, refused


class Type(Enum):
    """How the values of a field compare."""

    TEXT = "text"
    NUMBER = "a number"
    TRUTH = "true or false"
    TIME = "a time"


class Column(msgspec.Struct, frozen=True):
    """A column of the rows at hand: its name for people, its SQL, its type."""

    name: str
    sql: str
    type: Type
    is_address: bool = False


class JsonPath(msgspec.Struct, frozen=True):
    """A path into a JSON column: each of ``paths`` may be where the value is; with ``[]`` in it, any element counts."""

    name: str
    column: str
    paths: tuple[str, ...]
    is_list: bool


class Group(msgspec.Struct, frozen=True):
    """Several columns under one name: what holds of one of them holds of the group."""

    name: str
    columns: tuple[Column, ...]


class Hash(msgspec.Struct, frozen=True):
    """The hashes of files, wherever an event has them."""

    name: str = "hash"


class Entities(msgspec.Struct, frozen=True):
    """The entities of an event, in any role, by id or by the name in it."""

    columns: tuple[Column, ...]
    name: str = "entity"


class ListColumn(msgspec.Struct, frozen=True):
    """A column with several values: what holds of one of them holds of it."""

    name: str
    sql: str


Field = Column | ListColumn | JsonPath | Group | Hash | Entities

RAW = "raw"
_TIMES = {"time", "ordered_at", "ingested_at"}
_JSON = ("rest", "unmapped")
_SEGMENT = re.compile(r"[\w\-@#$/]+")
MOST_SEGMENTS = 12


def _type(name: str, kind: pa.DataType) -> Type:
    if name in _TIMES:
        return Type.TIME
    if pa.types.is_boolean(kind):
        return Type.TRUTH
    return Type.NUMBER if pa.types.is_integer(kind) or pa.types.is_floating(kind) else Type.TEXT


def _column(name: str, kind: pa.DataType) -> Column:
    sql = f"decode(\"{name}\", 'replace')" if pa.types.is_binary(kind) else f'"{name}"'
    return Column(name, sql, _type(name, kind), is_address=name.endswith(".ip"))


EVENTS: dict[str, Column] = {
    field.name: _column(field.name, field.type) for field in EVENT_SCHEMA if not pa.types.is_list(field.type)
}
"""The columns of events with one value."""

_LISTS = {
    field.name: ListColumn(field.name, f'"{field.name}"') for field in EVENT_SCHEMA if pa.types.is_list(field.type)
}

GROUPS: dict[str, tuple[str, ...]] = {
    "user": (
        "actor.user.name",
        "actor.user.uid",
        "actor.user.email_addr",
        "user.name",
        "user.uid",
        "user.email_addr",
    ),
    "host": ("device.hostname", "src_endpoint.hostname", "dst_endpoint.hostname"),
    "ip": ("src_endpoint.ip", "dst_endpoint.ip", "device.ip"),
    "process": (
        "process.file.path",
        "process.cmd_line",
        "actor.process.file.path",
        "actor.process.cmd_line",
        "process.parent_process.file.path",
        "process.parent_process.cmd_line",
    ),
}
"""Names for several columns."""

_SPECIAL: dict[str, Field] = {
    **_LISTS,
    **{name: Group(name, tuple(EVENTS[one] for one in columns)) for name, columns in GROUPS.items()},
    "hash": Hash(),
    "entity": Entities(tuple(EVENTS[f"entity.{role}"] for role in ENTITY_ROLES)),
}


def field_of_events(name: Name) -> Field:
    """What a name stands for in an event.

    Raises:
        InputError: Nothing.
    """
    known = EVENTS.get(name.text) or _SPECIAL.get(name.text)
    if known is not None:
        return known
    head, _, tail = name.text.partition(".")
    if head in _JSON and tail:
        return _json(name, head, tail.split("."))
    near = get_close_matches(name.text, [*EVENTS, *_SPECIAL], n=3)
    hint = f"did you mean {', '.join(near)}? " if near else ""
    raise refused(
        name.at,
        f"no field {name.text!r}; {hint}others are rest.NAME and unmapped.NAME; quote what is text",
    )


def one_column(name: Name, columns: Sequence[Column] | None) -> Column | JsonPath:
    """What a name stands for where one value is needed, in an event or, of ``columns``, in a row of a result.

    Raises:
        InputError: Nothing, or more than one value.
    """
    found = field_of_events(name) if columns is None else field_of_rows(name, columns)
    if isinstance(found, Column) or (isinstance(found, JsonPath) and not found.is_list):
        return found
    raise refused(name.at, f"{name.text} may have several values; name one column, such as {_example(found)}")


def field_of_rows(name: Name, columns: Sequence[Column]) -> Column:
    """What a name stands for in a row of a result.

    Raises:
        InputError: Nothing.
    """
    for column in columns:
        if column.name == name.text:
            return column
    raise refused(name.at, f"the result has no {name.text!r}, only {', '.join(column.name for column in columns)}")


def _example(field: Field) -> str:
    if isinstance(field, Group | Entities):
        return field.columns[0].name
    return "src_endpoint.ip"


def _json(name: Name, column: str, segments: list[str]) -> JsonPath:
    """The JSON paths that a dotted name may mean: in ``rest`` the first key has dots itself, as far as nobody knows."""
    if len(segments) > MOST_SEGMENTS:
        raise refused(name.at, f"more than {MOST_SEGMENTS} parts")
    lists = [segment.endswith("[]") for segment in segments]
    keys = [segment.removesuffix("[]") for segment in segments]
    for key in keys:
        if not _SEGMENT.fullmatch(key):
            raise refused(
                name.at, f"{name.text!r} is not a path: write {column}.a.b, or {column}.a[].b for any of a list"
            )
    most = len(keys) if column == "rest" else 1
    first_list = lists.index(True) + 1 if any(lists) else len(keys)
    paths = []
    for first in range(min(most, first_list), 0, -1):
        parts = [".".join(keys[:first]), *keys[first:]]
        marks = ["[*]" if one else "" for one in (lists[first - 1], *lists[first:])]
        paths.append("$" + "".join(f'."{part}"{mark}' for part, mark in zip(parts, marks, strict=True)))
    return JsonPath(name.text, column, tuple(paths), any(lists))
