"""Takes rules out of a set so that they can run alone."""

from collections.abc import Iterable

from watchfloor.detect.sigma import RuleSet


def alone(ruleset: RuleSet, ids: Iterable[str]) -> RuleSet:
    """The rules and correlations of these ids, and what the correlations refer to, which then says nothing itself."""
    named = frozenset(ids)
    needed = set(named)
    for linked in reversed(ruleset.correlations):  # each comes after those that it refers to
        if linked.id in needed:
            needed.update(feed.rule for feed in linked.feeds)
    return RuleSet(
        rules=tuple(one for one in ruleset.rules if one.rule.id in needed),
        correlations=tuple(one for one in ruleset.correlations if one.id in needed),
        silent=(ruleset.silent & needed) | (needed - named),
    )
