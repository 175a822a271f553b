"""The metrics of a data folder: what its cases, packs, labels and dead letters say about the work.

What other stages know (which findings make a case, whether a pack verifies, what was labelled) is passed in.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from watchfloor.case import DISPOSITIONS, Case, Disposition
from watchfloor.deadletter import DeadLetter
from watchfloor.finding import Finding
from watchfloor.metrics.definitions import METRICS, Metric, Name
from watchfloor.metrics.distribution import Share, Summary, share, summarise

MAX_REASONS = 100
"""How many reasons of dead letters are told apart; the rest are counted together."""

_HARMLESS: frozenset[Disposition] = frozenset({"false-positive", "benign-true-positive"})


class Measured(msgspec.Struct, frozen=True):
    """A metric and its value; ``None``: not measurable in this version, for the reason that the metric gives."""

    metric: Metric
    value: Summary | Share | None


class Funnel(msgspec.Struct, frozen=True):
    """How many events became how many findings and cases; ``in_cases`` findings are part of a case."""

    events: int
    findings: int
    in_cases: int
    cases: int


class Dispositions(msgspec.Struct, frozen=True):
    """What people said of cases: how many of each disposition, and how many have no label."""

    counts: dict[Disposition, int]
    unlabelled: int


class Reason(msgspec.Struct, frozen=True):
    """Why records became dead letters, and how many."""

    stage: str
    reason: str
    count: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that ``watchfloor metrics`` shows. ``metrics`` has one entry for each definition, in their order."""

    metrics: tuple[Measured, ...]
    funnel: Funnel
    dispositions: Dispositions
    sentences_rejected: Share
    dead_letters: tuple[Reason, ...]


def measure(
    cases: Sequence[Case],
    *,
    events: int,
    findings: int,
    dispositions: Mapping[str, Disposition],
    dead_letters: Iterable[DeadLetter],
    packs: Path,
    verifies: Callable[[Path], bool],
    makes_a_case: Callable[[Sequence[Finding]], bool],
) -> Figures:
    """Measure what can be measured.

    Args:
        cases: The cases of one tenant.
        events: How many events there are.
        findings: How many findings there are, in cases or not.
        dispositions: What people said, by the uid of a finding or case.
        dead_letters: What did not become an event.
        packs: The folder that has a pack named after each case.
        verifies: Whether a pack is complete and signed with the folder's key; asked only for files that exist.
        makes_a_case: Whether these findings, without others, are a case; what more findings join must stay one.
    """
    values: dict[Name, Summary | Share] = {
        "dwell-time": _dwell_time(cases, dispositions, makes_a_case),
        "compression": summarise((len(case.findings) for case in cases), unit="findings"),
        "audit-readiness": _audit_readiness(cases, packs, verifies),
    }
    return Figures(
        metrics=tuple(Measured(metric, values.get(metric.name)) for metric in METRICS),
        funnel=Funnel(events, findings, sum(len(case.findings) for case in cases), len(cases)),
        dispositions=_dispositions(cases, dispositions),
        sentences_rejected=_sentences_rejected(cases),
        dead_letters=_reasons(dead_letters),
    )


def _dwell_time(
    cases: Iterable[Case],
    dispositions: Mapping[str, Disposition],
    makes_a_case: Callable[[Sequence[Finding]], bool],
) -> Summary:
    compromises = [case for case in cases if dispositions.get(case.uid) not in _HARMLESS]
    detected = [(case.start, detected_at(case, makes_a_case)) for case in compromises]
    known = [max(0, end - start) / 1000 for start, end in detected if end is not None]
    return summarise(known, unit="s", missing=len(detected) - len(known))


def detected_at(case: Case, makes_a_case: Callable[[Sequence[Finding]], bool]) -> int | None:
    """When the evidence sufficed: the end (ms, UTC) of the first finding with which the findings so far are a case.

    ``None`` if all of them are not. A finding that was corrected counts with its last end: an upper bound.
    """
    ordered = sorted(case.findings, key=lambda finding: (finding.end, finding.uid))
    position = bisect_left(range(len(ordered)), True, key=lambda last: makes_a_case(ordered[: last + 1]))  # noqa: FBT003
    return ordered[position].end if position < len(ordered) else None


def _audit_readiness(cases: Sequence[Case], packs: Path, verifies: Callable[[Path], bool]) -> Share:
    files = [path for case in cases if (path := packs / f"{case.uid}.zip").is_file()]
    return share(sum(map(verifies, files)), len(cases), missing=len(cases) - len(files))


def _dispositions(cases: Sequence[Case], said: Mapping[str, Disposition]) -> Dispositions:
    counts = Counter(said[case.uid] for case in cases if case.uid in said)
    return Dispositions({one: counts[one] for one in DISPOSITIONS}, len(cases) - counts.total())


def _sentences_rejected(cases: Iterable[Case]) -> Share:
    """Of the sentences that triage wrote, the share that the citation check kept from people."""
    told = [case.assessment for case in cases if case.assessment is not None]
    rejected = sum(len(one.rejected) for one in told)
    return share(rejected, rejected + sum(len(one.sentences) for one in told))


def _reasons(letters: Iterable[DeadLetter]) -> tuple[Reason, ...]:
    counts = Counter((letter.stage, letter.reason) for letter in letters)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [Reason(stage, reason, count) for (stage, reason), count in ranked[:MAX_REASONS]]
    rest = ranked[MAX_REASONS:]
    if rest:
        shown.append(Reason("", f"{len(rest)} other reasons", sum(count for _, count in rest)))
    return tuple(shown)
