"""The right-hand sides of a mapping: where an attribute's value comes from.

========================================  ==================================================================
``actor.id``                              the value at a path
``{value: 1}``                            a constant
``{from: path, ...}``                     a path, or a list of paths of which the first with a value counts
``  table: {k: v}, else: x``              the value looked up by its text
``  pattern: 'CN=([^,]+)'``               the first group of a regular expression
``  apply: [lower, basename]``            named functions, in order: :data:`FUNCTIONS`
``  when: {path: value}``                 only if the condition holds
``{first: [expression, ...]}``            the first expression that gives a value
``{list: [expression, ...]}``             the list of the values given
``{text: 's3:{}', of: [expression]}``     the text with the values in place of ``{}``, if there are all
``{object: {k: expression}}``             an object of the values given
``{each: path, map: {k: expression}}``    an object for each element of a list, paths relative to it
========================================  ==================================================================

``value``, ``text`` and ``object`` take ``when`` too.
"""

# Else the annotations of inner functions are worked out anew for each one that is made, and that is thousands.
from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from watchfloor.normalize.coerce import text_of
from watchfloor.normalize.condition import compile_condition
from watchfloor.normalize.paths import Getter, getter
from watchfloor.normalize.words import FUNCTIONS

MAX_CAPTURE = 16 << 10
"""Longest text that a pattern searches: what is longer is no name, and a pattern may be slow on it."""


def compile_expression(definition: Any, absent: frozenset[str] = frozenset()) -> Getter:
    r"""The function that an expression stands for; ``absent`` are texts by which the vendor means "no value".

    >>> compile_expression({"from": "User", "pattern": r"^[^\\]+\\(.+)$"})({"User": r"CORP\alice"})
    'alice'

    Raises:
        ValueError: The expression is malformed.
    """
    if isinstance(definition, str):
        return getter(definition, absent)
    if not isinstance(definition, Mapping):
        raise ValueError(f"an expression is a path or a mapping, not {definition!r}")  # noqa: TRY004 - one error for a malformed mapping
    for key, (others, build) in _EXPRESSIONS.items():
        if key in definition:
            if extra := sorted(set(definition) - {key} - others):
                raise ValueError(f"unknown key {extra[0]!r} beside {key!r}")
            return _guard(definition, build(definition, absent))
    raise ValueError(f"unknown expression {sorted(definition)}")


def paths_of(definition: Any) -> Iterator[str]:
    """The paths that an expression takes a value from; they are consumed when the attribute is set."""
    if isinstance(definition, str):
        yield definition
    elif isinstance(definition, Mapping):
        source = definition.get("from", ())
        yield from [source] if isinstance(source, str) else source
        for key in ("first", "list", "of"):
            for one in definition.get(key, ()):
                yield from paths_of(one)
        for one in definition.get("object", {}).values():
            yield from paths_of(one)


def reads_of(definition: Any) -> Iterator[str]:
    """All paths that an expression looks at: what :func:`paths_of` names, and those of conditions and lists.

    >>> sorted(reads_of({"first": [{"from": "a", "when": {"b": 1}}, {"each": "c", "map": {"x": "d"}}]}))
    ['a', 'b', 'c']
    """
    if isinstance(definition, str):
        yield definition
    elif isinstance(definition, Mapping):
        for key in ("from", "first", "list", "of", "each"):
            value = definition.get(key, ())
            for one in [value] if isinstance(value, str) else value:
                yield from reads_of(one)
        for one in definition.get("object", {}).values():
            yield from reads_of(one)
        when = definition.get("when") or {}
        for option in when if isinstance(when, list) else [when]:
            yield from option


def plain_path(definition: Any) -> str | None:
    """The path that an expression is, if it does nothing but take what stands there."""
    if isinstance(definition, Mapping) and set(definition) == {"from"}:
        definition = definition["from"]
        definition = definition[0] if isinstance(definition, list) and len(definition) == 1 else definition
    return definition if isinstance(definition, str) else None


def _constant(definition: Mapping[str, Any], _absent: frozenset[str]) -> Getter:
    value = definition["value"]
    return lambda _record: value


def _guard(definition: Mapping[str, Any], get: Getter) -> Getter:
    if "when" not in definition:
        return get
    holds = compile_condition(definition["when"])
    return lambda record: get(record) if holds(record) else None


def _from(definition: Mapping[str, Any], absent: frozenset[str]) -> Getter:
    source = definition["from"]
    get = _first_of([source] if isinstance(source, str) else source, absent)
    steps = list(_transformations(definition))
    if not steps:
        return get

    transform = steps[0] if len(steps) == 1 else _chained(steps)
    of_nothing = transform(None)

    def transformed(record: dict[str, Any]) -> Any:
        value = get(record)
        return of_nothing if value is None else transform(value)

    return transformed


