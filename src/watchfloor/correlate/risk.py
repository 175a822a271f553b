"""Risk: the probability that a set of findings is an attack, as a sum of terms in log-odds that anybody can unfold.

    log-odds = prior + Σ rule terms + breadth + independence,    risk = 1 / (1 + exp(-log-odds))

A rule's term is its level's weight, times what labels say of its precision, times 2^(-age / half-life), discounted
where the same events already fired a stronger rule and by its rank, and raised a little by repetition with a cap. The
shape (decayed, de-duplicated accumulation with capped repeats) is that of risk-based alerting; the weights are priors,
stated here, until labels calibrate them.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from watchfloor.case import Risk
from watchfloor.finding import LEVELS, Finding, Term


class Weights(msgspec.Struct, frozen=True):
    """The constants of the formula, in log-odds where nothing else is said; times in ms; ``levels`` as in LEVELS."""

    prior: float = -3.0
    levels: tuple[float, ...] = (0.1, 0.4, 1.1, 2.3, 3.6)
    decisive: float = 1.5
    half_life: int = 7 * 24 * 3_600_000
    same_events: float = 0.25
    rank: float = 0.6
    repeat: float = 0.15
    repeat_cap: float = 0.5
    tactic: float = 0.45
    max_tactics: int = 5
    source: float = 0.7
    max_sources: int = 3
    ceiling: float = 0.99


DEFAULT = Weights()


def risk(
    findings: Sequence[Finding],
    *,
    now: int,
    precision: Mapping[str, float] | None = None,
    weights: Weights = DEFAULT,
) -> Risk:
    """The risk of findings that belong together, at time ``now`` (ms).

    ``precision`` gives a rule's calibrated precision in [0, 1] where there are labels; 0.5 changes nothing.

    >>> risk([], now=0).value < 0.05
    True
    """
    terms = [Term("prior", weights.prior, "Before any evidence, few groups of findings are attacks.")]
    terms += _rule_terms(findings, now, precision or {}, weights)
    terms += _breadth(findings, weights)
    total = sum(term.value for term in terms)
    return Risk(round(min(1 / (1 + math.exp(-total)), weights.ceiling), 4), tuple(terms))


def _rule_terms(findings: Sequence[Finding], now: int, precision: Mapping[str, float], weights: Weights) -> list[Term]:
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_rule[finding.rule.id].append(finding)
    ranked = sorted(by_rule.values(), key=lambda group: (-_base(group[0], weights), group[0].start, group[0].rule.id))
    terms, explained = [], set[str]()
    for rank, group in enumerate(ranked):
        events = {uid for finding in group for uid in finding.event_uids}
        explained_before = bool(explained) and events <= explained
        explained |= events
        value = _base(group[0], weights) * weights.rank**rank
        value *= 2 * precision.get(group[0].rule.id, 0.5)
        value *= 2 ** (-max(now - max(finding.end for finding in group), 0) / weights.half_life)
        value *= weights.same_events if explained_before else 1
        value *= 1 + min(weights.repeat * math.log2(len(group)), weights.repeat_cap)
        terms.append(
            Term(f"rule:{group[0].rule.id}", round(value, 4), _words(group, explained_before=explained_before))
        )
    return terms


def _base(finding: Finding, weights: Weights) -> float:
    return weights.levels[LEVELS.index(finding.rule.level)] + (weights.decisive if finding.rule.decisive else 0)


def _words(group: Sequence[Finding], *, explained_before: bool) -> str:
    rule = group[0].rule
    times = "once" if len(group) == 1 else f"{len(group)} times"
    shared = "; the same events already count under a stronger rule" if explained_before else ""
    return f"{rule.title} ({rule.level}) fired {times}{shared}."


def _breadth(findings: Sequence[Finding], weights: Weights) -> list[Term]:
    strong = [finding for finding in findings if finding.rule.level not in {"informational", "low"}]
    tactics = sorted({tactic for finding in strong for tactic in finding.rule.tactics})
    sources = sorted({finding.source for finding in strong if finding.source})
    terms = []
    if len(tactics) > 1:
        value = weights.tactic * (min(len(tactics), weights.max_tactics) - 1)
        terms.append(Term("tactics", round(value, 4), f"The findings span {len(tactics)} ATT&CK tactics."))
    if len(sources) > 1:
        value = weights.source * (min(len(sources), weights.max_sources) - 1)
        terms.append(Term("sources", round(value, 4), f"{len(sources)} independent log sources agree."))
    return terms
