"""What a rule saw in an event, in a short sentence: its title and the fields that made it true."""

from collections.abc import Iterable

from watchfloor.detect.sigma.columns import field_of
from watchfloor.detect.sigma.condition import Glob, Predicate
from watchfloor.detect.sigma.globs import glob_matcher, literals
from watchfloor.detect.sigma.guards import frequency
from watchfloor.detect.sigma.view import Rows, texts_of
from watchfloor.judging import printable

MAX_FIELDS = 3
"""How many fields a sentence names."""

MAX_EXCERPT = 60
"""How much of a value it shows, in characters."""

_BEFORE = 12


def summary(title: str, witnesses: Iterable[Predicate], rows: Rows, row: int) -> str:
    """The title and the telling fields: ``Saved Hive: CommandLine="…reg save hklm…"``.

    ``witnesses`` are the predicates that made the rule true; the rarest come first, at most one a field.
    """
    fields: dict[str, str] = {}
    for predicate in sorted(witnesses, key=lambda one: frequency(one.test)):
        name = field_of(predicate.column)
        if name not in fields and (seen := _seen(predicate, rows, row)):
            fields[name] = f'{name}="{seen}"' if name else f'"{seen}"'
        if len(fields) == MAX_FIELDS:
            break
    return f"{title}: {', '.join(fields.values())}" if fields else title


def _seen(predicate: Predicate, rows: Rows, row: int) -> str:
    raw = texts_of(rows.raw[predicate.column][row])
    test = predicate.test
    if not isinstance(test, Glob):
        return excerpt(raw[0]) if raw else ""
    if len(raw) == 1 and len(raw[0]) <= MAX_EXCERPT:
        return excerpt(raw[0])
    compared = raw if test.cased else texts_of(rows.folded[predicate.column][row])
    # Folding keeps lengths: the longest text of a pattern is at the same place in both forms.
    text = next(iter(literals(test)), "")
    matches = glob_matcher(test)
    for value, form in zip(raw, compared, strict=True):
        if len(raw) == 1 or matches(form):
            return excerpt(value, max(0, form.find(text)))
    return ""


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
