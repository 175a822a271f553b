"""``when`` conditions of a mapping: which records an entry is for."""

# Else the annotations of inner functions are worked out anew for each one that is made, and that is thousands.
from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from typing import Any

from watchfloor.normalize.coerce import text_of
from watchfloor.normalize.paths import Getter, getter
from watchfloor.normalize.rows import Mask, Rows, both, either, mask_of, place

When = Mapping[str, Any] | list[Mapping[str, Any]] | None
"""A condition as it is written."""

Condition = Callable[[dict[str, Any]], bool]
Holding = Callable[[Rows], Mask]


def compile_condition(when: When) -> Condition:
    """A predicate on records.

    A mapping holds if each of its paths does; a list of mappings holds if one does. A wanted value is a text compared
    as text, ``null`` (absent), ``true``/``false`` under ``exists``, a list (any of), a text with ``*``, or under
    ``not`` any of these that it may not be: ``{not: x}`` holds where there is nothing, too.

    >>> compile_condition({"EventID": [1, 5], "Channel": "*Sysmon*"})({"EventID": 1, "Channel": "x/Sysmon"})
    True
    >>> compile_condition({"user": {"exists": False}})({"user": "alice"})
    False
    >>> compile_condition({"user": {"not": ["root", "SYS*"]}})({"user": "alice"})
    True

    Raises:
        ValueError: The condition is malformed.
    """
    if not when:
        return lambda _record: True
    if isinstance(when, list):
        options = [compile_condition(one) for one in when]
        return lambda record: any(option(record) for option in options)
    tests = [(getter(path), _wanted(value)) for path, value in when.items()]
    if len(tests) == 1:
        ((get, test),) = tests
        return lambda record: test(get(record))
    return lambda record: _all(tests, record)


def _all(tests: list[tuple[Getter, Callable[[Any], bool]]], record: dict[str, Any]) -> bool:
    for get, test in tests:  # noqa: SIM110 - a loop costs half of all() over a generator, and this runs for each event
        if not test(get(record)):
            return False
    return True


def compile_holding(when: When) -> Holding:
    """As :func:`compile_condition`, of many records at once.

    >>> compile_holding({"EventID": [1, 5]})(Rows([{"EventID": 1}, {"EventID": "5"}, {}]))
    [True, True, False]

    Raises:
        ValueError: The condition is malformed.
    """
    if not when:
        return lambda _rows: True
    if isinstance(when, list):
        options = [compile_holding(one) for one in when]
        return lambda rows: either(option(rows) for option in options)
    tests = []
    for path, value in when.items():
        test = _wanted(value)
        tests.append((place(path), test, test(None)))

    def holding(rows: Rows) -> Mask:
        mask: Mask = True
        for where, test, of_nothing in tests:
            mask = both(mask, mask_of(rows.at(where).each(test, of_nothing)))
            if mask is False:
                break
        return mask

    return holding


def _wanted(wanted: Any) -> Callable[[Any], bool]:
    if wanted is None:
        return lambda value: value is None
    if isinstance(wanted, Mapping) and set(wanted) == {"not"}:
        unwanted = _wanted(wanted["not"])
        return lambda value: not unwanted(value)
    if isinstance(wanted, Mapping):
        if set(wanted) != {"exists"} or not isinstance(wanted["exists"], bool):
            raise ValueError(f"a condition takes values, exists or not; not {dict(wanted)!r}")
        return lambda value: (value is not None) is wanted["exists"]
    values = wanted if isinstance(wanted, list) else [wanted]
    exact = frozenset(text for text in map(text_of, values) if text is not None and "*" not in text)
    globs = [re.compile(fnmatch.translate(text)).match for text in map(text_of, values) if text and "*" in text]

    def is_one(value: Any) -> bool:
        text = value if value.__class__ is str else text_of(value)
        if text in exact:
            return True
        return bool(globs) and text is not None and any(glob(text) for glob in globs)

    return lambda value: any(map(is_one, value)) if isinstance(value, list) else is_one(value)