def _chained(steps: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def transform(value: Any) -> Any:
        for step in steps:
            value = step(value)
        return value

    return transform


def _transformations(definition: Mapping[str, Any]) -> Iterator[Callable[[Any], Any]]:
    if "pattern" in definition:
        yield _capture(definition["pattern"])
    names = definition.get("apply", ())
    for name in [names] if isinstance(names, str) else names:
        if name not in FUNCTIONS:
            raise ValueError(f"unknown function {name!r}; there are {', '.join(sorted(FUNCTIONS))}")
        yield FUNCTIONS[name]
    if "table" in definition:
        yield _lookup(definition["table"], definition.get("else"))
    elif "else" in definition:
        yield lambda value: definition["else"] if value is None else value


def _capture(expression: str) -> Callable[[Any], Any]:
    try:
        compiled = re.compile(expression)
    except re.error as error:
        raise ValueError(f"pattern {expression!r}: {error}") from None
    if not compiled.groups:
        raise ValueError(f"pattern {expression!r} has no group, whose text would be the value")
    search = compiled.search

    def capture(value: Any) -> str | None:
        text = value if value.__class__ is str else text_of(value)
        match = search(text) if text is not None and len(text) <= MAX_CAPTURE else None
        return match[1] if match else None

    return capture


def _lookup(table: Mapping[Any, Any], other: Any) -> Callable[[Any], Any]:
    by_text = {text_of(key): value for key, value in table.items()}
    return lambda value: by_text.get(value if value.__class__ is str else text_of(value), other)


def _first(definition: Mapping[str, Any], absent: frozenset[str]) -> Getter:
    return _first_of(definition["first"], absent)


def _first_of(definitions: list[Any], absent: frozenset[str]) -> Getter:
    options = [compile_expression(one, absent) for one in definitions]
    if len(options) == 1:
        return options[0]

    def first(record: dict[str, Any]) -> Any:
        for option in options:
            value = option(record)
            if value is not None:
                return value
        return None

    return first


def _list(definition: Mapping[str, Any], absent: frozenset[str]) -> Getter:
    items = [compile_expression(one, absent) for one in definition["list"]]

    def gather(record: dict[str, Any]) -> Any:
        out: list[Any] = []
        for value in (item(record) for item in items):
            out.extend(value if isinstance(value, list) else [] if value is None else [value])
        return out or None

    return gather


def _text(definition: Mapping[str, Any], absent: frozenset[str]) -> Getter:
    template = str(definition["text"])
    parts = [compile_expression(one, absent) for one in definition.get("of", ())]
    pieces = template.split("{}")
    if len(pieces) != len(parts) + 1:
        raise ValueError(f"text {template!r} needs one {{}} for each of its {len(parts)} expressions")

    def fill(record: dict[str, Any]) -> str | None:
        filled = pieces[0]
        for part, piece in zip(parts, pieces[1:], strict=True):
            text = text_of(part(record))
            if not text:
                return None
            filled += text + piece
        return filled

    return fill


def _object(definition: Mapping[str, Any], absent: frozenset[str]) -> Getter:
    fields = _fields(definition["object"], absent)
    return lambda record: _made(fields, record) or None


def _fields(definition: Mapping[str, Any], absent: frozenset[str]) -> dict[str, Getter]:
    return {name: compile_expression(one, absent) for name, one in definition.items()}


def _each(definition: Mapping[str, Any], absent: frozenset[str]) -> Getter:
    get = getter(definition["each"])
    fields = _fields(definition.get("map", {}), absent)

    def each(record: dict[str, Any]) -> Any:
        elements = get(record)
        if isinstance(elements, dict):
            elements = [elements]
        if not isinstance(elements, list):
            return None
        made = [_made(fields, element) for element in elements if isinstance(element, dict)]
        return [one for one in made if one] or None

    return each


def _made(fields: dict[str, Getter], element: dict[str, Any]) -> dict[str, Any]:
    pairs = ((name, get(element)) for name, get in fields.items())
    return {name: value for name, value in pairs if value is not None}


_Build = Callable[[Mapping[str, Any], frozenset[str]], Getter]

_EXPRESSIONS: dict[str, tuple[frozenset[str], _Build]] = {
    "value": (frozenset({"when"}), _constant),
    "first": (frozenset(), _first),
    "list": (frozenset(), _list),
    "text": (frozenset({"of", "when"}), _text),
    "object": (frozenset({"when"}), _object),
    "each": (frozenset({"map"}), _each),
    "from": (frozenset({"table", "else", "pattern", "apply", "when"}), _from),
}
