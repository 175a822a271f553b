"""What a compiled rule is made of: tests on a value, predicates on a column, and the condition tree over them.

All of it is plain, immutable, hashable data without cycles: equal predicates of different rules are one predicate to
the kernel, a compiled rule can be written to a cache and read back, and the garbage collector need not look at it.

A column that is null satisfies no predicate; ``Not`` of any predicate is then true. A column with several values
satisfies a predicate if one of its values does.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from watchfloor.finding import Rule
from watchfloor.native import LogSource

Relation = Literal["equals", "startswith", "endswith", "contains"]
Comparison = Literal["eq", "lt", "lte", "gt", "gte"]
TimePart = Literal["minute", "hour", "day", "week", "month", "year"]


class Glob(msgspec.Struct, frozen=True, gc=False, tag="glob"):
    """A string pattern, anchored at both ends.

    ``segments`` are the parts between the ``*``, each split at its ``?``: ``a*b?c`` is ``(("a",), ("b", "c"))``.
    ``abc`` alone is ``(("abc",),)`` and ``*abc*`` is ``(("",), ("abc",), ("",))``. Unless ``cased``, the texts are
    folded, and so is the value.
    """

    segments: tuple[tuple[str, ...], ...]
    cased: bool = False


class Regex(msgspec.Struct, frozen=True, gc=False, tag="regex"):
    """A regular expression, searched for anywhere; ``flags`` are letters of ``ims``."""

    pattern: str
    flags: str = ""


class Cidr(msgspec.Struct, frozen=True, gc=False, tag="cidr"):
    """An IPv4 or IPv6 network that holds the address."""

    network: str


class Compare(msgspec.Struct, frozen=True, gc=False, tag="compare"):
    """A number compared with the value, or with a part of the time that the value is."""

    comparison: Comparison
    number: int | float
    part: TimePart | None = None


class Exists(msgspec.Struct, frozen=True, gc=False, tag="exists"):
    """Any value at all."""


class Reference(msgspec.Struct, frozen=True, gc=False, tag="reference"):
    """A value related to a value of another column of the same event: it starts with it, for example."""

    column: str
    relation: Relation
    cased: bool = False


Test = Glob | Regex | Cidr | Compare | Exists | Reference


class Predicate(msgspec.Struct, frozen=True, gc=False):
    """A test on a column of the batch (``native.Image``, ``actor.user.name``, ``native.*`` for keywords)."""

    column: str
    test: Test


class Leaf(msgspec.Struct, frozen=True, gc=False, tag="leaf"):
    """A predicate in a tree."""

    predicate: Predicate


class And(msgspec.Struct, frozen=True, gc=False, tag="and"):
    """All of them."""

    conditions: tuple["Condition", ...]


class Or(msgspec.Struct, frozen=True, gc=False, tag="or"):
    """One of them."""

    conditions: tuple["Condition", ...]


class AtLeast(msgspec.Struct, frozen=True, gc=False, tag="at_least"):
    """``count`` of them."""

    count: int
    conditions: tuple["Condition", ...]


class Not(msgspec.Struct, frozen=True, gc=False, tag="not"):
    """Not that."""

    condition: "Condition"


Condition = Leaf | And | Or | AtLeast | Not


class CompiledRule(msgspec.Struct, frozen=True, gc=False):
    """A rule ready to be linked: what its findings say, which records it applies to, and when it is true.

    ``name`` is what other rules may call it by, besides its id. For a log source with the product ``ocsf`` the columns
    of the condition are OCSF attributes.
    """

    rule: Rule
    logsource: LogSource
    condition: Condition
    name: str = ""


def conjunction(conditions: tuple[Condition, ...]) -> Condition:
    """All of the conditions, flat.

    >>> leaf = Leaf(Predicate("native.Image", Exists()))
    >>> conjunction((leaf,)) is leaf
    True
    """
    flat = tuple(_flat(And, conditions))
    return flat[0] if len(flat) == 1 else And(flat)


def disjunction(conditions: tuple[Condition, ...]) -> Condition:
    """One of the conditions, flat."""
    flat = tuple(_flat(Or, conditions))
    return flat[0] if len(flat) == 1 else Or(flat)


def negation(condition: Condition) -> Condition:
    """Not the condition; two negations are none."""
    return condition.condition if isinstance(condition, Not) else Not(condition)


def _flat(kind: type[And | Or], conditions: tuple[Condition, ...]) -> dict[Condition, None]:
    flat: dict[Condition, None] = {}
    for one in conditions:
        flat.update(dict.fromkeys(one.conditions if isinstance(one, kind) else (one,)))
    return flat


def predicates(condition: Condition) -> tuple[Predicate, ...]:
    """The predicates of a tree, each once, in order."""
    found: dict[Predicate, None] = {}
    stack: list[Condition] = [condition]
    while stack:
        match stack.pop():
            case Leaf(predicate):
                found[predicate] = None
            case Not(inner):
                stack.append(inner)
            case And(inner) | Or(inner) | AtLeast(_, inner):
                stack.extend(reversed(inner))
    return tuple(found)


class Alternatives(NamedTuple):
    """Patterns by column and by whether they are cased, which are searched for together, and other conditions."""

    texts: Mapping[tuple[str, bool], Sequence[Glob]]
    others: Sequence[Condition]


def alternatives(conditions: Sequence[Condition]) -> Alternatives:
    """The conditions of which one must be true, as they are tried."""
    texts: dict[tuple[str, bool], list[Glob]] = defaultdict(list)
    others: list[Condition] = []
    for one in conditions:
        match one:
            case Leaf(Predicate(column, Glob(_, cased) as test)):
                texts[column, cased].append(test)
            case _:
                others.append(one)
    return Alternatives(texts, others)
