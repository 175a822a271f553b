"""What a rule saw in an event, in a short sentence: its title and the fields that made it true."""

from collections.abc import Iterable

from watchfloor.detect.sigma.columns import field_of
from watchfloor.detect.sigma.condition import Glob, Predicate, Test
from watchfloor.detect.sigma.globs import literals
from watchfloor.detect.sigma.guards import frequency
from watchfloor.detect.sigma.matching import Value, matcher
from watchfloor.detect.sigma.view import View
from watchfloor.judging import printable

MAX_FIELDS = 3
"""How many fields a sentence names."""

MAX_EXCERPT = 60
"""How much of a value it shows, in characters."""

_BEFORE = 12


def summary(title: str, witnesses: Iterable[Predicate], view: View, row: int) -> str:
    """The title and the telling fields: ``Saved Hive: CommandLine="…reg save hklm…"``.

    ``witnesses`` are the predicates that made the rule true; the rarest come first, at most one a field.
    """
    fields: dict[str, str] = {}
    for predicate in sorted(witnesses, key=lambda one: frequency(one.test)):
        name = field_of(predicate.column)
        if name not in fields and (seen := _seen(predicate.test, list(view[predicate.column].values(row)))):
            fields[name] = f'{name}="{seen}"' if name else f'"{seen}"'
        if len(fields) == MAX_FIELDS:
            break
    return f"{title}: {', '.join(fields.values())}" if fields else title


def _seen(test: Test, values: list[Value]) -> str:
    for value in values:
        if isinstance(test, Glob) and matcher(test)(value):
            return excerpt(value.raw, _place(test, value))
    return excerpt(values[0].raw) if values else ""


def _place(test: Glob, value: Value) -> int:
    """Where the longest text of a pattern is; folding keeps lengths, so it is the same place in both forms."""
    text = next(iter(literals(test)), "")
    return max(0, (value.raw if test.cased else value.folded).find(text))


def excerpt(text: str, start: int = 0) -> str:
    r"""A piece of a text around ``start``, with what cannot be printed (line breaks, bidi marks) replaced.

    >>> excerpt("reg.exe\n", 4)
    'reg.exe�'
    >>> excerpt("x" * 100 + "reg save" + "x" * 100, 100)[:24]
    '…xxxxxxxxxxxxreg savexxx'
    """
    if len(text) <= MAX_EXCERPT:
        first, last = 0, len(text)
    else:
        first = max(0, min(start - _BEFORE, len(text) - MAX_EXCERPT))
        last = first + MAX_EXCERPT
    return f"{'…' if first else ''}{printable(text[first:last])}{'…' if last < len(text) else ''}"
