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
from itertools import islice
from typing import Any

from watchfloor.normalize.coerce import text_of
from watchfloor.normalize.condition import compile_holding
from watchfloor.normalize.rows import Column, Rows, place
from watchfloor.normalize.words import FUNCTIONS

Expression = Callable[[Rows], Column]
"""What is made of some records: a value for each, or ``None``."""

MAX_CAPTURE = 16 << 10
"""Longest text that a pattern searches: what is longer is no name, and a pattern may be slow on it."""


def compile_expression(definition: Any) -> Expression:
    r"""The function that an expression stands for.

    >>> compile_expression({"from": "User", "pattern": r"^[^\\]+\\(.+)$"})(Rows([{"User": r"CORP\alice"}, {}])).values
    ['alice', None]

    Raises:
        ValueError: The expression is malformed.
    """
    if isinstance(definition, str):
        where = place(definition)
        return lambda rows: rows.present(where)
    if not isinstance(definition, Mapping):
        raise ValueError(f"an expression is a path or a mapping, not {definition!r}")  # noqa: TRY004 - one error for a malformed mapping
    for key, (others, build) in _EXPRESSIONS.items():
        if key in definition:
            if extra := sorted(set(definition) - {key} - others):
                raise ValueError(f"unknown key {extra[0]!r} beside {key!r}")
            return _guard(definition, build(definition))
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


def _constant(definition: Mapping[str, Any]) -> Expression:
    value = definition["value"]
    return lambda rows: rows.same(value)


def _guard(definition: Mapping[str, Any], get: Expression) -> Expression:
    if "when" not in definition:
        return get
    holding = compile_holding(definition["when"])
    return lambda rows: rows.where(holding(rows), get)


def _from(definition: Mapping[str, Any]) -> Expression:
    source = definition["from"]
    get = _first_of([source] if isinstance(source, str) else source)
    steps = list(_transformations(definition))
    if not steps:
        return get

    transform = steps[0] if len(steps) == 1 else _chained(steps)
    of_nothing = transform(None)
    return lambda rows: get(rows).each(transform, of_nothing)


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


def _first(definition: Mapping[str, Any]) -> Expression:
    return _first_of(definition["first"])


def _first_of(definitions: list[Any]) -> Expression:
    options = [compile_expression(one) for one in definitions]
    if len(options) == 1:
        return options[0]

    def first(rows: Rows) -> Column:
        found = rows.nothing
        for option in options:
            if found.is_full:
                break
            if found.is_empty:
                found = option(rows)
            else:
                without = [at for at, value in enumerate(found.values) if value is None]
                found = found.filled(without, option(rows.part(without)))
        return found

    return first


def _list(definition: Mapping[str, Any]) -> Expression:
    items = [compile_expression(one) for one in definition["list"]]

    def gathered(values: tuple[Any, ...]) -> list[Any] | None:
        out: list[Any] = []
        for value in values:
            out.extend(value if isinstance(value, list) else [] if value is None else [value])
        return out or None

    return lambda rows: _row_by_row(gathered, rows, [item(rows) for item in items])


def _row_by_row(make: Callable[[tuple[Any, ...]], Any], rows: Rows, columns: Sequence[Column]) -> Column:
    """What is made of the values of each row in some columns, if there are any."""
    if all(column.is_empty for column in columns):
        return rows.nothing
    of_rows = list(zip(*(column.values for column in columns), strict=True))
    if all(column.is_by_value for column in columns):
        made = {values: make(values) for values in set(of_rows)}
        return Column(list(map(made.__getitem__, of_rows)))
    return Column(list(map(make, of_rows)))


def _text(definition: Mapping[str, Any]) -> Expression:
    template = str(definition["text"])
    parts = [compile_expression(one) for one in definition.get("of", ())]
    pieces = template.split("{}")
    if len(pieces) != len(parts) + 1:
        raise ValueError(f"text {template!r} needs one {{}} for each of its {len(parts)} expressions")
    if not parts:
        return lambda rows: rows.same(template)
    first, *others = pieces

    def fill(texts: tuple[str | None, ...]) -> str | None:
        filled = first
        for text, piece in zip(texts, others, strict=True):
            if not text:
                return None
            filled += text + piece
        return filled

    def filled(rows: Rows) -> Column:
        texts = []
        for part in parts:
            texts.append(part(rows).each(text_of))
            if texts[-1].is_empty:
                return rows.nothing
        return texts[0].each(lambda text: fill((text,))) if len(texts) == 1 else _row_by_row(fill, rows, texts)

    return filled


def _object(definition: Mapping[str, Any]) -> Expression:
    return _objects(definition["object"])


def _objects(fields: Mapping[str, Any]) -> Expression:
    """The object of the values that some expressions give."""
    names = tuple(fields)
    values = [compile_expression(one) for one in fields.values()]

    def made(row: tuple[Any, ...]) -> dict[str, Any] | None:
        return {name: value for name, value in zip(names, row, strict=True) if value is not None} or None

    return lambda rows: _row_by_row(made, rows, [value(rows) for value in values])


def _each(definition: Mapping[str, Any]) -> Expression:
    where = place(definition["each"])
    get = _objects(definition.get("map", {}))

    def each(rows: Rows) -> Column:
        lists = rows.at(where).each(_elements)
        if lists.is_empty:
            return rows.nothing
        made = iter(get(rows.of([one for some in lists.values for one in some or ()])).values)
        return Column(
            [some and ([one for one in islice(made, len(some)) if one is not None] or None) for some in lists.values]
        )

    return each


def _elements(value: Any) -> list[dict[str, Any]] | None:
    """The objects that are the elements of a list; an object stands for a list of one."""
    elements = value if isinstance(value, list) else [value]
    return [one for one in elements if isinstance(one, dict)] or None


_Build = Callable[[Mapping[str, Any]], Expression]

_EXPRESSIONS: dict[str, tuple[frozenset[str], _Build]] = {
    "value": (frozenset({"when"}), _constant),
    "first": (frozenset(), _first),
    "list": (frozenset(), _list),
    "text": (frozenset({"of", "when"}), _text),
    "object": (frozenset({"when"}), _object),
    "each": (frozenset({"map"}), _each),
    "from": (frozenset({"table", "else", "pattern", "apply", "when"}), _from),
}
