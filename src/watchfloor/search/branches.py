"""Splits a search for one value in several columns into one search for each column.

The Bloom filters of a column say which row groups cannot have a value, but only to a query that wants it in that
column. An event that has the value in two columns is found by the first of them.
"""

from watchfloor.search.condition import as_it_is, entity_ids
from watchfloor.search.fields import Entities, Group, field_of_events
from watchfloor.search.syntax import And, Condition, Name, Not, Test, Value


def branches(condition: Condition) -> list[Condition]:
    """Conditions of which at most one holds of an event, and one if the whole does."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    for at, part in enumerate(parts):
        if len(tests := _by_column(part)) > 1:
            others = parts[:at] + parts[at + 1 :]
            return [And((test, *(Not(one) for one in tests[:number]), *others)) for number, test in enumerate(tests)]
        if isinstance(part, And) and len(inner := branches(part)) > 1:
            return [And((one, *parts[:at], *parts[at + 1 :])) for one in inner]
    return [condition]


def _by_column(part: Condition) -> list[Test]:
    """A test of several columns for one value as it is, as a test of each."""
    match part:
        case Test(name, ":" | "=" as operator, (value,)):
            field = field_of_events(name)
            exact: Value | None = None
            if isinstance(field, Group) and as_it_is(operator, value):
                exact = value
            elif isinstance(field, Entities) and not value.is_pattern:
                ids = entity_ids(operator, value)
                exact = Value(ids[0], quoted=True, at=value.at) if len(ids) == 1 else None
            if exact is not None and isinstance(field, Group | Entities):
                return [Test(Name(column.name, name.at), "=", (exact,)) for column in field.columns]
    return []
