"""What is shown of many values: always median, 90th percentile, maximum, count and the share that is missing.

Values can be censored: known to be longer than any that was seen, such as the time to detect of an attack that was
missed. They count as infinite, so that a detector cannot improve its times by missing the slow attacks. A quantile is
the smallest value that at least this share of the subjects does not exceed (the first definition of Hyndman and Fan,
1996): one that occurred, and with such censoring the same as the Kaplan-Meier estimate.
"""

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Literal

import msgspec

Figure = float | Literal["censored"] | None
"""A number; ``"censored"``: beyond every value seen; ``None``: there is nothing to say it from."""

Z95 = 1.959963984540054
"""The standard normal quantile of a two-sided 95 % interval."""


class Summary(msgspec.Struct, frozen=True, kw_only=True, tag="summary"):
    """The distribution of one metric. ``count`` is all subjects, the ``censored`` and ``missing`` ones included."""

    unit: str
    median: Figure
    p90: Figure
    maximum: Figure
    count: int
    censored: int
    missing: int
    missing_share: float | None


def summarise(values: Iterable[float], *, unit: str, censored: int = 0, missing: int = 0) -> Summary:
    """The summary of values. Missing ones leave the quantiles; what share they are is said beside them.

    >>> one = summarise([30, 10, 20], unit="s", censored=1)
    >>> one.median, one.p90, one.count
    (20, 'censored', 4)
    """
    known = sorted(values)
    # Where no finding had a time, that some attacks were missed says nothing of how long the others took.
    beyond = 0 if missing and not known else censored
    count = len(known) + censored + missing
    return Summary(
        unit=unit,
        median=_quantile(known, beyond, 50),
        p90=_quantile(known, beyond, 90),
        maximum=_quantile(known, beyond, 100),
        count=count,
        censored=censored,
        missing=missing,
        missing_share=missing / count if count else None,
    )


def _quantile(known: Sequence[float], beyond: int, percent: int) -> Figure:
    total = len(known) + beyond
    if not total:
        return None
    rank = -(-percent * total // 100)
    return known[rank - 1] if rank <= len(known) else "censored"


class Share(msgspec.Struct, frozen=True, tag="share"):
    """``hits`` of ``of``; ``value`` is ``None`` where ``of`` is 0.

    ``missing`` of the ``of`` subjects have no value; they are no hits. ``low`` and ``high`` are the 95 % interval where
    the subjects are a sample of more such subjects.
    """

    hits: int
    of: int
    value: float | None
    missing: int = 0
    low: float | None = None
    high: float | None = None


def share(hits: int, of: int, *, missing: int = 0) -> Share:
    """A share of all there is.

    >>> share(1, 4).value, share(0, 0).value
    (0.25, None)
    """
    return Share(hits, of, hits / of if of else None, missing)


def sampled_share(hits: int, of: int) -> Share:
    """A share of a sample, with its Wilson interval (Wilson 1927).

    >>> one = sampled_share(8, 10)
    >>> one.value, round(one.low, 3), round(one.high, 3)
    (0.8, 0.49, 0.943)
    """
    if not of:
        return share(hits, of)
    p, z2 = hits / of, Z95 * Z95
    centre = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z95 / (1 + z2 / of) * sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    # At both ends the formula gives exactly 0 and 1; floating point does not.
    low, high = (0.0 if not hits else centre - half), (1.0 if hits == of else centre + half)
    return Share(hits, of, p, low=low, high=high)
