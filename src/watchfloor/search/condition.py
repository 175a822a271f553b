"""A condition as SQL, with every value a parameter.

A test of a field that has no value does not hold, and so its ``NOT`` does.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from watchfloor.search.fields import (
    RAW,
    Column,
    Entities,
    Field,
    Group,
    Hash,
    JsonPath,
    ListColumn,
    Type,
    field_of_events,
    field_of_rows,
)
from watchfloor.search.moments import moment
from watchfloor.search.networks import network
from watchfloor.search.syntax import And, Condition, Exists, Name, Not, Or, Test, Text, Value, refused

Columns = Sequence[Column] | None
"""What names may name: columns of a result, or ``None``, everything that an event has."""

ENTITY_TYPES = ("user", "host", "address", "app", "resource")
_FALSE, _TRUE = "false", "true"
_WHOLE = re.compile(r"-?\d{1,18}")
_NUMBER = re.compile(r"-?\d{1,300}(\.\d{1,300})?([eE][+-]?\d{1,3})?")
_HEX = re.compile(r"[0-9A-Fa-f]{32,128}")


class Parameters:
    """The values of a query, by the names that its SQL has for them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def add(self, value: Any) -> str:
        """The SQL that stands for a value."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"


class Compiler:
    """Compiles conditions; ``now`` (ms) is what relative times count from."""

    def __init__(self, parameters: Parameters, now: int) -> None:
        self.parameters = parameters
        self._now = now

    def condition(self, condition: Condition, columns: Columns = None) -> str:
        """The SQL that is true where the condition holds, and false or null elsewhere.

        Raises:
            InputError: A name names nothing, or a value cannot be one of its field.
        """
        match condition:
            case And(parts):
                return self._joined(" AND ", parts, columns, _TRUE)
            case Or(parts):
                return self._joined(" OR ", parts, columns, _FALSE)
            case Not(part):
                return f"({self.condition(part, columns)}) IS NOT TRUE"
            case Exists(name):
                return self._exists(_field(name, columns))
            case Text(value):
                return self._text(value, columns)
            case Test(name, operator, values):
                field = _field(name, columns)
                return _any([self._test(field, operator, value) for value in values])

    def _joined(self, word: str, parts: Sequence[Condition], columns: Columns, empty: str) -> str:
        return word.join(f"({self.condition(part, columns)})" for part in parts) or empty

    def value(self, field: Column | JsonPath) -> str:
        """The SQL of a field's value."""
        if isinstance(field, Column):
            return field.sql
        found = [self._json(field, path) for path in field.paths]
        return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"

    def _json(self, field: JsonPath, path: str) -> str:
        # What a JSON column holds was written by us; a file that somebody else made must not end the search.
        return f'try(json_extract_string("{field.column}", {self.parameters.add(path)}))'

    def _exists(self, field: Field) -> str:
        match field:
            case Group(_, columns) | Entities(columns):
                return _any([f"{column.sql} IS NOT NULL" for column in columns])
            case Hash():
                return f'regexp_matches("rest", \'"value":"{_HEX.pattern}"\')'
            case ListColumn(sql=sql):
                return f"len({sql}) > 0"
            case JsonPath(is_list=True):
                test = "lambda one: one IS NOT NULL"
                return _any([f"len(list_filter({self._json(field, path)}, {test})) > 0" for path in field.paths])
            case _:
                return f"{self.value(field)} IS NOT NULL"

    def _text(self, value: Value, columns: Columns) -> str:
        if columns is not None:
            raise refused(value.at, "there is no raw text in a result; test one of its columns")
        raw = f"lower({_RAW_SQL})"
        texts = dict.fromkeys((value.text, orjson.dumps(value.text).decode()[1:-1]))
        return _any([self._holds(raw, text, pattern=value.is_pattern) for text in texts])

    def _holds(self, lowered: str, text: str, *, pattern: bool) -> str:
        if not pattern:
            return f"contains({lowered}, lower({self.parameters.add(text)}))"
        return f"{lowered} LIKE lower({self.parameters.add(f'%{_like(text)}%')}) ESCAPE '\\'"

    def _test(self, field: Field, operator: str, value: Value) -> str:  # noqa: PLR0911 - a kind of field a case
        match field:
            case Group(_, columns):
                return _any([self._test(column, operator, value) for column in columns])
            case Hash():
                return self._hash(operator, value)
            case Entities(columns):
                return self._entity(columns, operator, value)
            case ListColumn(name, sql):
                test = self._compared(name, "one", operator, value)
                return f"len(list_filter({sql}, lambda one: {test})) > 0"
            case JsonPath(is_list=True, paths=paths):
                test = self._compared(field.name, "one", operator, value)
                return _any([f"len(list_filter({self._json(field, path)}, lambda one: {test})) > 0" for path in paths])
            case JsonPath():
                return self._compared(field.name, self.value(field), operator, value)
            case _:
                return _BY_TYPE[field.type](self, field, operator, value)

    def _compared(self, name: str, sql: str, operator: str, value: Value) -> str:
        """A value of a JSON column: its text, or the number that it is."""
        if operator in {":", "="}:
            return self._equal(sql, operator, value)
        return f"try_cast({sql} AS DOUBLE) {operator} {self.parameters.add(_number(name, value))}"

    def _text_test(self, column: Column, operator: str, value: Value) -> str:
        if operator not in {":", "="}:
            return f"{column.sql} {operator} {self.parameters.add(value.text)}"
        if column.is_address and not value.quoted and (found := _network(value)):
            template, (low, high) = found
            ends = {"{low}": self.parameters.add(low), "{high}": self.parameters.add(high)}
            for mark, sql in {"{value}": column.sql, **ends}.items():
                template = template.replace(mark, sql)
            return template
        return self._equal(column.sql, operator, value)

    def _equal(self, sql: str, operator: str, value: Value) -> str:
        """``:`` ignores case and knows wildcards; ``=`` is exactly this."""
        if operator == ":" and value.is_pattern:
            return f"lower({sql}) LIKE lower({self.parameters.add(_like(value.text))}) ESCAPE '\\'"
        if as_it_is(operator, value):
            return f"{sql} = {self.parameters.add(value.text)}"
        return f"lower({sql}) = lower({self.parameters.add(value.text)})"

    def _number_test(self, column: Column, operator: str, value: Value) -> str:
        number = _number(column.name, value)
        sign = "=" if operator == ":" else operator
        return f"{column.sql} {sign} {self.parameters.add(number)}"

    def _truth_test(self, column: Column, operator: str, value: Value) -> str:
        wanted = {"true": True, "false": False}.get(value.text.lower())
        if wanted is None or operator not in {":", "="}:
            raise refused(value.at, f"{column.name} is true or false, not {operator} {value.text!r}")
        return f"{column.sql} = {self.parameters.add(wanted)}"

    def _time_test(self, column: Column, operator: str, value: Value) -> str:
        first, last = when(value, self._now)
        add = self.parameters.add
        match operator:
            case ">=" | "<":
                return f"{column.sql} {operator} {add(first)}"
            case ">" | "<=":
                return f"{column.sql} {operator} {add(last)}"
            case _:
                return f"{column.sql} BETWEEN {add(first)} AND {add(last)}"

    def _hash(self, operator: str, value: Value) -> str:
        wanted = hash_value(operator, value)
        text = f'"value":"{wanted}"'
        return f'contains(lower("rest"), {self.parameters.add(text)})'

    def _entity(self, columns: Sequence[Column], operator: str, value: Value) -> str:
        if operator not in {":", "="}:
            raise refused(value.at, f"an entity is equal or not, not {operator}")
        if value.is_pattern:
            whole = Value(value.text if _typed(value.text) else f"*:{value.text}", quoted=False, at=value.at)
            return _any([self._equal(column.sql, ":", whole) for column in columns])
        wanted = ", ".join(self.parameters.add(one) for one in entity_ids(operator, value))
        return _any([f"{column.sql} IN ({wanted})" for column in columns])


