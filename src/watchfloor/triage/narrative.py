"""The deterministic assessment: what happened in which order, how sure, what else it could be, what to check next."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from watchfloor.case import Assessment, Case, Rejection, Sentence, TimelineEntry
from watchfloor.event import Entity
from watchfloor.finding import LEVELS, Finding
from watchfloor.triage.citation import prove
from watchfloor.triage.describe import clause
from watchfloor.triage.evidence import Evidence, short
from watchfloor.triage.hypotheses import checks, headline, hypotheses
from watchfloor.triage.phrase import NOTHING, Count, Moment, Phrase, Title, Told, Value, phrase, series

MAX_STEPS = 16
"""A narrative tells this many steps, at least one of each tactic; the timeline has them all."""

MAX_CITES = 2_000
"""A sentence about more events cites the first and the last of them, and says that it counts at least so many."""

MAX_PEOPLE, MAX_NAMES, MAX_NAME = 3, 5, 120
MAX_REASONS = 5
DAY = 86_400_000


class _Draft(msgspec.Struct, frozen=True):
    """The ways to say one thing, the best first, and what proves it."""

    ways: tuple[Phrase, ...]
    cites: tuple[str, ...]


class _Step(msgspec.Struct, frozen=True):
    """Events to tell, and the timeline's entries about them, the gravest first."""

    known: tuple[str, ...]
    entries: tuple[TimelineEntry, ...]


def assess(case: Case, evidence: Evidence) -> Assessment:
    """The assessment of a case.

    A sentence that its own citations do not prove is rejected, and the next best way to say it is tried; the last way
    to tell a step, its time and the titles of its rules, is proved by whatever events it has.
    """
    sentences: list[Sentence] = []
    rejected: list[Rejection] = []
    for draft in _drafts(case, evidence):
        for way in draft.ways:
            problems = prove(way, draft.cites, evidence, case.findings)
            if not problems:
                sentences.append(Sentence(way.text, draft.cites))
                break
            reasons = tuple(f"{short(one.text, 120)} {one.why}" for one in problems[:MAX_REASONS])
            rejected.append(Rejection(way.text, draft.cites, reasons))
    return Assessment(
        headline=headline(case),
        sentences=tuple(sentences),
        hypotheses=hypotheses(case),
        checks=checks(case),
        rejected=tuple(rejected),
    )


def _drafts(case: Case, evidence: Evidence) -> Iterator[_Draft]:
    if known := _known([uid for finding in case.findings for uid in finding.event_uids], evidence):
        yield _opening(known, evidence)
    steps, left = _chosen(case, evidence)
    for step in steps:
        yield _step(step, case, evidence)
    if left:
        yield _rest(left, case, evidence)
    yield from _identities(case, evidence)


def _known(uids: Sequence[str], evidence: Evidence) -> tuple[str, ...]:
    """The events that are at hand, each once, in their order in time."""
    known = [uid for uid in dict.fromkeys(uids) if uid in evidence.rows]
    return tuple(sorted(known, key=lambda uid: evidence.rows[uid]["time"]))


