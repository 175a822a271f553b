"""How well findings were grouped into cases: one case for each story, one story in each case.

The story of a finding is the campaign of the attack it touches, else the benign twin, else the background. Pairs: of
those in one case that touch an attack or a twin, how many share their story (precision); of those that share an attack
story, how many are in one case (recall).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations_with_replacement

import msgspec

from watchfloor.metrics.detections import CaseLine
from watchfloor.metrics.distribution import Share, Summary, share, summarise
from watchfloor.metrics.truth import BACKGROUND

Stories = frozenset[str]


class CaseScore(msgspec.Struct, frozen=True):
    """One case: how many of its findings touch each story, most first.

    ``purity`` is the share of the story that most of its findings touch; a ``pure`` case touches one story only.
    ``campaigns`` are the attack stories in it.
    """

    uid: str
    findings: int
    stories: dict[str, int]
    campaigns: tuple[str, ...]
    purity: float
    pure: bool


class CampaignScore(msgspec.Struct, frozen=True):
    """One attack story: how many findings touch it, and the cases that hold some of them."""

    campaign: str
    findings: int
    cases: tuple[str, ...]


class Grouping(msgspec.Struct, frozen=True, kw_only=True):
    """How cases and stories match. ``compression`` is findings per case."""

    cases: tuple[CaseScore, ...]
    campaigns: tuple[CampaignScore, ...]
    pure: Share
    compression: Summary
    pairwise_precision: Share
    pairwise_recall: Share


def score_grouping(cases: Sequence[CaseLine], stories: Mapping[str, Stories], campaigns: Sequence[str]) -> Grouping:
    """Compare cases with stories.

    Args:
        cases: The cases; findings that ``stories`` lacks were retracted and are left out.
        stories: Finding uid to the stories it touches, for the findings of all cases and of none.
        campaigns: The attack stories.
    """
    scored = tuple(_case(case, stories, campaigns) for case in cases)
    attacks = frozenset(campaigns)
    pairs = right = together = 0
    for case in cases:
        known = _known(stories[uid] for uid in case.finding_uids if uid in stories)
        pairs += _pairs(known)
        right += _pairs(known, sharing=frozenset().union(*known))
        together += _pairs(known, sharing=attacks)
    possible = _pairs(_known(stories.values()), sharing=attacks)
    return Grouping(
        cases=scored,
        campaigns=tuple(
            CampaignScore(
                name,
                sum(name in own for own in stories.values()),
                tuple(case.uid for case in scored if name in case.campaigns),
            )
            for name in campaigns
        ),
        pure=share(sum(case.pure for case in scored), len(scored)),
        compression=summarise((case.findings for case in scored), unit="findings"),
        pairwise_precision=share(right, pairs),
        pairwise_recall=share(together, possible),
    )


def _case(case: CaseLine, stories: Mapping[str, Stories], campaigns: Sequence[str]) -> CaseScore:
    members = [stories[uid] for uid in case.finding_uids if uid in stories]
    counts = Counter(story for own in members for story in sorted(own))
    return CaseScore(
        case.uid,
        len(members),
        dict(counts.most_common()),
        tuple(name for name in campaigns if name in counts),
        max(counts.values(), default=0) / max(1, len(members)),
        len(counts) == 1,
    )


def _known(stories: Iterable[Stories]) -> Counter[Stories]:
    return Counter(own for own in stories if BACKGROUND not in own)


def _pairs(groups: Mapping[Stories, int], *, sharing: Stories | None = None) -> int:
    """How many pairs of findings there are; with ``sharing``, those that have one of these stories in common."""
    total = 0
    for a, b in combinations_with_replacement(groups, 2):
        if sharing is None or a & b & sharing:
            total += groups[a] * (groups[a] - 1) // 2 if a == b else groups[a] * groups[b]
    return total
