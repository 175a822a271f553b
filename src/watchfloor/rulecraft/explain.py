"""Why a rule is true of an event, or not: its condition as a tree, each leaf with the pattern and the values it met.

The tree has the names that the author gave to the searches. What is true is decided by the same tests that the kernel
uses, one value at a time; whether the rule matches is then the same answer that the kernel gives.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal

import msgspec
import pyarrow as pa
from sigma.rule import SigmaRule
from sigma.rule.detection import SigmaDetections

from watchfloor.detect.sigma.columns import OCSF, field_of, ocsf_class
from watchfloor.detect.sigma.compile import Placeholders, compile_detections, compile_rule
from watchfloor.detect.sigma.condition import (
    And,
    AtLeast,
    CompiledRule,
    Condition,
    Exists,
    Leaf,
    Not,
    Or,
    Predicate,
    Reference,
    disjunction,
)
from watchfloor.detect.sigma.matching import matcher, related
from watchfloor.detect.sigma.parse import Parsed
from watchfloor.detect.sigma.syntax import parse_condition
from watchfloor.native import LOGSOURCE, LogSource, decode_logsources
from watchfloor.rulecraft.cells import column_values
from watchfloor.rulecraft.pattern import relation_of

Values = Callable[[str], Sequence[str]]
"""The values of a column in one event; none if it has none."""

SHOWN_VALUES = 5
"""How many values of a field a leaf names."""

_SEARCH = "search:"
"""Begins what stands for a column in the leaf of a search; no column begins so."""

Kind = Literal["all", "any", "at least", "not", "search", "test"]


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """A condition and whether it holds.

    A ``test`` has the field, the relation, the pattern and the values it met: those that pass it if it holds, else
    those that the field has. A ``search`` has a name. All others have parts alone, ``at least`` a count besides.
    """

    kind: Kind
    holds: bool
    parts: tuple["Node", ...] = ()
    name: str = ""
    count: int = 0
    field: str = ""
    relation: str = ""
    pattern: str = ""
    values: tuple[str, ...] = ()
    more: int = 0

    def leaves(self) -> Iterator["Node"]:
        """The tests below, in order."""
        stack: list[Node] = [self]
        while stack:
            node = stack.pop()
            if node.kind == "test":
                yield node
            stack.extend(reversed(node.parts))


class Explanation(msgspec.Struct, frozen=True):
    """A rule held against an event: the rule matches if the event is of its log source and the condition holds."""

    rule: CompiledRule
    matches: bool
    of_log_source: bool
    served: tuple[LogSource, ...]
    tree: Node


def explain(condition: Condition, values: Values) -> Node:
    """A condition held against the values of one event.

    >>> node = explain(Not(Leaf(Predicate("native.Image", Exists()))), {"native.Image": ["cmd.exe"]}.__getitem__)
    >>> node.holds, node.parts[0].values
    (False, ('cmd.exe',))
    """
    return _Explainer(values, {}).node(condition)


class Searches(msgspec.Struct, frozen=True):
    """A rule's condition over the names of its searches, and what they stand for.

    In ``condition`` a search is a leaf, whose column names it. ``filters`` are what Sigma filters add.
    """

    condition: Condition
    named: Mapping[str, Condition]
    filters: tuple[Condition, ...] = ()

    def explain(self, values: Values) -> Node:
        """The searches held against the values of one event."""
        tree = _Explainer(values, self.named).node(self.condition)
        if not self.filters:
            return tree
        narrowed = (_search(f"filter {at}", explain(one, values)) for at, one in enumerate(self.filters, start=1))
        parts = (tree, *narrowed)
        return Node("all", all(part.holds for part in parts), parts)


def _search(name: str, node: Node) -> Node:
    return Node("search", node.holds, (node,), name=name)


class _Explainer:
    def __init__(self, values: Values, named: Mapping[str, Condition]) -> None:
        self._values = values
        self._named = named

    def node(self, condition: Condition) -> Node:
        match condition:
            case Leaf(predicate):
                named = self._named.get(predicate.column)
                return (
                    self._test(predicate)
                    if named is None
                    else _search(predicate.column.removeprefix(_SEARCH), self.node(named))
                )
            case Not(inner):
                part = self.node(inner)
                return Node("not", not part.holds, (part,))
            case And(parts):
                nodes = tuple(map(self.node, parts))
                return Node("all", all(one.holds for one in nodes), nodes)
            case Or(parts):
                nodes = tuple(map(self.node, parts))
                return Node("any", any(one.holds for one in nodes), nodes)
            case AtLeast(count, parts):
                nodes = tuple(map(self.node, parts))
                return Node("at least", sum(one.holds for one in nodes) >= count, nodes, count=count)

    def _test(self, predicate: Predicate) -> Node:
        seen = list(self._values(predicate.column))
        passing = [text for text in seen if self._passes(predicate, text)]
        met = passing or seen
        relation, text = relation_of(predicate.test)
        if isinstance(predicate.test, Reference):
            text += f" ({', '.join(list(self._values(predicate.test.column))[:SHOWN_VALUES]) or 'which is not there'})"
        return Node(
            "test",
            bool(passing),
            field=field_of(predicate.column),
            relation=relation,
            pattern=text,
            values=tuple(met[:SHOWN_VALUES]),
            more=max(0, len(met) - SHOWN_VALUES),
        )

    def _passes(self, predicate: Predicate, value: str) -> bool:
        test = predicate.test
        if isinstance(test, Reference):
            others = self._values(test.column)
            return any(related(test.relation, value, other, cased=test.cased) for other in others)
        return matcher(test)(value)


def searches_of(parsed: Parsed, compiled: CompiledRule, placeholders: Placeholders | None = None) -> Searches:
    """The searches of a rule as its author named them; ``compiled`` is the rule as it was loaded, with its filters.

    Raises:
        ContentError: The rule does not compile.
        TypeError: It is a correlation or a filter.
    """
    rule = parsed.rule
    if not isinstance(rule, SigmaRule):
        raise TypeError("only rules have searches")
    detections = rule.detection.detections
    used: dict[str, Condition] = {}

    def resolve(name: str) -> Condition:
        alone = SigmaDetections({name: detections[name]}, [name])
        used[_SEARCH + name] = compile_detections(
            alone, compiled.logsource, parsed.place, placeholders, section="detection"
        )
        return Leaf(Predicate(_SEARCH + name, Exists()))

    trees = tuple(parse_condition(text, tuple(detections), resolve) for text in rule.detection.condition)
    alone = compile_rule(rule, parsed.place, placeholders)
    return Searches(disjunction(trees), used, _added(alone.condition, compiled.condition))


def _added(alone: Condition, loaded: Condition) -> tuple[Condition, ...]:
    """What filters have added to a condition: they are joined to it by ``and``."""
    own = frozenset(_conjuncts(alone))
    return tuple(one for one in _conjuncts(loaded) if one not in own)


def _conjuncts(condition: Condition) -> tuple[Condition, ...]:
    return condition.conditions if isinstance(condition, And) else (condition,)


def explain_rule(rule: CompiledRule, event: pa.RecordBatch, searches: Searches | None = None) -> Explanation:
    """A rule held against the one event of a batch that was decoded for it.

    Without its ``searches`` the tree is the compiled condition.
    """
    values = partial(column_values, event)
    tree = explain(rule.condition, values) if searches is None else searches.explain(values)
    served = decode_logsources(next(iter(values(LOGSOURCE)), ""))
    applies = _applies(rule.logsource, served, event)
    return Explanation(rule, applies and tree.holds, applies, served, tree)


def _applies(logsource: LogSource, served: Sequence[LogSource], event: pa.RecordBatch) -> bool:
    if logsource.product != OCSF:
        return any(logsource.served_by(one) for one in served)
    wanted = ocsf_class(logsource)
    return wanted is None or str(wanted) in column_values(event, "class_uid")