def _some(known: tuple[str, ...]) -> tuple[str, ...]:
    return known if len(known) <= MAX_CITES else known[: MAX_CITES // 2] + known[-MAX_CITES // 2 :]


def _opening(known: tuple[str, ...], evidence: Evidence) -> _Draft:
    cites = _some(known)
    rows = evidence.cited(cites)
    sources = len({row["source"] for row in rows})
    first, last = rows[0]["time"], rows[-1]["time"]
    begin = Moment(first, day=True)
    if Moment(last, day=True).shown == begin.shown:
        span = phrase("at {} UTC", begin)
    else:
        span = phrase("between {} and {} UTC", begin, Moment(last, day=first // DAY != last // DAY))
    if len(cites) == 1:
        return _Draft((phrase("{} event carries this case, {}.", Count(1), span),), cites)
    where = phrase(" of {} log sources", Count(sources, "source")) if sources > 1 else NOTHING
    least = phrase("At least ") if len(known) > len(cites) else NOTHING
    return _Draft((phrase("{}{} events{} carry this case, {}.", least, Count(len(cites)), where, span),), cites)


def _chosen(case: Case, evidence: Evidence) -> tuple[list[_Step], list[_Step]]:
    """The steps to tell, and those that are left out, both in the order of their first events."""
    about: dict[tuple[str, ...], list[TimelineEntry]] = {}
    for entry in sorted(case.timeline, key=lambda entry: (-LEVELS.index(entry.level), entry.time)):
        if known := _known(entry.event_uids, evidence):
            about.setdefault(known, []).append(entry)
    gravest_first = [_Step(known, tuple(entries)) for known, entries in about.items()]
    told = _telling(gravest_first, case)
    begun = {step.known[0] for step in told}
    left = {step.known[0]: step for step in gravest_first if step.known[0] not in begun}

    def order(step: _Step) -> tuple[int, int]:
        return evidence.rows[step.known[0]]["time"], step.entries[0].time

    return sorted(told, key=order), sorted(left.values(), key=order)


def _telling(steps: Sequence[_Step], case: Case) -> list[_Step]:
    """The steps to tell: of each tactic the gravest, then of each source and tactic, then the gravest of the rest."""
    found = {finding.uid: finding for finding in case.findings}
    told: dict[int, None] = {}
    for tactic in case.tactics:
        shown = [at for at, step in enumerate(steps) if any(entry.tactic == tactic for entry in step.entries)]
        named = [at for at, step in enumerate(steps) if tactic in _tactics(step, found)]
        if shown or not told.keys() & set(named):
            told.update(dict.fromkeys((shown or named)[:1]))
    kinds: set[tuple[str, str | None]] = set()
    for at, step in enumerate(steps):
        kind = (found[step.entries[0].finding_uids[0]].source, step.entries[0].tactic)
        if kind not in kinds:
            told[at] = None
        kinds.add(kind)
    told.update(dict.fromkeys(range(len(steps))))
    return [steps[at] for at in list(told)[:MAX_STEPS]]


def _tactics(step: _Step, found: Mapping[str, Finding]) -> set[str]:
    return {tactic for entry in step.entries for tactic in found[entry.finding_uids[0]].rule.tactics}


def _step(step: _Step, case: Case, evidence: Evidence) -> _Draft:
    """A step in the words of the detection if it watched several events, else in ours, else by its titles alone."""
    day = case.end - case.start >= DAY
    cites = _some(step.known)
    rows = evidence.cited(cites)
    begin = Moment(rows[0]["time"], day)
    found = {finding.uid: finding for finding in case.findings}
    findings = [found[entry.finding_uids[0]] for entry in step.entries]
    titles = series(*(Title(title) for title in _titles(findings)))
    what = clause(rows[0])
    if len(cites) > 1:
        least = phrase("at least ") if len(step.known) > len(cites) else NOTHING
        until = Moment(rows[-1]["time"], day)
        what = phrase("{}; {}{} such events until {} UTC", what, least, Count(len(cites)), until)
    told = [
        phrase("{} UTC: {} ({}).", begin, Told(finding), titles)
        for finding in findings[:1]
        if len(finding.event_uids) > 1 and finding.summary
    ]
    ours = phrase("{} UTC: {} ({}).", begin, what, titles)
    return _Draft((*told, ours, phrase("{} UTC: {}.", begin, titles)), cites)


def _titles(findings: Sequence[Finding]) -> list[str]:
    """The title of the first finding, and those of others that show a tactic which none before them shows."""
    titles: list[str] = []
    seen: set[str] = set()
    for finding in findings:
        if not titles or not seen >= set(finding.rule.tactics):
            titles.append(finding.rule.title)
        seen |= set(finding.rule.tactics)
    return list(dict.fromkeys(titles))


def _rest(left: Sequence[_Step], case: Case, evidence: Evidence) -> _Draft:
    """How many steps are not told; it cites the event with which each of them begins."""
    cites = _some(tuple(step.known[0] for step in left))
    last = Moment(evidence.rows[cites[-1]]["time"], case.end - case.start >= DAY)
    if len(left) == 1:
        return _Draft((phrase("{} more step, at {} UTC, is in the timeline.", Count(1), last),), cites)
    least = phrase("At least ") if len(left) > len(cites) else NOTHING
    return _Draft(
        (phrase("{}{} more steps, the last at {} UTC, are in the timeline.", least, Count(len(cites)), last),), cites
    )


def _identities(case: Case, evidence: Evidence) -> Iterator[_Draft]:
    """Which names of the case are one person, with the events that say so; of one product's names, nobody doubts it."""
    if len({finding.source for finding in case.findings}) < 2:
        return
    left = MAX_PEOPLE
    for entity in case.entities:
        if left and entity.type == "user" and "@" in entity.name:
            proved = dict(islice(_proved_names(entity, case, evidence), MAX_NAMES))
            if proved:
                left -= 1
                names = series(*(Value(name, MAX_NAME) for name in (entity.name, *proved)))
                said = phrase("The events give one account these names: {}.", names)
                yield _Draft((said,), tuple(dict.fromkeys(proved.values())))


def _proved_names(entity: Entity, case: Case, evidence: Evidence) -> Iterator[tuple[str, str]]:
    """The other names of a person that the linking event itself has, the most telling first, with that event."""
    linked = {
        other: uid
        for (a, b), uid in sorted(evidence.same_person.items())
        for one, other in ((a, b), (b, a))
        if one == entity.id
    }
    for alias in sorted(linked, key=lambda alias: ("\\" not in alias, "@" in alias, len(alias), alias)):
        name = _PREFIX.sub("", alias.partition(":")[2])
        if not prove(phrase("{}", Value(name, MAX_NAME)), (linked[alias],), evidence, case.findings):
            yield name, linked[alias]


_PREFIX = re.compile(r"^(?:sid|okta|aws|m365|windows):")
