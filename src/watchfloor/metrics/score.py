"""Detections against the truth: which attacks were found, how soon, and what paged somebody for nothing.

An attack is found if a finding of at least medium level cites one of its events. A finding of that level that cites no
event of any attack is false; it is told apart whether it fell for a benign twin or came from the background.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from watchfloor.metrics.detections import CaseLine, Detection, standing
from watchfloor.metrics.distribution import Share, Summary, sampled_share, share, summarise
from watchfloor.metrics.grouping import Grouping, score_grouping
from watchfloor.metrics.truth import BACKGROUND, Truth, TruthIndex

NO_USE_CASE = ""
"""The use case of findings whose rule names none."""

ROUNDING_MS = 1000
"""By how much a vendor's time, cut to the second, may lie before the truth's."""


class AttackScore(msgspec.Struct, frozen=True):
    """One attack: whether it was found, by which rules, after how many seconds (``None``: missed, or no time known)."""

    id: str
    use_case: str
    campaign: str | None
    found: bool
    seconds: float | None
    rules: tuple[str, ...]


class TwinScore(msgspec.Struct, frozen=True):
    """One benign twin, how many findings paged for it and touched no attack, and of which rules."""

    id: str
    use_case: str
    false: int
    rules: tuple[str, ...]


class FindingScore(msgspec.Struct, frozen=True, kw_only=True):
    """Findings that page: those that touch an attack, and the false ones on twins and on the background."""

    paging: int
    on_attacks: int
    on_twins: int
    on_background: int
    precision: Share


class UseCaseScore(msgspec.Struct, frozen=True):
    """The attacks of one use case, and the findings of the rules that are for it.

    ``recall`` carries an interval: the attacks are a sample of what attackers do. Findings are not: those of one attack
    depend on each other, so precision is what it is.
    """

    use_case: str
    recall: Share
    time_to_detect: Summary
    findings: FindingScore


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that ``watchfloor score`` shows. ``findings_read`` counts lines, ``findings`` those that stand."""

    findings_read: int
    findings: int
    overall: UseCaseScore
    use_cases: tuple[UseCaseScore, ...]
    attacks: tuple[AttackScore, ...]
    twins: tuple[TwinScore, ...]
    grouping: Grouping | None = None
    notes: tuple[str, ...] = ()


class Touched(msgspec.Struct, frozen=True):
    """A finding and what it rests on."""

    finding: Detection
    attacks: tuple[Truth, ...]
    twins: tuple[Truth, ...]

    @property
    def stories(self) -> frozenset[str]:
        """The campaigns it touches; if none, the twins; if none, the background."""
        stories = frozenset(one.story for one in self.attacks) or frozenset(one.id for one in self.twins)
        return stories or frozenset({BACKGROUND})


def score_detections(
    truth: Sequence[Truth], detections: Sequence[Detection], cases: Sequence[CaseLine] | None = None
) -> Score:
    """Score detections, and cases if there are any.

    Args:
        truth: What happened.
        detections: All revisions of all findings. The latest one of a finding counts; when an attack was found is the
            time of the first one that cites it.
        cases: Cases that hold findings of ``detections`` by uid.
    """
    index = TruthIndex(truth)
    touched = [_touched(one, index) for one in standing(detections)]
    paging = [one for one in touched if one.finding.pages]
    times = _first_times(detections, index)
    found = _by_entry(paging)
    attacks = [_attack(entry, found[entry.id], times) for entry in truth if entry.kind == "attack"]
    return Score(
        findings_read=len(detections),
        findings=len(touched),
        overall=_use_case("all", attacks, paging),
        use_cases=_use_cases(truth, attacks, paging),
        attacks=tuple(attacks),
        twins=tuple(_twin(entry, found[entry.id]) for entry in truth if entry.kind == "twin"),
        grouping=None if cases is None else _grouping(truth, touched, cases),
        notes=_notes(detections, index),
    )


def _touched(finding: Detection, index: TruthIndex) -> Touched:
    entries = index.entries(finding.events)
    attacks = tuple(entry for entry in entries if entry.kind == "attack")
    return Touched(finding, attacks, tuple(entry for entry in entries if entry.kind == "twin"))