def when(value: Value, now: int) -> tuple[int, int]:
    """The first and last millisecond of what a value names.

    Raises:
        InputError: It names no time.
    """
    try:
        return moment(value.text, now)
    except ValueError as error:
        raise refused(value.at, str(error)) from error


def hash_value(operator: str, value: Value) -> str:
    """The hash that a test asks for, in lower case.

    Raises:
        InputError: It is none.
    """
    if operator not in {":", "="} or not _HEX.fullmatch(value.text):
        raise refused(value.at, f"{value.text[:80]!r} is not the whole of a hash in hexadecimal digits")
    return value.text.lower()


def _field(name: Name, columns: Columns) -> Field:
    return field_of_events(name) if columns is None else field_of_rows(name, columns)


def as_it_is(operator: str, value: Value) -> bool:
    """Whether a test of equality compares with this text and no other."""
    is_text = not value.is_pattern and "/" not in value.text
    return operator == "=" or (is_text and not any(char.isalpha() for char in value.text))


def entity_ids(operator: str, value: Value) -> list[str]:
    """The entity ids that a test asks for, each once."""
    texts = dict.fromkeys([value.text] if operator == "=" else [value.text, value.text.lower()])
    return list(dict.fromkeys(one for text in texts for one in _ids(text)))


def _ids(text: str) -> list[str]:
    """The entity ids that a text may be, or be the name in."""
    return [text] if _typed(text) else [f"{kind}:{text}" for kind in ENTITY_TYPES]


def _typed(text: str) -> bool:
    return text.partition(":")[0].lower() in ENTITY_TYPES


def _any(parts: Sequence[str]) -> str:
    return " OR ".join(f"({part})" for part in parts) if len(parts) > 1 else parts[0]


def _like(pattern: str) -> str:
    r"""A pattern with ``*`` and ``?`` as one of ``LIKE``.

    >>> _like("50%_*?")
    '50\\%\\_%_'
    """
    return re.sub(r"[%_\\]", r"\\\g<0>", pattern).replace("*", "%").replace("?", "_")


def _number(name: str, value: Value) -> int | float:
    if _WHOLE.fullmatch(value.text):
        return int(value.text)
    if _NUMBER.fullmatch(value.text):
        return float(value.text)
    raise refused(value.at, f"{name} is a number, and {value.text[:80]!r} is none")


def _network(value: Value) -> tuple[str, tuple[str, str]] | None:
    try:
        return network(value.text)
    except ValueError as error:
        raise refused(value.at, str(error)) from error


_RAW_SQL = f"decode(\"{RAW}\", 'replace')"
_BY_TYPE: dict[Type, Callable[[Compiler, Column, str, Value], str]] = {
    Type.TEXT: Compiler._text_test,  # noqa: SLF001 - our own
    Type.NUMBER: Compiler._number_test,  # noqa: SLF001
    Type.TRUTH: Compiler._truth_test,  # noqa: SLF001
    Type.TIME: Compiler._time_test,  # noqa: SLF001
}
