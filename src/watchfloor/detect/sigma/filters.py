"""Sigma filters: exclusions written apart from the rules that they narrow."""

from collections.abc import Iterator, Sequence

import msgspec
from sigma.filters import SigmaFilter

from watchfloor.detect.sigma.compile import Placeholders, compile_detections, source_of
from watchfloor.detect.sigma.condition import CompiledRule, Condition, conjunction
from watchfloor.detect.sigma.place import Place
from watchfloor.errors import ContentError
from watchfloor.native import LogSource


class CompiledFilter(msgspec.Struct, frozen=True):
    """A condition that rules of a log source must fulfil too: those named by id or name, or all (``None``)."""

    place: Place
    logsource: LogSource
    condition: Condition
    rules: tuple[str, ...] | None = None

    def narrows(self, rule: CompiledRule) -> bool:
        """Whether the filter applies to the rule."""
        if not self.logsource.served_by(rule.logsource):
            return False
        return self.rules is None or not {rule.rule.id, rule.name}.isdisjoint(self.rules)


def compile_filter(rule: SigmaFilter, place: Place, placeholders: Placeholders | None = None) -> CompiledFilter:
    """The filter as a condition tree.

    Raises:
        ContentError: A search or its condition has no meaning.
    """
    logsource = source_of(rule.logsource)
    condition = compile_detections(rule.filter, logsource, place, placeholders, section="filter")
    named = rule.filter.rules
    if isinstance(named, str):
        return CompiledFilter(place, logsource, condition)
    # Ids are compared as UUIDs are, without case; names as they are.
    references = [str(one.reference) for one in named]
    return CompiledFilter(place, logsource, condition, (*references, *map(str.lower, references)))


def apply_filters(
    rules: Sequence[CompiledRule], filters: Sequence[CompiledFilter]
) -> tuple[tuple[CompiledRule, ...], tuple[ContentError, ...]]:
    """The rules with all filters applied, and an error for each filter that applies to none of them."""
    narrowed = tuple(_narrowed(rule, filters) for rule in rules)
    return narrowed, tuple(_idle(rules, filters))


def _narrowed(rule: CompiledRule, filters: Sequence[CompiledFilter]) -> CompiledRule:
    extra = tuple(one.condition for one in filters if one.narrows(rule))
    return msgspec.structs.replace(rule, condition=conjunction((rule.condition, *extra))) if extra else rule


def _idle(rules: Sequence[CompiledRule], filters: Sequence[CompiledFilter]) -> Iterator[ContentError]:
    for one in filters:
        if not any(one.narrows(rule) for rule in rules):
            yield one.place.error("the filter applies to no rule that was loaded with it", "filter", "rules")
