"""How many values the modifier ``windash`` makes of those of a rule, counted before they are made."""

import re
from collections.abc import Iterator
from typing import Any

MAX_DASH_VALUES = 100_000
"""How many values ``windash`` may make in one rule."""

_FORMS = 5
_MOST = 3
"""Of a value with more dashes, nothing is made: it is refused."""

_DASH = re.compile(r"\B[-/]\b")


def dash_values(definition: Any) -> int:
    """How many values ``windash`` makes in a search, or in a mapping of searches.

    >>> dash_values({"s": [{"A|windash|contains": [" -a", " -a /b"], "B": " -c"}]})
    30
    """
    return sum(_FORMS**count for count in map(_dashes, _dashed(definition)) if count <= _MOST)


def _dashes(value: str) -> int:
    return sum(1 for _ in _DASH.finditer(value))


def _dashed(definition: Any, *, inside: bool = False) -> Iterator[str]:
    """The texts below keys with the modifier."""
    if isinstance(definition, dict):
        for key, value in definition.items():
            yield from _dashed(value, inside="windash" in str(key).split("|")[1:])
    elif isinstance(definition, list):
        for one in definition:
            yield from _dashed(one, inside=inside)
    elif inside and isinstance(definition, str):
        yield definition
