"""What a query means, said once more and slowly: a naive evaluator over rows as Python has them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cmp_to_key
from ipaddress import ip_address, ip_network
from typing import Any

import orjson

from watchfloor.event import ENTITY_ROLES
from watchfloor.search.fields import GROUPS
from watchfloor.search.moments import moment
from watchfloor.search.syntax import (
    And,
    Condition,
    Count,
    Dedup,
    Exists,
    Fields,
    Head,
    Not,
    Or,
    Query,
    Sort,
    Test,
    Text,
    Timechart,
    Top,
    Value,
    Where,
)

Row = Mapping[str, Any]
TYPES = ("user", "host", "address", "app", "resource")


def lower(text: str) -> str:
    """Letter by letter, as a table of single letters says."""
    return "".join(char.lower()[0] if char.lower() else char for char in text)


def globbed(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern of ``*`` and ``?`` says, tried at each place."""
    reached = {0}
    for sign in pattern:
        if sign == "*":
            reached = {end for start in reached for end in range(start, len(text) + 1)}
        else:
            reached = {at + 1 for at in reached if at < len(text) and sign in {"?", text[at]}}
    return len(text) in reached


def values(row: Row, name: str) -> list[Any]:
    """What a name finds in a row, nulls left out."""
    if name in GROUPS:
        found = [row[column] for column in GROUPS[name]]
    elif name.partition(".")[0] in {"rest", "unmapped"} and name not in row:
        column, _, path = name.partition(".")
        found = [
            shown(one) for one in paths(orjson.loads(row[column] or "null"), path.split("."), dotted=column == "rest")
        ]
    else:
        value = row[name]
        found = value if isinstance(value, list) else [_read(value)]
    return [one for one in found if one is not None]


