r"""Forms of text lines that a source declares under ``text``: how a line is told, and which fields it has.

=============  ======================================================================================================
``pattern``    a regular expression; its named groups are the fields, and ``message`` is the text
``columns``    names of the columns between ``separator`` (a comma); ``quote`` is what fields may stand in.
               ``least`` says how many must be there (all), ``further`` under which name those beyond the names are
               kept (none may be)
neither        ``message`` alone; for what ``when`` and ``starts`` tell already
``name``       for messages
``when``       a condition on ``message`` and ``syslog``, as under ``events``
``starts``     how the text begins: a text, or a list of them
``where``      a condition on the fields: the form holds for lines whose fields are so
``pairs``      the name of a field that is ``key=value``: its keys become fields, itself none
``set``        fields with values that are the same in each line
=============  ======================================================================================================

Forms are tried in their order; the first that holds counts. They see the text behind the syslog envelope, from its
beginning. A pattern that takes too long costs its line.

Of a line that arrived as one of the source, but without the name of its program (shippers may deliver the message
alone), each form holds whatever program it is for. Of other lines none does: else it would be enough to get a text into
any log to forge another's.
"""

# Else the annotations of inner functions are worked out anew for each one that is made, and that is thousands.
from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

import msgspec
import regex

from watchfloor.errors import RecordError
from watchfloor.normalize.condition import compile_condition
from watchfloor.normalize.formats.pairs import pairs_of
from watchfloor.normalize.formats.payload import Record, Text

SECONDS = 0.1
"""How long a pattern may search one line; vendors' lines take microseconds."""

Form = Callable[[Text], Record | None]
Fields = Callable[[str], Record | None]

_KEYS = frozenset(
    {"name", "when", "starts", "where", "pairs", "set", "pattern", "columns", "separator", "quote", "least", "further"}
)
_PROGRAM = "syslog.app_name"
_TELLING = frozenset({"pattern", "columns", "starts", "when"})
"""Of these a form needs one: it may not take every line."""
_COLUMNS_ONLY = frozenset({"separator", "quote", "least", "further"})


class Forms(Protocol):
    """The fields of a text by the first form that holds, None if none does."""

    def __call__(self, text: Text, *, told: bool = False) -> Record | None:
        """``told`` says that the text arrived as one of the source whose forms these are."""


def compile_forms(definitions: Sequence[Mapping[str, Any]]) -> Forms:
    r"""The function that gives the fields of a text by the first form that holds; None if none does.

    >>> from watchfloor.normalize.formats import Text
    >>> read = compile_forms([{"pattern": r"Accepted (?P<method>\w+) for (?P<user>\S+)", "set": {"event": "login"}}])
    >>> read(Text("", "Accepted publickey for alice"))
    {'message': 'Accepted publickey for alice', 'method': 'publickey', 'user': 'alice', 'event': 'login'}

    Raises:
        ValueError: A form is malformed; names which.
    """
    if not isinstance(definitions, list):
        raise ValueError(f"text is a list of forms, not {definitions!r}")  # noqa: TRY004 - one error for a malformed mapping
    forms: list[tuple[frozenset[str] | None, Form]] = []
    for position, definition in enumerate(definitions, start=1):
        try:
            forms.append((_programs(definition), _form(definition)))
        except (ValueError, TypeError, KeyError, AttributeError, regex.error) as error:
            name = definition.get("name", "") if isinstance(definition, Mapping) else ""
            raise ValueError(f"text {position}{f' ({name})' if name else ''}: {error}") from None

    named = frozenset[str]().union(*(programs for programs, _ in forms if programs))
    of_program = {
        program: [form for programs, form in forms if programs is None or program in programs] for program in named
    }
    of_any = [form for programs, form in forms if programs is None]
    every = cache(lambda: [_form(one) for one in map(_of_any_program, definitions) if not _TELLING.isdisjoint(one)])

    def read(text: Text, *, told: bool = False) -> Record | None:
        program = str(text.syslog.get("app_name") or "") if text.syslog else ""
        alone = told and not program
        if alone and text.message.startswith(" "):
            text = msgspec.structs.replace(text, message=text.message.lstrip(" "))
        for form in every() if alone else of_program.get(program, of_any):
            if (fields := form(text)) is not None:
                return fields
        return None

    return read


