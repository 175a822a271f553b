"""What a query says: a condition on events, and what to do with those it holds of."""

import msgspec

from watchfloor.errors import InputError


class Value(msgspec.Struct, frozen=True):
    """A value as written, and where; ``*`` and ``?`` are wildcards in one that was not quoted."""

    text: str
    quoted: bool
    at: int

    @property
    def is_pattern(self) -> bool:
        """Whether it has wildcards."""
        return not self.quoted and ("*" in self.text or "?" in self.text)


class Name(msgspec.Struct, frozen=True):
    """A field's name as written, and where."""

    text: str
    at: int


class Test(msgspec.Struct, frozen=True):
    """Whether one of the values is the field's: ``operator`` is one of ``: = > >= < <=``."""

    field: Name
    operator: str
    values: tuple[Value, ...]


class Exists(msgspec.Struct, frozen=True):
    """Whether the field has a value."""

    field: Name


class Text(msgspec.Struct, frozen=True):
    """Whether the raw record has this text in it."""

    value: Value


class And(msgspec.Struct, frozen=True):
    """All of the parts hold; none: always."""

    parts: "tuple[Condition, ...]"


class Or(msgspec.Struct, frozen=True):
    """One of the parts holds."""

    parts: "tuple[Condition, ...]"


class Not(msgspec.Struct, frozen=True):
    """The part does not hold."""

    part: "Condition"


Condition = Test | Exists | Text | And | Or | Not


class Where(msgspec.Struct, frozen=True):
    """Keep the rows that a condition holds of."""

    condition: Condition


class Count(msgspec.Struct, frozen=True):
    """How many rows there are, for each combination of values; without ``by``, in all."""

    by: tuple[Name, ...]


class Top(msgspec.Struct, frozen=True):
    """The most frequent combinations of values."""

    number: int
    by: tuple[Name, ...]


class Timechart(msgspec.Struct, frozen=True):
    """How many rows each span of time (ms) has, in all or for the most frequent values of a field."""

    span: int
    by: Name | None


class Fields(msgspec.Struct, frozen=True):
    """Only these fields of each row."""

    names: tuple[Name, ...]


class Sort(msgspec.Struct, frozen=True):
    """The rows in the order of these fields; ``True``: falling."""

    keys: tuple[tuple[Name, bool], ...]


class Head(msgspec.Struct, frozen=True):
    """The first rows."""

    number: int


class Dedup(msgspec.Struct, frozen=True):
    """Of the rows with the same values in these fields, the latest."""

    names: tuple[Name, ...]


Pipe = Where | Count | Top | Timechart | Fields | Sort | Head | Dedup


class Query(msgspec.Struct, frozen=True):
    """A condition, and what is done with the events one after the other."""

    condition: Condition
    pipes: tuple[Pipe, ...] = ()


def refused(at: int, reason: str) -> InputError:
    """The error that says where (0-based) a query cannot be read, and why."""
    return InputError(f"query, character {at + 1}: {reason}")
