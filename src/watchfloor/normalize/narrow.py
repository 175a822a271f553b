"""Expressions without what cannot give anything of records that lack certain paths.

An expression that tries one path after the other asks for all of them, record after record, though a record with these
names has but one. For records of which only some paths can lead anywhere, the others are left out.
"""

from collections.abc import Mapping
from typing import Any

from watchfloor.normalize.expression import compile_expression, reads_of

NOTHING = None
"""What is left of an expression that never gives a value."""


def narrowed(definition: Any, active: frozenset[str], absent: frozenset[str]) -> Any:
    """An expression that gives the same of each record in which only the paths ``active`` can lead anywhere.

    ``None`` stands for one that gives no value.

    >>> narrowed({"first": ["a", {"from": ["b", "c"], "apply": "lower"}]}, frozenset({"c"}), frozenset())
    {'from': ['c'], 'apply': 'lower'}
    >>> narrowed({"text": "{}/{}", "of": ["a", "b"]}, frozenset({"a"}), frozenset()) is None
    True
    """
    if active.isdisjoint(reads_of(definition)):
        value = compile_expression(definition, absent)({})
        return NOTHING if value is None else {"value": value}
    if not isinstance(definition, Mapping):
        return definition
    if "first" in definition:
        return _first(definition, active, absent)
    if "from" in definition:
        return _from(definition, active, absent)
    if "text" in definition:
        parts = [narrowed(one, active, absent) for one in definition.get("of", ())]
        return NOTHING if NOTHING in parts else {**definition, "of": parts}
    return definition


def _first(definition: Mapping[str, Any], active: frozenset[str], absent: frozenset[str]) -> Any:
    options = []
    for one in definition["first"]:
        option = narrowed(one, active, absent)
        if option is not NOTHING:
            options.append(option)
        if isinstance(option, Mapping) and set(option) == {"value"}:
            break  # It is always there, and what comes after it never asked.
    if not options:
        return NOTHING
    return options[0] if len(options) == 1 else {"first": options}


def _from(definition: Mapping[str, Any], active: frozenset[str], absent: frozenset[str]) -> Any:
    source = definition["from"]
    given = [source] if isinstance(source, str) else list(source)
    kept = [path for path in given if not isinstance(path, str) or path in active]
    if kept:
        return {**definition, "from": kept}
    # Nothing is found; what is made of nothing may be a value all the same, if the condition holds.
    unconditional = {name: value for name, value in definition.items() if name != "when"}
    return NOTHING if compile_expression(unconditional, absent)({}) is None else definition
