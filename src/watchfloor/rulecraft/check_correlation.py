"""What is wrong with correlations: those that wait for what cannot come, and those that group by what nothing has."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.columns import OCSF, field_of
from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.detect.sigma.correlation import TEMPORAL, Correlation
from watchfloor.detect.sigma.correlation_link import LinkedCorrelation
from watchfloor.rulecraft.authored import Authored, Texts
from watchfloor.rulecraft.fields import Universe, named
from watchfloor.rulecraft.problem import Problem, missing_metadata, problem


def check_correlations(ruleset: RuleSet, texts: Texts, universe: Universe, dead: frozenset[str]) -> Iterator[Problem]:
    """The problems of the correlations; the rules in ``dead`` (ids) can never match."""
    rules = {one.rule.id: one for one in ruleset.rules}
    gone = set(dead)
    for linked in ruleset.correlations:
        rule, text = linked.correlation.rule, texts.of(linked.correlation.rule)
        yield from missing_metadata(rule, text)
        yield from _fields(linked, text, rules, universe)
        alive = [feed.rule not in gone for feed in linked.feeds]
        if not possible(linked.correlation, alive):
            gone.add(linked.id)
            titles = ", ".join(feed.title for feed, lives in zip(linked.feeds, alive, strict=True) if not lives)
            reason = f"can never match: it waits for what can never match ({titles})"
            yield problem(rule, text, "error", "never", reason, "correlation", "rules")
    yield from _same(ruleset.correlations, texts)


def possible(correlation: Correlation, alive: Sequence[bool]) -> bool:
    """Whether it can be true, given which of its references can match at all."""
    if correlation.branches:
        return any(all(alive[one] for one in branch.present) for branch in correlation.branches)
    if correlation.kind in TEMPORAL:
        counts = range(1, sum(alive) + 1)
        return any(all(one.holds(count) for one in correlation.criteria) for count in counts)
    return any(alive)


def _fields(
    linked: LinkedCorrelation, text: Authored, rules: Mapping[str, CompiledRule], universe: Universe
) -> Iterator[Problem]:
    """The fields that it groups by or counts and that a rule's log source does not have."""
    correlation = linked.correlation
    read = dict.fromkeys((*correlation.group_by, *correlation.fields))
    for feed in linked.feeds:
        rule = rules.get(feed.rule)
        if rule is None or rule.logsource.product == OCSF or not universe.serves(rule.logsource):
            continue
        for name in read:
            field = field_of(feed.places[name])
            if not universe.knows(rule.logsource, field):
                key = "group-by" if name in correlation.group_by else "condition"
                other = universe.spelled(rule.logsource, field)
                reason = (
                    f"no sample, mapping or alias of {named(rule.logsource)} has the field {field!r}, "
                    f"which it reads of {feed.title!r}" + (f"; there is {other!r}" if other else "")
                )
                yield problem(correlation.rule, text, "warning", "field", reason, "correlation", key)


def _same(correlations: Sequence[LinkedCorrelation], texts: Texts) -> Iterator[Problem]:
    alike: dict[object, list[LinkedCorrelation]] = defaultdict(list)
    for one in correlations:
        alike[_logic(one)].append(one)
    for first, *others in alike.values():
        for other in others:
            rule, twin = other.correlation.rule, first.correlation.rule
            reason = f"does exactly what {twin.id} does ({twin.path})"
            yield problem(rule, texts.of(rule), "warning", "duplicate", reason, "correlation")


def _logic(linked: LinkedCorrelation) -> object:
    """Equal for correlations that say the same of the same rules; where order does not count, in another order."""
    one = linked.correlation
    ordered = one.kind == "temporal_ordered" or bool(one.branches)
    feeds = [(feed.rule, *(feed.places[name] for name in (*one.group_by, *one.fields))) for feed in linked.feeds]
    return (
        one.kind,
        tuple(feeds) if ordered else frozenset(feeds),
        one.timespan,
        frozenset(one.criteria),
        one.branches,
        one.percentile,
    )
