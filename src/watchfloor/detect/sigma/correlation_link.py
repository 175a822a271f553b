"""Resolves what correlations refer to: rules and other correlations, of any file that was loaded with them.

A rule that a correlation of the same file refers to is a part of it and says nothing on its own, unless the correlation
says ``generate: true``. A rule of a file of its own was loaded in its own right and goes on saying what it says.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from watchfloor.detect.sigma.columns import column_of
from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.detect.sigma.correlation import Correlation
from watchfloor.errors import ContentError


class Feed(msgspec.Struct, frozen=True):
    """What one referenced rule gives to a correlation: for each name the correlation reads, where it is found.

    For a rule the ``places`` are columns of the batch of events; for a correlation (``chained``), names that it passes
    on from its own events.
    """

    rule: str
    title: str
    places: Mapping[str, str]
    chained: bool = False


class LinkedCorrelation(msgspec.Struct, frozen=True):
    """A correlation with its feeds, in the order of its references; ``passed_on`` are names that correlations read."""

    correlation: Correlation
    feeds: tuple[Feed, ...]
    passed_on: tuple[str, ...] = ()
    referenced: bool = False

    @property
    def id(self) -> str:
        """The rule's id."""
        return self.correlation.rule.id


class Links(msgspec.Struct, frozen=True):
    """Correlations, each after those that it refers to; the ids of rules that only serve them; what did not resolve."""

    correlations: tuple[LinkedCorrelation, ...] = ()
    silent: frozenset[str] = frozenset()
    errors: tuple[ContentError, ...] = ()


def link_correlations(rules: Sequence[CompiledRule], correlations: Sequence[Correlation]) -> Links:
    """The correlations that resolve, and an error for each that does not."""
    directory = _Directory(rules, correlations)
    errors: list[ContentError] = []
    targets: dict[str, tuple[str, ...]] = {}
    for one in correlations:
        try:
            targets[one.rule.id] = directory.targets(one)
        except ContentError as error:
            errors.append(error)
    by_id = {one.rule.id: one for one in correlations}
    order = list(_in_order(by_id, targets, errors))
    linked = _linked([by_id[uid] for uid in order], targets, directory, errors)
    return Links(linked, _silent(linked, directory), tuple(errors))


class _Directory:
    """Finds rules and correlations by id or name."""

    def __init__(self, rules: Sequence[CompiledRule], correlations: Sequence[Correlation]) -> None:
        self.rules = {one.rule.id: one for one in rules}
        every: list[CompiledRule | Correlation] = [*rules, *correlations]
        self.paths = {one.rule.id: one.rule.path for one in every}
        self.titles = {one.rule.id: one.rule.title for one in every}
        self._named: dict[str, list[str]] = defaultdict(list)
        for one in every:
            if one.name:
                self._named[one.name].append(one.rule.id)

    def targets(self, correlation: Correlation) -> tuple[str, ...]:
        targets = tuple(self.find(reference, correlation) for reference in correlation.references)
        if len(set(targets)) < len(targets):
            raise correlation.place.error("refers to one rule by two names", "correlation", "rules")
        return targets

    def find(self, reference: str, correlation: Correlation, key: str = "rules") -> str:
        """The id that a reference means; of several rules of one name, that of the correlation's own file."""
        if reference.lower() in self.paths:
            return reference.lower()
        found = self._named.get(reference, [])
        near = [one for one in found if self.paths[one] == correlation.rule.path]
        chosen = near or found
        if len(chosen) == 1:
            return chosen[0]
        place = correlation.place
        if not chosen:
            raise place.error(f"refers to {reference!r}, which is not loaded", "correlation", key)
        where = " and ".join(sorted({self.paths[one] for one in chosen}))
        raise place.error(f"refers to {reference!r}, which is the name of several rules in {where}", "correlation", key)


def _in_order(
    correlations: Mapping[str, Correlation], targets: Mapping[str, tuple[str, ...]], errors: list[ContentError]
) -> Iterator[str]:
    """The ids of correlations whose references all resolve, each after those it refers to."""
    waiting = {uid: {one for one in targets[uid] if one in correlations} for uid in targets}
    done: set[str] = set()
    while ready := [uid for uid, needs in waiting.items() if needs <= done]:
        for uid in ready:
            del waiting[uid]
        done.update(ready)
        yield from ready
    for uid, needs in waiting.items():
        missing = sorted(needs - done)
        lost = [one for one in missing if one not in targets]
        circle = _circle(uid, waiting)
        reason = (
            f"refers to itself: {' -> '.join(correlations[one].rule.title for one in circle)}"
            if circle
            else f"refers to {correlations[(lost or missing)[0]].rule.title!r}, which does not load"
        )
        errors.append(correlations[uid].place.error(reason, "correlation", "rules"))


