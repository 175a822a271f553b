"""The shape of a record: which paths it has and of which type, told apart cheaply from record to record.

Two records with the same names in the same order, objects and lists inside included, and values of the same types have
one shape. To find it costs about a microsecond an object: Python's own tuples of names and of types are the key, and
only objects and lists are gone into.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

Shape = tuple[Any, ...]
"""Of one :class:`Shapes` alone; equal shapes are equal."""

TEXT, NUMBER, BOOLEAN, OBJECT, LIST = 1, 2, 4, 8, 16
_TYPES: dict[type, int] = {str: TEXT, int: NUMBER, float: NUMBER, bool: BOOLEAN, dict: OBJECT, list: LIST}
_NAMES = {TEXT: "text", NUMBER: "number", BOOLEAN: "boolean", OBJECT: "object", LIST: "list"}

MAX_KNOWN = 65_536
MAX_ELEMENTS = 32
"""How many elements of a list are looked at."""
MAX_DEPTH = 12
MAX_PATHS = 2_000
"""How many paths of one record are looked at."""
MAX_PATH = 512
"""The longest path, in characters."""


def type_names(types: int) -> str:
    """The words for a set of types.

    >>> type_names(TEXT | LIST), type_names(0)
    ('text or list', 'nothing')
    """
    return " or ".join(name for bit, name in _NAMES.items() if types & bit) or "nothing"


class Shapes:
    """Finds shapes; bounded: it forgets all of them when there are too many, which costs time and nothing else."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[int, tuple[str, ...]]] = {}
        self._made = 0

    def of(self, record: dict[str, Any], depth: int = MAX_DEPTH) -> Shape:
        """The shape of a record.

        >>> shapes = Shapes()
        >>> shapes.of({"a": 1, "b": {"c": "x"}}) == shapes.of({"a": 2, "b": {"c": "y"}})
        True
        >>> shapes.of({"a": 1}) == shapes.of({"a": "1"})
        False
        """
        types = tuple(map(type, record.values()))
        key = (tuple(record), types)
        found = self._known.get(key)
        if found is None:
            found = self._learn(key, record)
        number, containers = found
        if not containers or not depth:
            return (number,)
        return (number, *[self._inner(record[name], depth - 1) for name in containers])

    def _inner(self, value: Any, depth: int) -> Shape:
        if isinstance(value, dict):
            return self.of(value, depth)
        elements = value if len(value) <= MAX_ELEMENTS else value[:MAX_ELEMENTS]
        types = set(map(type, elements))
        if dict not in types and list not in types:
            return (frozenset(types),)
        inner = {
            self._inner(one, depth - 1) if depth and isinstance(one, dict | list) else type(one) for one in elements
        }
        return (frozenset(inner),)

    def _learn(self, key: Any, record: dict[str, Any]) -> tuple[int, tuple[str, ...]]:
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        # A number is never given twice, so that what was made of a forgotten shape is not taken for another's.
        self._made += 1
        containers = tuple(name for name, value in record.items() if isinstance(value, dict | list))
        found = self._known[key] = (self._made, containers)
        return found


class Leaf(NamedTuple):
    """What stands at a path: its types, and the path of what it stands in."""

    types: int
    parent: str


def paths(record: dict[str, Any]) -> dict[str, Leaf]:
    """The paths of a record, what holds others before it; ``[]`` stands for the elements of a list. Null is no value.

    >>> {path: leaf.types for path, leaf in paths({"a": {"b": 1, "c": None}, "d": ["x", {"e": True}]}).items()}
    {'a': 8, 'a.b': 2, 'd': 16, 'd[]': 9, 'd[].e': 4}
    """
    found: dict[str, Leaf] = {}
    for path, bit, parent in _walk(record, "", MAX_DEPTH):
        known = found.get(path)
        if known is not None:
            found[path] = Leaf(known.types | bit, parent)
        elif len(found) < MAX_PATHS:
            found[path] = Leaf(bit, parent)
    return found


def _walk(value: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, int, str]]:
    for name, item in value.items():
        yield from _typed(item, f"{prefix}.{name}" if prefix else name, prefix, depth)


def _typed(item: Any, path: str, parent: str, depth: int) -> Iterator[tuple[str, int, str]]:
    bit = _TYPES.get(type(item))
    if bit is None or len(path) > MAX_PATH:
        return
    yield path, bit, parent
    if depth and isinstance(item, dict):
        yield from _walk(item, path, depth - 1)
    elif depth and isinstance(item, list):
        for one in item[:MAX_ELEMENTS]:
            yield from _typed(one, f"{path}[]", path, depth - 1)
