r"""Paths into a decoded vendor record.

``a.b.c`` goes down objects; ``targets[0]`` takes an element, ``targets[type=User]`` the first element whose attribute
has that text, ``targets[*]`` all of them. A path over a list without a selector reads every element. In
``a\.b`` the dot is part of the name.
"""

# Else the annotations of inner functions are worked out anew for each one that is made, and that is thousands.
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

Getter = Callable[[dict[str, Any]], Any]

MAX_GETTERS = 8192
"""How many are kept: the entries of a source read the same paths."""

_SEGMENT = re.compile(r"((?:[^.\[\]\\]|\\\.)+)(?:\[([^\]]*)\])?(?:\.|$)")


@lru_cache(maxsize=MAX_GETTERS)
def getter(path: str) -> Getter:
    r"""A function that reads ``path`` from a record; ``None`` where there is nothing.

    >>> getter("target[type=User].id")({"target": [{"type": "App", "id": 1}, {"type": "User", "id": 2}]})
    2
    >>> getter("target.id")({"target": [{"id": 1}, {"id": 2}]})
    [1, 2]
    >>> getter(r"labels.app\.io/name")({"labels": {"app.io/name": "web"}})
    'web'

    Raises:
        ValueError: The path is malformed.
    """
    parts = segments(path)
    if len(parts) == 1 and parts[0][1] is None:
        name = parts[0][0]
        return lambda record: record.get(name)
    return _walk(parts)


def getters(paths: Sequence[str]) -> Callable[[dict[str, Any]], Iterable[Any]]:
    """A function that reads all of some paths from a record.

    >>> list(getters(["a", "b.c"])({"a": 1, "b": {"c": 2}}))
    [1, 2]
    """
    parts = [segments(path) for path in paths]
    if all(len(one) == 1 and one[0][1] is None for one in parts):
        names = [one[0][0] for one in parts]
        # So are those that are read of each record, and this is without a call for each.
        return lambda record: map(record.get, names)
    every = [getter(path) for path in paths]
    return lambda record: [get(record) for get in every]


def first_name(path: str) -> str:
    r"""The attribute of the record itself that a path begins with.

    >>> first_name("target[type=User].id"), first_name(r"event\.type")
    ('target', 'event.type')
    """
    return segments(path)[0][0]


def _walk(parts: list[tuple[str, str | None]]) -> Getter:
    if all(selector is None for _, selector in parts):
        return _plain(tuple(name for name, _ in parts))
    steps = [step(name, selector) for name, selector in parts]

    def get(record: dict[str, Any]) -> Any:
        value: Any = record
        for take in steps:
            value = below(take, value)
            if value is None:
                return None
        return value

    return get


def _plain(names: tuple[str, ...]) -> Getter:
    """A path without selectors, read without a call for each part."""

    def get(record: dict[str, Any]) -> Any:
        value: Any = record
        for name in names:
            if isinstance(value, dict):
                value = value.get(name)
            elif isinstance(value, list):
                found = (item.get(name) for item in value if isinstance(item, dict))
                value = [one for one in found if one is not None] or None
            else:
                return None
            if value is None:
                return None
        return value

    return get


def segments(path: str) -> list[tuple[str, str | None]]:
    r"""The names of a path with their selectors.

    >>> segments(r"target[type=User].client\.ip")
    [('target', 'type=User'), ('client.ip', None)]

    Raises:
        ValueError: The path is malformed.
    """
    found, end = [], 0
    for match in _SEGMENT.finditer(path):
        if match.start() != end:
            break
        found.append((match[1].replace("\\.", "."), match[2]))
        end = match.end()
    if end != len(path) or not found or path.endswith("."):
        raise ValueError(f"malformed path {path!r}")
    return found


def joined(parts: Sequence[tuple[str, str | None]]) -> str:
    r"""The path of some names with their selectors.

    >>> joined(segments(r"target[type=User].client\.ip"))
    'target[type=User].client\\.ip'
    """
    names = ((name.replace(".", "\\."), selector) for name, selector in parts)
    return ".".join(name if selector is None else f"{name}[{selector}]" for name, selector in names)


def below(take: Getter, value: Any) -> Any:
    """What a step takes from an object, or from each of the objects in a list."""
    if isinstance(value, dict):
        return take(value)
    if isinstance(value, list):
        found = [one for one in (take(item) for item in value if isinstance(item, dict)) if one is not None]
        return found or None
    return None


def step(name: str, selector: str | None) -> Getter:
    """A function that takes what a name and its selector mean from an object.

    Raises:
        ValueError: There is no such selector.
    """
    if selector is None:
        return lambda record: record.get(name)
    if selector == "*":
        return lambda record: record[name] if isinstance(record.get(name), list) else None
    if selector.isdigit():
        index = int(selector)
        return lambda record: _element(record.get(name), index)
    attribute, equals, wanted = selector.partition("=")
    if not equals:
        raise ValueError(f"malformed selector [{selector}]")
    return lambda record: _where(record.get(name), attribute, wanted)


def _element(value: Any, index: int) -> Any:
    return value[index] if isinstance(value, list) and index < len(value) else None


def _where(value: Any, attribute: str, wanted: str) -> Any:
    if not isinstance(value, list):
        return None
    return next((item for item in value if isinstance(item, dict) and str(item.get(attribute)) == wanted), None)