def _circle(start: str, waiting: Mapping[str, set[str]]) -> list[str]:
    """The way from a correlation back to itself, or nothing."""
    came: dict[str, str] = {}
    ahead = [start]
    while ahead:
        here = ahead.pop()
        for there in sorted(waiting.get(here, ())):
            if there == start:
                way = [start, here]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1] if here != start else [start, start]
            if there not in came:
                came[there] = here
                ahead.append(there)
    return []


def _linked(
    ordered: Sequence[Correlation],
    targets: Mapping[str, tuple[str, ...]],
    directory: _Directory,
    errors: list[ContentError],
) -> tuple[LinkedCorrelation, ...]:
    """The correlations with their feeds: what one reads, those that it refers to pass on."""
    demanded: dict[str, dict[str, None]] = defaultdict(dict)
    linked: dict[str, LinkedCorrelation] = {}
    for one in reversed(ordered):
        uid = one.rule.id
        passed_on = tuple(demanded[uid])
        try:
            aliases = _aliases(one, targets[uid], directory)
            feeds = tuple(_feed(one, target, passed_on, aliases, directory) for target in targets[uid])
        except ContentError as error:
            errors.append(error)
            continue
        for feed in feeds:
            if feed.chained:
                demanded[feed.rule].update(dict.fromkeys(feed.places.values()))
        linked[uid] = LinkedCorrelation(one, feeds, passed_on)
    whole = _whole([linked[one.rule.id] for one in ordered if one.rule.id in linked], errors)
    referenced = {feed.rule for one in whole for feed in one.feeds}
    return tuple(msgspec.structs.replace(one, referenced=one.id in referenced) for one in whole)


def _whole(linked: Sequence[LinkedCorrelation], errors: list[ContentError]) -> list[LinkedCorrelation]:
    """Those whose chains did not break on the way."""
    kept: dict[str, LinkedCorrelation] = {}
    for one in linked:
        broken = [feed.title for feed in one.feeds if feed.chained and feed.rule not in kept]
        if broken:
            reason = f"refers to {broken[0]!r}, which does not load"
            errors.append(one.correlation.place.error(reason, "correlation", "rules"))
        else:
            kept[one.id] = one
    return list(kept.values())


def _aliases(correlation: Correlation, targets: Sequence[str], directory: _Directory) -> dict[tuple[str, str], str]:
    """The field that a name is in a rule, by (name, the rule's id)."""
    found: dict[tuple[str, str], str] = {}
    for alias, fields in correlation.aliases.items():
        for reference, field in fields.items():
            target = directory.find(reference, correlation, "aliases")
            if target not in targets:
                reason = f"the alias {alias!r} is for {reference!r}, which is not among the rules"
                raise correlation.place.error(reason, "correlation", "aliases")
            found[alias, target] = field
    return found


def _feed(
    correlation: Correlation,
    target: str,
    passed_on: Iterable[str],
    aliases: Mapping[tuple[str, str], str],
    directory: _Directory,
) -> Feed:
    names = dict.fromkeys((*correlation.group_by, *correlation.fields, *passed_on))
    fields = {name: aliases.get((name, target), name) for name in names}
    title = directory.titles[target]
    rule = directory.rules.get(target)
    if rule is None:
        return Feed(target, title, fields, chained=True)
    try:
        return Feed(target, title, {name: column_of(field, rule.logsource) for name, field in fields.items()})
    except ValueError as error:
        raise correlation.place.error(f"{title}: {error}", "correlation", "group-by") from error


def _silent(linked: Sequence[LinkedCorrelation], directory: _Directory) -> frozenset[str]:
    parts: set[str] = set()
    spoken: set[str] = set()
    for one in linked:
        for feed in one.feeds:
            if one.correlation.generate:
                spoken.add(feed.rule)
            elif directory.paths[feed.rule] == one.correlation.rule.path:
                parts.add(feed.rule)
    return frozenset(parts - spoken)