def _read(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def paths(value: Any, keys: list[str], *, dotted: bool) -> Iterable[Any]:
    """What lies at a path of keys; ``a[]`` goes into each element; the first key may be several, joined by dots."""
    for first in range(len(keys) if dotted else 1, 0, -1):
        yield from at_path(value, [".".join(keys[:first]), *keys[first:]])


def at_path(value: Any, keys: list[str]) -> Iterable[Any]:
    if not keys:
        yield value
        return
    key, each = keys[0].removesuffix("[]"), keys[0].endswith("[]")
    inner = value.get(key) if isinstance(value, dict) else None
    for one in inner if each and isinstance(inner, list) else [] if each else [inner]:
        yield from at_path(one, keys[1:])


def shown(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def holds(condition: Condition, row: Row, now: int) -> bool:  # noqa: PLR0911 - a case a line
    match condition:
        case And(parts):
            return all(holds(part, row, now) for part in parts)
        case Or(parts):
            return any(holds(part, row, now) for part in parts)
        case Not(part):
            return not holds(part, row, now)
        case Exists(name):
            return bool(values(row, name.text))
        case Text(value):
            raw = lower(row["raw"].decode("utf-8", "replace"))
            texts = {lower(value.text), lower(orjson.dumps(value.text).decode()[1:-1])}
            if value.is_pattern:
                return any(globbed(f"*{text}*", raw) for text in texts)
            return any(text in raw for text in texts)
        case Test(name, operator, wanted):
            return any(tested(row, name.text, operator, one, now) for one in wanted)


def tested(row: Row, name: str, operator: str, value: Value, now: int) -> bool:
    if name == "hash":
        return f'"value":"{lower(value.text)}"' in lower(row["rest"] or "")
    if name == "entity":
        return any(of_entity(row[f"entity.{role}"], operator, value) for role in ENTITY_ROLES)
    return any(compared(name, one, operator, value, now) for one in values(row, name))


def of_entity(entity: str | None, operator: str, value: Value) -> bool:
    if entity is None:
        return False
    typed = lower(value.text.partition(":")[0]) in TYPES
    if value.is_pattern:
        return globbed(lower(value.text if typed else f"*:{value.text}"), lower(entity))
    texts = {value.text} if operator == "=" else {value.text, value.text.lower()}
    return entity in {one for text in texts for one in ([text] if typed else [f"{kind}:{text}" for kind in TYPES])}


def compared(name: str, one: Any, operator: str, value: Value, now: int) -> bool:  # noqa: PLR0911 - a case a line
    if name in {"time", "ingested_at"}:
        first, last = moment(value.text, now)
        if operator in {":", "="}:
            return bool(first <= one <= last)
        return order(operator, one, first if operator in {">=", "<"} else last)
    if isinstance(one, bool):
        return one is (value.text.lower() == "true")
    if isinstance(one, int | float):
        return order(operator, one, float(value.text))
    if operator in {":", "="}:
        return equal(name, one, operator, value)
    if name.partition(".")[0] in {"rest", "unmapped", "tags"}:
        try:
            return order(operator, float(one), float(value.text))
        except ValueError:
            return False
    return order(operator, one, value.text)


def equal(name: str, one: str, operator: str, value: Value) -> bool:
    if (name == "ip" or name.endswith(".ip")) and not value.quoted and "/" in value.text:
        try:
            return ip_address(one) in ip_network(value.text, strict=False)
        except ValueError:
            return False
    if operator == ":" and value.is_pattern:
        return globbed(lower(value.text), lower(one))
    return one == value.text if operator == "=" else lower(one) == lower(value.text)


def order(operator: str, one: Any, other: Any) -> bool:
    signs: dict[str, Callable[[Any, Any], bool]] = {
        ":": lambda a, b: a == b,
        "=": lambda a, b: a == b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
    }
    return signs[operator](one, other)


def first_value(row: Row, name: str) -> Any:
    found = values(row, name)
    return found[0] if found else None


def ranked(rows: list[dict[str, Any]], keys: list[tuple[str, bool]]) -> list[dict[str, Any]]:
    """The rows in the order of names, each rising or falling; those without a value last."""

    def compare(a: dict[str, Any], b: dict[str, Any]) -> int:
        for name, falling in keys:
            x, y = first_value(a, name), first_value(b, name)
            if x != y:
                if x is None or y is None:
                    return 1 if x is None else -1
                return (1 if x > y else -1) * (-1 if falling else 1)
        return 0

    return sorted(rows, key=cmp_to_key(compare))


def evaluate(query: Query, rows: Iterable[Row], now: int) -> list[dict[str, Any]]:  # noqa: C901 - a pipe a case
    """The rows of a query, in order."""
    latest = [("time", True), ("metadata.uid", True)]
    found = ranked([dict(row) for row in rows if holds(query.condition, row, now)], latest)
    for pipe in query.pipes:
        match pipe:
            case Where(condition):
                found = [row for row in found if holds(condition, row, now)]
            case Count(by):
                counts = Counter(tuple(first_value(row, name.text) for name in by) for row in found)
                counts = counts if by else Counter({(): len(found)})
                found = most([name.text for name in by], counts)
            case Top(number, by):
                counts = Counter(tuple(first_value(row, name.text) for name in by) for row in found)
                present = Counter({key: n for key, n in counts.items() if None not in key})
                found = most([name.text for name in by], present)[:number]
            case Timechart(span, None):
                buckets = Counter(row["time"] - row["time"] % span for row in found)
                found = [{"time": at, "count": buckets[at]} for at in sorted(buckets)]
            case Fields(names):
                found = [{name.text: first_value(row, name.text) for name in names} for row in found]
            case Sort(keys):
                found = ranked(found, [(name.text, falling) for name, falling in keys])
            case Head(number):
                found = found[:number]
            case Dedup(names):
                seen: dict[tuple[Any, ...], dict[str, Any]] = {}
                for row in found:
                    seen.setdefault(tuple(first_value(row, name.text) for name in names), row)
                found = list(seen.values())
    return found


def most(names: list[str], counts: Counter[tuple[Any, ...]]) -> list[dict[str, Any]]:
    rows = [{**dict(zip(names, key, strict=True)), "count": n} for key, n in counts.items()]
    return ranked(rows, [("count", True), *((name, False) for name in names)])
