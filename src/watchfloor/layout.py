"""The usual layouts of a source's JSON: most of its records have one of them, and are read without a dict of each.

A layout is a type that takes nothing but records of that layout, to the last name, and says where a decoded record's
values stand in it. What it does not take is decoded as ever, so a layout changes how fast a record is read and nothing
else; :func:`watchfloor.testing.sources.check_source` holds it to that.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

import msgspec

PLAIN = str | int | float | bool | None
"""Any value that is neither an object nor a list."""

Named = dict[str, Any]
"""The values that a record names itself."""

Values = Callable[[Any], tuple[Any, ...]]


def form(*fields: tuple[Any, ...]) -> type[msgspec.Struct]:
    """A type for JSON objects with these fields and no other: ``(name, type)`` or ``(name, type, default)``.

    A ``#`` at the beginning of a name is no part of its attribute.

    >>> point = form(("x", int), ("#y", int | None, None))
    >>> msgspec.json.decode(b'{"x": 1, "#y": 2}', type=point).y
    2
    """
    own = [(name.lstrip("#"), kind, _field(name, *default)) for name, kind, *default in fields]
    return msgspec.defstruct("Form", own, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True)


def _field(name: str, *default: Any) -> Any:
    return msgspec.field(name=name, default=default[0]) if default else msgspec.field(name=name)


class Layout:
    """A usual layout.

    Args:
        form: What the JSON must be.
        fields: The names of a decoded record, and the attribute path in the form where the value of each stands.
        named: The attribute path of an object whose values are under their own names in a decoded record, or null.
        plain: Makes plain values, or lists of them, of the values of that object, where the form takes more.
    """

    def __init__(
        self,
        form: type[msgspec.Struct],
        fields: Mapping[str, str],
        named: str,
        plain: Callable[[Named], Named] | None = None,
    ) -> None:
        self.names = tuple(fields)
        self.read = msgspec.json.Decoder(form).decode
        """Reads a record; raises ValueError if it has another layout, or is broken."""
        self.named = named
        self.plain = plain
        self._paths = fields

    def values(self, names: Iterable[str], *paths: str) -> Values:
        """A function that gives the values at some paths, and then of some names, in a record that was read."""
        every = [*paths, *(self._paths[name] for name in names)]
        if len(every) < 2:
            return _each(every)
        get, each = attrgetter(*every), _each(every)

        def values(read: Any) -> tuple[Any, ...]:
            try:
                return get(read)
            except AttributeError:  # an object on the way is null
                return each(read)

        return values


def _each(paths: Iterable[str]) -> Values:
    """The values at some paths, of which some lead through nulls."""
    parts = [path.rpartition(".") for path in paths]
    objects = {before: before.split(".") for before, _, _ in parts}

    def values(read: Any) -> tuple[Any, ...]:
        there = {}
        for before, names in objects.items():
            value = read
            for name in names:
                value = getattr(value, name, None)
            there[before] = value
        return tuple([getattr(there[before], name, None) for before, _, name in parts])

    return values
