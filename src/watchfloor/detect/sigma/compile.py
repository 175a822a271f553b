"""From a parsed Sigma rule to a condition tree.

What a modifier does to a value is pySigma's; what the result means for an event is here:

* text compares without case unless ``cased``; numbers and booleans equal their text;
* a list of values is one of them, or all of them with ``all``; a map is all of its fields; a list of maps, one of them;
* ``null`` is the absence of the field, ``''`` its empty text;
* a keyword is text found inside any value of the record, and so is a keyword with wildcards.
"""

from collections.abc import Mapping, Sequence
from itertools import islice, product

import msgspec
import regex
from sigma.conditions import ConditionAND
from sigma.modifiers import SigmaCaseSensitiveModifier, SigmaEndswithModifier, SigmaStartswithModifier
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaLogSource, SigmaRule
from sigma.rule.detection import SigmaDetections
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
    TimestampPart,
)

from watchfloor.detect.sigma.bounds import too_dear
from watchfloor.detect.sigma.columns import OCSF, column_of, ocsf_class
from watchfloor.detect.sigma.condition import (
    Cidr,
    Compare,
    Comparison,
    CompiledRule,
    Condition,
    Exists,
    Leaf,
    Predicate,
    Reference,
    Regex,
    Relation,
    Test,
    TimePart,
    conjunction,
    disjunction,
    negation,
)
from watchfloor.detect.sigma.globs import Shape, Wildcard, glob, shape
from watchfloor.detect.sigma.matching import compile_regex
from watchfloor.detect.sigma.metadata import describe
from watchfloor.detect.sigma.place import Place
from watchfloor.detect.sigma.syntax import parse_condition
from watchfloor.native import LogSource

Placeholders = Mapping[str, Sequence[str]]
"""The values of the placeholders (``%name%``) that rules expand; they may hold wildcards."""

MAX_EXPANSION = 100_000
"""How many values the placeholders of one rule may expand to."""

MAX_SINGLE_WILDCARDS = 100
"""How many ``?`` a pattern may have: the time to find it in a long value grows with them."""

_COMPARISONS: dict[CompareOperators, Comparison] = {
    CompareOperators.LT: "lt",
    CompareOperators.LTE: "lte",
    CompareOperators.GT: "gt",
    CompareOperators.GTE: "gte",
}
_PARTS: dict[TimestampPart, TimePart] = {
    TimestampPart.MINUTE: "minute",
    TimestampPart.HOUR: "hour",
    TimestampPart.DAY: "day",
    TimestampPart.WEEK: "week",
    TimestampPart.MONTH: "month",
    TimestampPart.YEAR: "year",
}
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_WILDCARDS = {SpecialChars.WILDCARD_MULTI: Wildcard.MANY, SpecialChars.WILDCARD_SINGLE: Wildcard.ONE}

Parts = Sequence[str | Wildcard]


def compile_rule(rule: SigmaRule, place: Place, placeholders: Placeholders | None = None) -> CompiledRule:
    """The rule as a condition tree.

    Raises:
        ContentError: It cannot be one; names the place and the reason.
    """
    logsource = source_of(rule.logsource)
    if logsource.product == OCSF:
        try:
            ocsf_class(logsource)
        except ValueError as error:
            raise place.error(str(error), "logsource") from error
    condition = compile_detections(rule.detection, logsource, place, placeholders, section="detection")
    return CompiledRule(describe(rule, place), logsource, condition, rule.name or "")


def source_of(logsource: SigmaLogSource) -> LogSource:
    """The log source as records name theirs: in lower case."""
    parts = (logsource.product, logsource.category, logsource.service)
    return LogSource(*((part or "").lower() for part in parts))


def compile_detections(
    detections: SigmaDetections,
    logsource: LogSource,
    place: Place,
    placeholders: Placeholders | None,
    *,
    section: str,
) -> Condition:
    """The tree of a rule's or a filter's searches and conditions; several conditions are one of them.

    Raises:
        ContentError: A search or a condition has no meaning; names the place and the reason.
    """
    compiler = _Compiler(logsource, {} if placeholders is None else placeholders)
    done: dict[str, Condition] = {}

    def resolve(name: str) -> Condition:
        if name not in done:
            done[name] = search(name)
        return done[name]

    def search(name: str) -> Condition:
        try:
            return compiler.detection(detections.detections[name])
        except (ValueError, regex.error) as error:
            raise place.error(f"{name}: {error}", section, name) from error

    trees = []
    for text in detections.condition:
        if not isinstance(text, str):
            raise place.error("the condition must be text", section, "condition")
        try:
            trees.append(parse_condition(text, tuple(detections.detections), resolve))
        except ValueError as error:
            raise place.error(str(error), section, "condition") from error
    whole = disjunction(tuple(trees))
    if (reason := too_dear(whole)) is not None:
        raise place.error(reason, section)
    return whole


class _Item(msgspec.Struct, frozen=True):
    """What the values of one detection item share."""

    field: str | None
    column: str
    cased: bool
    starts: bool
    ends: bool


