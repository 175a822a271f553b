"""The oracle of Sigma matching: one rule, one event, evaluated as the specification reads.

Naive on purpose, and without a line in common with :mod:`watchfloor.detect.sigma`: where the two differ, one is wrong.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from itertools import combinations
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionIdentifier,
    ConditionItem,
    ConditionNOT,
    ConditionSelector,
    SigmaCondition,
)
from sigma.modifiers import reverse_modifier_mapping
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule
from sigma.rule.detection import SigmaDetections
from sigma.types import (
    CompareOperators,
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
)

Event = Mapping[str, str | Sequence[str] | None]
"""Fields by name: a text, several, or none."""


def matches(rule: SigmaRule, event: Event, keywords: Sequence[str] | None = None) -> bool:
    """Whether the rule is true of the event; ``keywords`` are the values that field-less search looks at, else all.

    >>> rule = SigmaRule.from_dict({
    ...     "title": "Hive", "logsource": {"product": "windows"},
    ...     "detection": {"s": {"CommandLine|contains|all": ["reg", "SAVE"]}, "condition": "s"}})
    >>> matches(rule, {"CommandLine": "reg.exe save hklm"}), matches(rule, {})
    (True, False)
    """
    return oracle(rule)(event, keywords)


def oracle(rule: SigmaRule) -> Callable[[Event, Sequence[str] | None], bool]:
    """:func:`matches` for many events of one rule, whose conditions are parsed once."""
    searches = rule.detection
    trees = [
        SigmaCondition(_spelled_out(text, searches), searches).parse(postprocess=False) for text in searches.condition
    ]

    def is_true(event: Event, keywords: Sequence[str] | None) -> bool:
        everything = [value for name in event for value in _values(event, name)] if keywords is None else list(keywords)
        return any(_condition(tree, searches, event, everything) for tree in trees)

    return is_true


def _values(event: Event, name: str) -> list[str]:
    value = event.get(name)
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _spelled_out(condition: str, searches: SigmaDetections) -> str:
    """``2 of x*`` as pairs of names joined by ``and``, the pairs joined by ``or``: pySigma knows 1 and all."""

    def pairs(found: re.Match[str]) -> str:
        pattern = re.compile(found[2].replace("*", ".*") if found[2] != "them" else "[^_].*")
        names = [name for name in searches.detections if pattern.fullmatch(name)]
        return "(" + " or ".join(f"({' and '.join(some)})" for some in combinations(names, int(found[1]))) + ")"

    return re.sub(r"\b([2-9])\s+of\s+([\w*]+)", pairs, condition)


def _condition(tree: Any, searches: SigmaDetections, event: Event, keywords: list[str]) -> bool:
    if isinstance(tree, ConditionIdentifier):
        return _detection(searches[tree.identifier], event, keywords)
    parts: Sequence[ConditionItem] = tree.args
    link = all if isinstance(tree, ConditionAND) else any
    if isinstance(tree, ConditionSelector):
        parts = tree.resolve_referenced_detections(searches)
        link = all if tree.cond_class is ConditionAND else any
    if isinstance(tree, ConditionNOT):
        return not _condition(parts[0], searches, event, keywords)
    return link(_condition(part, searches, event, keywords) for part in parts)


def _detection(detection: SigmaDetection | SigmaDetectionItem, event: Event, keywords: list[str]) -> bool:
    if isinstance(detection, SigmaDetectionItem):
        return _item(detection, event, keywords)
    link = all if detection.item_linking is ConditionAND else any
    return link(_detection(item, event, keywords) for item in detection.detection_items)


def _item(item: SigmaDetectionItem, event: Event, keywords: list[str]) -> bool:
    modifiers = [reverse_modifier_mapping[modifier.__name__] for modifier in item.modifiers]
    seen = keywords if item.field is None else _values(event, item.field)
    if not item.value:
        return not seen
    link = all if "all" in modifiers else any
    true = link(_value(value, seen, modifiers, event, keyword=item.field is None) for value in item.value)
    return not true if "neq" in modifiers else true


def _value(value: SigmaType, seen: list[str], modifiers: list[str], event: Event, *, keyword: bool) -> bool:
    if isinstance(value, SigmaExpansion):
        return any(_value(one, seen, modifiers, event, keyword=keyword) for one in value.values)
    if isinstance(value, SigmaNull):
        return not seen
    if isinstance(value, SigmaExists):
        return bool(seen) == value.exists
    if isinstance(value, SigmaFieldReference):
        others = _values(event, value.field)
        return any(_refers(value, one, other, modifiers) for one in seen for other in others)
    return any(_test(value, text, modifiers, keyword=keyword) for text in seen)


def _test(value: SigmaType, text: str, modifiers: list[str], *, keyword: bool) -> bool:
    if isinstance(value, SigmaRegularExpression):
        return _regex(value, text, modifiers)
    if isinstance(value, SigmaCIDRExpression):
        return any(address in value.network for address in _addresses(text))
    if isinstance(value, SigmaCompareExpression):
        return _compares(value, text)
    if isinstance(value, SigmaTimestampPart):
        return _part(text, value) == value.number
    if isinstance(value, SigmaString):
        return _like(tuple(value.s), text, cased="cased" in modifiers, keyword=keyword)
    assert isinstance(value, SigmaBool | SigmaNumber), value
    return _like((str(value),), text, cased=False, keyword=keyword)


def _like(parts: tuple[Any, ...], text: str, *, cased: bool, keyword: bool) -> bool:
    return _expression(parts, cased=cased, keyword=keyword).fullmatch(_case(text, cased=cased)) is not None


@lru_cache(maxsize=1 << 15)
def _expression(parts: tuple[Any, ...], *, cased: bool, keyword: bool) -> re.Pattern[str]:
    wild = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}
    pattern = "".join(re.escape(_case(part, cased=cased)) if isinstance(part, str) else wild[part] for part in parts)
    return re.compile(f".*{pattern}.*" if keyword else pattern, re.DOTALL)


def _case(text: str, *, cased: bool) -> str:
    return text if cased else _folded(text)


@lru_cache(maxsize=1 << 15)
def _folded(text: str) -> str:
    """The text with each letter in its one folded form; letters that would become two stay one."""
    forms = ((letter.casefold(), letter.lower(), letter) for letter in text)
    return "".join(next(form for form in three if len(form) == 1) for three in forms)


def _regex(value: SigmaRegularExpression, text: str, modifiers: list[str]) -> bool:
    letters = {
        SigmaRegularExpressionFlag.IGNORECASE: re.IGNORECASE,
        SigmaRegularExpressionFlag.MULTILINE: re.MULTILINE,
        SigmaRegularExpressionFlag.DOTALL: re.DOTALL,
    }
    flags = re.RegexFlag(0)
    for flag in value.flags:
        flags |= letters[flag]
    search = re.compile(str(value.regexp), flags)
    if "endswith" in modifiers:
        begins = [0] if "startswith" in modifiers else range(len(text) + 1)
        return any(search.fullmatch(text, begin) for begin in begins)
    return (search.match(text) if "startswith" in modifiers else search.search(text)) is not None


def _refers(value: SigmaFieldReference, text: str, other: str, modifiers: list[str]) -> bool:
    text, other = (_case(one, cased="cased" in modifiers) for one in (text, other))
    if value.starts_with and value.ends_with:
        return other in text
    if value.starts_with:
        return text[: len(other)] == other
    return text[max(0, len(text) - len(other)) :] == other if value.ends_with else text == other


def _addresses(text: str) -> Iterator[Any]:
    """The address a text is, and the IPv4 address inside an IPv4-mapped one."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return
    yield address
    if address.version == 6 and address.ipv4_mapped is not None:
        yield address.ipv4_mapped


def _compares(value: SigmaCompareExpression, text: str) -> bool:
    number = _part(text, value.number) if isinstance(value.number, SigmaTimestampPart) else _number(text)
    bound = value.number.number
    if number is None:
        return False
    return {
        CompareOperators.LT: number < bound,
        CompareOperators.LTE: number <= bound,
        CompareOperators.GT: number > bound,
        CompareOperators.GTE: number >= bound,
    }[value.op]


def _number(text: str) -> int | float | None:
    if not re.fullmatch(r"\s*[-+]?\d+(\.\d*)?([eE][-+]?\d+)?\s*", text, re.ASCII):
        return None
    return float(text) if set(text) & set(".eE") else int(text)


def _part(text: str, value: SigmaTimestampPart) -> int | None:
    try:
        digits = text.strip().partition(".")[0]
        if digits.isascii() and digits.isdigit():
            scale = 1 if len(digits) <= 11 else 10 ** (3 * ((len(digits) - 9) // 3))
            time = datetime.fromtimestamp(float(text) / scale, UTC)
        else:
            time = datetime.fromisoformat(text.strip())
            time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    name = value.timestamp_part.name.lower()
    return time.isocalendar()[1] if name == "week" else int(getattr(time, name))
