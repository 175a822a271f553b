"""How often a rule was right: a Beta-Bernoulli estimate with partial pooling over all rules.

Few labels say little: a rule's precision starts from what all labelled rules show and moves with its own labels,
p = (hits + m·p₀) / (n + m), with p₀ the pooled precision and m the weight of the pool (see METHODS: few labels).
A true positive and a benign true positive both mean that the rule saw what it is about; only a false positive does not.
"""

from collections import Counter
from collections.abc import Iterable

from watchfloor.case import Disposition

POOL_WEIGHT = 4.0
_RIGHT: frozenset[Disposition] = frozenset({"true-positive", "benign-true-positive"})


def precision(labelled: Iterable[tuple[str, Disposition]]) -> dict[str, float]:
    """Rule id to precision in (0, 1), for the rules that have a label; inconclusive labels say nothing.

    >>> precision([("a", "false-positive")] * 4 + [("b", "true-positive")] * 4)
    {'a': 0.25, 'b': 0.75}
    """
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for rule_id, disposition in labelled:
        if disposition != "inconclusive":
            total[rule_id] += 1
            right[rule_id] += disposition in _RIGHT
    if not total:
        return {}
    pooled = (right.total() + 1) / (total.total() + 2)
    return {rule: (right[rule] + POOL_WEIGHT * pooled) / (n + POOL_WEIGHT) for rule, n in sorted(total.items())}