class _Compiler:
    def __init__(self, logsource: LogSource, placeholders: Placeholders) -> None:
        self._logsource = logsource
        self._placeholders = placeholders
        self._left = MAX_EXPANSION

    def detection(self, detection: SigmaDetection) -> Condition:
        parts = tuple(
            self._item(part) if isinstance(part, SigmaDetectionItem) else self.detection(part)
            for part in detection.detection_items
        )
        return conjunction(parts) if detection.item_linking is ConditionAND else disjunction(parts)

    def _item(self, item: SigmaDetectionItem) -> Condition:
        shared = _Item(
            item.field,
            column_of(item.field, self._logsource),
            # pySigma forgets the case of a value that a later modifier expands, but not the modifier.
            cased=SigmaCaseSensitiveModifier in item.modifiers,
            starts=SigmaStartswithModifier in item.modifiers,
            ends=SigmaEndswithModifier in item.modifiers,
        )
        values: Sequence[SigmaType] = item.value or [SigmaNull()]
        parts = tuple(self._value(value, shared) for value in values)
        linked = conjunction(parts) if item.value_linking is ConditionAND else disjunction(parts)
        return negation(linked) if item.negated else linked

    def _value(self, value: SigmaType, item: _Item) -> Condition:
        match value:
            case SigmaExpansion():
                return disjunction(tuple(self._value(one, item) for one in value.values))
            case SigmaNull() | SigmaExists():
                return _presence(value, item)
            case SigmaString():
                return self._text(value, item)
            case SigmaRegularExpression():
                return self._regex(value, item)
            case SigmaBool() | SigmaNumber() if not isinstance(value, SigmaTimestampPart):
                return _text_leaf([str(value)], item)
        return _leaf(item.column, self._test(value, item))

    def _test(self, value: SigmaType, item: _Item) -> Test:
        match value:
            case SigmaTimestampPart():
                return _compare("eq", value)
            case SigmaCompareExpression():
                return _compare(_COMPARISONS[value.op], value.number)
            case SigmaCIDRExpression():
                return Cidr(str(value.network))
            case SigmaFieldReference():
                return self._reference(value, item)
        raise ValueError(f"values of the kind {type(value).__name__} are not supported")

    def _text(self, value: SigmaString, item: _Item) -> Condition:
        return disjunction(tuple(_text_leaf(parts, item) for parts in self._expanded(value)))

    def _regex(self, value: SigmaRegularExpression, item: _Item) -> Condition:
        flags = "".join(sorted(_FLAGS[flag] for flag in value.flags))
        patterns = ("".join(_plain(part) for part in parts) for parts in self._expanded(value.regexp))
        return disjunction(tuple(_leaf(item.column, _anchored(pattern, flags, item)) for pattern in patterns))

    def _expanded(self, value: SigmaString) -> Sequence[Parts]:
        """The value with each of its placeholders replaced by each of that one's values."""
        if not value.contains_placeholder():
            return [[_part(part) for part in value.s]]
        choices: list[Sequence[Parts]] = [
            self._replacements(part.name) if isinstance(part, Placeholder) else [[_part(part)]] for part in value.s
        ]
        combined = list(islice(product(*choices), self._left + 1))
        self._left -= len(combined)
        if self._left < 0:
            raise ValueError(f"the placeholders expand to more than {MAX_EXPANSION} values")
        return [[part for parts in chosen for part in parts] for chosen in combined]

    def _replacements(self, name: str) -> Sequence[Parts]:
        values = self._placeholders.get(name)
        if not values:
            raise ValueError(f"needs a list of values for the placeholder %{name}%")
        return [[_part(part) for part in SigmaString(value).s] for value in values]

    def _reference(self, value: SigmaFieldReference, item: _Item) -> Reference:
        if item.field is None:
            raise ValueError("fieldref needs a field")
        relation: Relation = "equals"
        if value.starts_with and value.ends_with:
            relation = "contains"
        elif value.starts_with or value.ends_with:
            relation = "startswith" if value.starts_with else "endswith"
        return Reference(column_of(value.field, self._logsource), relation, item.cased)


def _presence(value: SigmaNull | SigmaExists, item: _Item) -> Condition:
    if item.field is None:
        raise ValueError("a keyword cannot be null, nor exist: that needs a field")
    present = _leaf(item.column, Exists())
    return present if isinstance(value, SigmaExists) and value.exists else negation(present)


def _leaf(column: str, test: Test) -> Condition:
    return Leaf(Predicate(column, test))


def _text_leaf(parts: Parts, item: _Item) -> Condition:
    if sum(part is Wildcard.ONE for part in parts) > MAX_SINGLE_WILDCARDS:
        raise ValueError(f"a value has more than {MAX_SINGLE_WILDCARDS} of the wildcard '?'")
    pattern = glob(parts, cased=item.cased, anywhere=item.field is None)
    return _leaf(item.column, Exists() if shape(pattern)[0] is Shape.ANYTHING else pattern)


def _compare(comparison: Comparison, number: SigmaNumber) -> Compare:
    part = _PARTS[number.timestamp_part] if isinstance(number, SigmaTimestampPart) else None
    return Compare(comparison, number.number, part)


def _anchored(pattern: str, flags: str, item: _Item) -> Regex:
    # A regular expression is searched for; pySigma's own reading of these modifiers supposes that it is anchored.
    if item.starts or item.ends:
        pattern = (r"\A" if item.starts else "") + f"(?:{pattern})" + (r"\Z" if item.ends else "")
    compile_regex(pattern, flags)
    return Regex(pattern, flags)


def _part(part: object) -> str | Wildcard:
    return part if isinstance(part, str) else _WILDCARDS[part]  # type: ignore[index]


def _plain(part: str | Wildcard) -> str:
    return part if isinstance(part, str) else part.value