def _of_any_program(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A form that does not ask for the program."""
    when = definition.get("when")
    when = when if isinstance(when, list) else [when or {}]
    rest = [{path: value for path, value in option.items() if path != _PROGRAM} for option in when]
    kept = {name: value for name, value in definition.items() if name != "when"}
    return kept if {} in rest else kept | {"when": rest}


def _programs(definition: Mapping[str, Any]) -> frozenset[str] | None:
    """The programs that a form is for, if it names them: most forms are, and no other line need be looked at."""
    when = definition.get("when")
    wanted = when.get(_PROGRAM) if isinstance(when, Mapping) else None
    names = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(names, list) or not all(isinstance(name, str) and "*" not in name for name in names):
        return None
    return frozenset(names)


def _form(definition: Mapping[str, Any]) -> Form:
    if extra := sorted(set(definition) - _KEYS):
        raise ValueError(f"unknown key {extra[0]!r}; a form takes {', '.join(sorted(_KEYS))}")
    if "pattern" in definition and "columns" in definition:
        raise ValueError("a form has a pattern or columns, not both")
    if "columns" not in definition and (stray := sorted(_COLUMNS_ONLY & set(definition))):
        raise ValueError(f"{stray[0]!r} goes with columns")
    holds, starts = definition.get("when"), _starts(definition)
    fields, where, pairs = _fields(definition), definition.get("where"), definition.get("pairs")
    constants = dict(definition.get("set") or {})
    if "pattern" not in definition and "columns" not in definition and not (holds or starts):
        raise ValueError("a form without a pattern or columns needs when or starts: it may not take every line")
    if _programs(definition) is not None:
        holds = {path: value for path, value in definition["when"].items() if path != _PROGRAM}
    condition = compile_condition(holds) if holds else None
    kept = compile_condition(where) if where else None

    def form(text: Text) -> Record | None:
        if (starts and not text.message.startswith(starts)) or (condition and not condition(text.plain)):
            return None
        found = fields(text.message)
        if found is None:
            return None
        if pairs:
            found = pairs_of(str(found.pop(pairs, "")).lstrip())[0] | found
        found.update(constants)
        return text.record(found) if kept is None or kept(found) else None

    return form


def _starts(definition: Mapping[str, Any]) -> tuple[str, ...]:
    starts = definition.get("starts") or ()
    if starts:
        return (starts,) if isinstance(starts, str) else tuple(map(str, starts))
    text = _literal_start(definition.get("pattern", ""))
    return (text,) if text else ()


def _literal_start(pattern: str) -> str:
    r"""The text that all matches of a pattern begin with, as far as it is plain to see.

    >>> _literal_start(r"Failed (?P<m>\w+)"), _literal_start("ab?c"), _literal_start("a|b")
    ('Failed ', 'a', '')
    """
    plain = 0
    while plain < len(pattern) and (pattern[plain].isalnum() or pattern[plain] in " _:-,=<>%'\"/@;!#&~`"):
        plain += 1
    if plain < len(pattern) and pattern[plain] in "?*+{":
        plain -= 1
    # A branch at the top could be another beginning; one in a group is behind its bracket.
    depth = 0
    for at, sign in enumerate(pattern):
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and depth <= 0 and pattern[at - 1] != "\\":
            return ""
    return pattern[: max(plain, 0)]


def _fields(definition: Mapping[str, Any]) -> Fields:
    if "pattern" in definition:
        return _matching(str(definition["pattern"]))
    if "columns" in definition:
        return _columns(definition)
    return lambda text: {"message": text}


def _matching(pattern: str) -> Fields:
    compiled = regex.compile(pattern, regex.VERSION0)
    if not compiled.groupindex:
        raise ValueError("a pattern without a named group gives no field: use starts")
    if "message" in compiled.groupindex:
        raise ValueError("a group may not be named message: that is the text")

    def fields(text: str) -> Record | None:
        try:
            found = compiled.match(text, timeout=SECONDS)
        except TimeoutError:
            raise RecordError(f"a pattern took longer than {SECONDS} s on this line") from None
        if found is None:
            return None
        return {"message": text} | {name: value for name, value in found.groupdict().items() if value is not None}

    return fields


def _columns(definition: Mapping[str, Any]) -> Fields:
    names = [str(name) for name in definition["columns"]]
    if len(set(names)) < len(names) or not names:
        raise ValueError("columns need different names")
    separator, quote = str(definition.get("separator", ",")), definition.get("quote")
    if len(separator) != 1:
        raise ValueError(f"a separator is one character, not {separator!r}")
    least, further = int(definition.get("least", len(names))), str(definition.get("further") or "")
    most = len(names)

    def fields(text: str) -> Record | None:
        values = _quoted(text, separator, quote) if quote and quote in text else text.split(separator)
        if len(values) < least or (len(values) > most and not further):
            return None
        made: Record = dict(zip(names, values, strict=False))
        if len(values) > most:
            made[further] = values[most:]
        return made

    return fields


def _quoted(text: str, separator: str, quote: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=separator, quotechar=quote), [])
    except csv.Error:
        return []
