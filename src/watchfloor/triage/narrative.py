"""The deterministic assessment: what happened in which order, how sure, what else it could be, what to check next."""

import re
from collections.abc import Iterator, Sequence

from watchfloor.case import Assessment, Case, Sentence, TimelineEntry
from watchfloor.clock import iso
from watchfloor.event import Entity
from watchfloor.finding import LEVELS
from watchfloor.triage.citation import check
from watchfloor.triage.describe import describe
from watchfloor.triage.evidence import MAX_TITLE, Evidence, short
from watchfloor.triage.hypotheses import checks, headline, hypotheses

MAX_STEPS = 14
"""A narrative tells this many steps; the timeline has them all."""

MAX_CITES = 2_000
"""A sentence about more events cites the first and the last of them, and says that it counts at least so many."""

MAX_NAMES = 5
DAY = 86_400_000


def assess(case: Case, evidence: Evidence) -> Assessment:
    """The assessment of a case. A sentence that its own citations do not prove is left out and counted."""
    drafts = [_opening(case, evidence), *_steps(case, evidence), *_identities(case, evidence)]
    proved = [draft for draft in drafts if draft.cites and not check(draft.text, draft.cites, evidence, case.findings)]
    return Assessment(
        headline=headline(case),
        sentences=tuple(proved),
        hypotheses=hypotheses(case),
        checks=checks(case),
        rejected=len(drafts) - len(proved),
    )


def _known(uids: Sequence[str], evidence: Evidence) -> tuple[str, ...]:
    """The events that are at hand, each once, in their order in time."""
    known = [uid for uid in dict.fromkeys(uids) if uid in evidence.rows]
    return tuple(sorted(known, key=lambda uid: evidence.rows[uid]["time"]))


def _some(known: tuple[str, ...]) -> tuple[str, ...]:
    return known if len(known) <= MAX_CITES else known[: MAX_CITES // 2] + known[-MAX_CITES // 2 :]


def _minute(time: int, *, day: bool) -> str:
    stamp = iso(time)
    return f"{stamp[:10]} {stamp[11:16]}" if day else stamp[11:16]


def _opening(case: Case, evidence: Evidence) -> Sentence:
    known = _known([uid for finding in case.findings for uid in finding.event_uids], evidence)
    if not known:
        return Sentence("", ())
    cites = _some(known)
    rows = evidence.cited(cites)
    sources = len({row["source"] for row in rows})
    first, last = min(row["time"] for row in rows), max(row["time"] for row in rows)
    events = f"{len(cites)} events" if len(cites) > 1 else "One event"
    events = f"At least {events}" if len(known) > len(cites) else events
    where = f" of {sources} log sources" if sources > 1 else ""
    if _minute(first, day=True) == _minute(last, day=True):
        span = f"at {_minute(first, day=True)} UTC"
    else:
        span = f"between {_minute(first, day=True)} and {_minute(last, day=first // DAY != last // DAY)} UTC"
    verb = "carry" if len(cites) > 1 else "carries"
    return Sentence(f"{events}{where} {verb} this case, {span}.", cites)


def _steps(case: Case, evidence: Evidence) -> list[Sentence]:
    entries = [entry for entry in case.timeline if _known(entry.event_uids, evidence)]
    return [
        _step(entry, _known(entry.event_uids, evidence), case, evidence)
        for entry in sorted(_telling(entries, case), key=lambda entry: entry.time)
    ]


def _telling(entries: Sequence[TimelineEntry], case: Case) -> list[TimelineEntry]:
    """The entries to tell: the gravest of each source and tactic, then the gravest of the rest, each event once."""
    source = {finding.uid: finding.source for finding in case.findings}
    gravest = sorted(entries, key=lambda entry: (-LEVELS.index(entry.level), entry.time))
    kinds: set[tuple[str, str | None]] = set()
    first: list[TimelineEntry] = []
    then: list[TimelineEntry] = []
    for entry in gravest:
        kind = (source[entry.finding_uids[0]], entry.tactic)
        (then if kind in kinds else first).append(entry)
        kinds.add(kind)
    chosen: list[TimelineEntry] = []
    told: set[tuple[str, ...]] = set()
    for entry in (*first, *then):
        if entry.event_uids not in told and len(chosen) < MAX_STEPS:
            told.add(entry.event_uids)
            chosen.append(entry)
    return chosen


def _step(entry: TimelineEntry, known: tuple[str, ...], case: Case, evidence: Evidence) -> Sentence:
    """A step in the detection's own words where it watched several events and its words are proved, else in ours."""
    finding = next(finding for finding in case.findings if finding.uid in entry.finding_uids)
    day = case.end - case.start >= DAY
    cites = _some(known)
    first, last = evidence.rows[cites[0]], evidence.rows[cites[-1]]
    title = f"(“{short(finding.rule.title, MAX_TITLE)}”)"
    if len(finding.event_uids) > 1 and finding.summary:
        told = Sentence(f"{_minute(first['time'], day=day)} UTC: {_line(finding.summary)} {title}.", cites)
        if not check(told.text, told.cites, evidence, case.findings):
            return told
    text = f"{_minute(first['time'], day=day)} UTC: {describe(first)}"
    if len(cites) > 1:
        least = "at least " if len(known) > len(cites) else ""
        text += f"; {least}{len(cites)} such events until {_minute(last['time'], day=day)} UTC"
    return Sentence(f"{text} {title}.", cites)


def _line(summary: str) -> str:
    return short(summary, 600).rstrip(".")


def _identities(case: Case, evidence: Evidence) -> list[Sentence]:
    """Which names of the case are one person, with the events that say so; of one product's names, nobody doubts it."""
    if len({finding.source for finding in case.findings}) < 2:
        return []
    told = []
    for entity in case.entities:
        if entity.type == "user" and "@" in entity.name:
            proved = dict(list(_proved_names(entity, case, evidence))[:MAX_NAMES])
            if proved:
                listed = ", ".join(short(name, 120) for name in proved)
                text = f"The events give one account these names: {short(entity.name, 120)}, {listed}."
                told.append(Sentence(text, tuple(dict.fromkeys(proved.values()))))
    return told[:3]


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
        if not check(f"as {short(name, 120)}", (linked[alias],), evidence, case.findings):
            yield name, linked[alias]


_PREFIX = re.compile(r"^(?:sid|okta|aws|m365|windows):")
