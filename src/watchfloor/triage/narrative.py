"""The deterministic assessment: what happened in which order, how sure, what else it could be, what to check next."""

from collections.abc import Sequence

from watchfloor.case import Assessment, Case, Sentence, TimelineEntry
from watchfloor.clock import iso
from watchfloor.finding import LEVELS
from watchfloor.triage.citation import check
from watchfloor.triage.describe import describe
from watchfloor.triage.evidence import Evidence, short
from watchfloor.triage.hypotheses import checks, headline, hypotheses

MAX_STEPS = 12
"""A narrative tells this many steps, the gravest of each stretch first; the timeline has them all."""

MAX_CITES = 2_000


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
    return tuple(uid for uid in dict.fromkeys(uids) if uid in evidence.rows)[:MAX_CITES]


def _minute(time: int, *, day: bool) -> str:
    stamp = iso(time)
    return f"{stamp[:10]} {stamp[11:16]}" if day else stamp[11:16]


def _opening(case: Case, evidence: Evidence) -> Sentence:
    cites = _known([uid for finding in case.findings for uid in finding.event_uids], evidence)
    rows = evidence.cited(cites)
    if not rows:
        return Sentence("", ())
    sources = len({row["source"] for row in rows})
    first, last = min(row["time"] for row in rows), max(row["time"] for row in rows)
    events = f"{len(cites)} events" if len(cites) > 1 else "One event"
    where = f" of {sources} log sources" if sources > 1 else ""
    if _minute(first, day=True) == _minute(last, day=True):
        span = f"at {_minute(first, day=True)} UTC"
    else:
        span = (
            f"between {_minute(first, day=True)} and {_minute(last, day=first // 86_400_000 != last // 86_400_000)} UTC"
        )
    verb = "carry" if len(cites) > 1 else "carries"
    return Sentence(f"{events}{where} {verb} this case, {span}.", cites)


def _steps(case: Case, evidence: Evidence) -> list[Sentence]:
    entries = [entry for entry in case.timeline if _known(entry.event_uids, evidence)]
    gravest = sorted(entries, key=lambda entry: (-LEVELS.index(entry.level), entry.time))[:MAX_STEPS]
    told: list[Sentence] = []
    seen: set[tuple[str, ...]] = set()
    for entry in sorted(gravest, key=lambda entry: entry.time):
        cites = _known(entry.event_uids, evidence)
        if cites in seen:
            continue
        seen.add(cites)
        told.append(_step(entry, cites, case, evidence))
    return told


def _step(entry: TimelineEntry, cites: tuple[str, ...], case: Case, evidence: Evidence) -> Sentence:
    first, last = (pick(evidence.cited(cites), key=lambda row: row["time"]) for pick in (min, max))
    title = next(finding.rule.title for finding in case.findings if finding.uid in entry.finding_uids)
    several = case.end - case.start >= 86_400_000
    text = f"At {_minute(first['time'], day=several)} UTC {describe(first)}"
    if len(cites) > 1:
        text += f"; {len(cites)} such events until {_minute(last['time'], day=several)} UTC"
    return Sentence(f"{text} (“{short(title, 400)}”).", cites)


def _identities(case: Case, evidence: Evidence) -> list[Sentence]:
    """Which names of the case are one person, with the events that say so; of one product's names, nobody doubts it."""
    if len({finding.source for finding in case.findings}) < 2:
        return []
    people = {entity.id for entity in case.entities if entity.type == "user"}
    told = []
    for (a, b), uid in sorted(evidence.same_person.items()):
        if (a in people or b in people) and uid in evidence.rows:
            names = sorted(one.partition(":")[2].removeprefix("sid:") for one in (a, b))
            names = [
                name.split(":", 1)[1] if name.startswith(("okta:", "aws:", "m365:", "windows:")) else name
                for name in names
            ]
            told.append(
                Sentence(
                    f"One event gives both names, {short(names[0], 120)} and {short(names[1], 120)}, to one account.",
                    (uid,),
                )
            )
    return told[:4]