def _first_times(detections: Iterable[Detection], index: TruthIndex) -> dict[tuple[str, str | None], int]:
    """How long after its start an attack was first cited by a finding that pages: ms, by attack id and finding uid.

    A time before the attack is no time to detect: it is of another clock or unit, and counts as missing.
    """
    first: dict[tuple[str, str | None], int] = {}
    for one in detections:
        if one.time is None or not one.pages:
            continue
        for entry in index.entries(one.events):
            key, after = (entry.id, one.uid), one.time - entry.start_ms
            if after >= -ROUNDING_MS:
                first[key] = max(0, min(first.get(key, after), after))
    return first


def _by_entry(paging: Iterable[Touched]) -> defaultdict[str, list[Detection]]:
    """The findings that page for each attack, and for each twin those that touch no attack."""
    found: defaultdict[str, list[Detection]] = defaultdict(list)
    for one in paging:
        for entry in one.attacks or one.twins:
            found[entry.id].append(one.finding)
    return found


def _attack(entry: Truth, by: Sequence[Detection], times: Mapping[tuple[str, str | None], int]) -> AttackScore:
    known = [times[key] for one in by if (key := (entry.id, one.uid)) in times]
    seconds = min(known) / 1000 if known else None
    return AttackScore(entry.id, entry.use_case, entry.campaign, bool(by), seconds, _rules(by))


def _twin(entry: Truth, false: Sequence[Detection]) -> TwinScore:
    return TwinScore(entry.id, entry.use_case, len(false), _rules(false))


def _rules(findings: Iterable[Detection]) -> tuple[str, ...]:
    return tuple(sorted({one.rule for one in findings if one.rule is not None}))


def _use_cases(
    truth: Iterable[Truth], attacks: Iterable[AttackScore], paging: Iterable[Touched]
) -> tuple[UseCaseScore, ...]:
    """One score for each use case of the truth and of the rules that paged."""
    by_attack: defaultdict[str, list[AttackScore]] = defaultdict(list)
    by_rule: defaultdict[str, list[Touched]] = defaultdict(list)
    for attack in attacks:
        by_attack[attack.use_case].append(attack)
    for one in paging:
        by_rule[one.finding.use_case or NO_USE_CASE].append(one)
    names = {entry.use_case for entry in truth} | set(by_rule)
    ordered = sorted(names, key=lambda name: (name == NO_USE_CASE, name))
    return tuple(_use_case(name, by_attack[name], by_rule[name]) for name in ordered)


def _use_case(name: str, attacks: Sequence[AttackScore], paging: Sequence[Touched]) -> UseCaseScore:
    found = [attack for attack in attacks if attack.found]
    times = [attack.seconds for attack in found if attack.seconds is not None]
    right = sum(bool(one.attacks) for one in paging)
    twins = sum(bool(one.twins) and not one.attacks for one in paging)
    return UseCaseScore(
        name,
        sampled_share(len(found), len(attacks)),
        summarise(times, unit="s", censored=len(attacks) - len(found), missing=len(found) - len(times)),
        FindingScore(
            paging=len(paging),
            on_attacks=right,
            on_twins=twins,
            on_background=len(paging) - right - twins,
            precision=share(right, len(paging)),
        ),
    )


def _grouping(truth: Iterable[Truth], touched: Iterable[Touched], cases: Sequence[CaseLine]) -> Grouping:
    stories = {one.finding.uid: one.stories for one in touched if one.finding.uid is not None}
    campaigns = tuple(dict.fromkeys(entry.story for entry in truth if entry.kind == "attack"))
    return score_grouping(cases, stories, campaigns)


def _notes(detections: Sequence[Detection], index: TruthIndex) -> tuple[str, ...]:
    """What makes the figures mean less than they say."""
    notes: list[str] = []
    events = [event for one in detections for event in one.events]
    if events and not any(index.path(event.path) for event in events):
        notes.append("no path of the findings ends with a path of the truth: are they of the same logs?")
    if blind := sum(map(index.lacks_index, events)):
        notes.append(f"{blind} citations lack the index inside an array that the truth has for their line: not matched")
    if detections and not any(one.time is not None for one in detections):
        notes.append("the findings carry no time: time to detect is missing")
    return tuple(notes)
