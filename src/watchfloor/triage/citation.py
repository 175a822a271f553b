r"""The citation check: what a sentence claims must be in the events that it cites.

Three kinds of sentences are checked, each as strictly as its making allows.

:func:`prove` checks **a phrase of ours**, whose claims are known. Each value must be, as a whole, a value of a typed
attribute of a cited event, of an entity, or of what the mapping left over; each time the minute of a cited event; each
count the number of cited events or of their sources; each title that of a rule which a cited event met. The words
between the claims must be those of the templates. *Proved* is that every name, number, time and indicator is the
events'. *Not proved* is what the template makes of them: that it puts the right attribute in the right place, its verb
and its negation are the template's own, and the tests'.

:func:`check` checks **free text**, whoever wrote it, word by word. A word must be one of the narrative's vocabulary, an
English function word, or a whole word of a value of a cited event; a capital within the sentence makes a name of a
word, and a name must be an event's. A number must be a whole value of a cited event or the number of cited events; a
time must be a cited event's; digits are ASCII; a “quoted” text must be a title or a whole value. Negations are refused.
*Not proved* are verbs and roles: who did what to whom.

With ``told_by``, the text is **what a detection says of its own finding**. Its words may also be those of its rule and
of the trade, and it may deny. Its numbers are its own computation (distances, speeds, counts of more events than a
finding cites) and stand if all events of the finding are cited; names and times must be proved as anywhere else.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from watchfloor.finding import Finding
from watchfloor.triage.evidence import MAX_TITLE, Evidence, Row, short
from watchfloor.triage.facts import moments, values
from watchfloor.triage.phrase import Count, Moment, Phrase, Title, Told, Value
from watchfloor.triage.reading import Problem, fold, unaccounted
from watchfloor.triage.vocabulary import OURS

_BETWEEN = re.compile(r"[A-Za-z ,.;:()“”-]*")
"""What a template may have between claims."""


def prove(phrase: Phrase, cites: Sequence[str], evidence: Evidence, findings: Iterable[Finding]) -> list[Problem]:
    """What in a phrase is not proved by the events that it cites; empty if all is."""
    if unusable := _unusable(phrase.text, cites, evidence):
        return unusable
    rows = evidence.cited(cites)
    related = _related(cites, findings)
    problems: list[Problem] = []
    for part in phrase.parts:
        match part:
            case str():
                problems += [Problem(word, "is no word of a template") for word in _foreign(part)]
            case Told(finding):
                problems += check(part.shown, cites, evidence, related, told_by=finding)
            case _:
                if not _holds(part, rows, cites, related):
                    problems.append(Problem(part.shown, _WHY[type(part)]))
    return problems


_WHY = {
    Value: "is no value of a cited event",
    Moment: "no cited event has this time",
    Count: "is no count of the citations",
    Title: "is no title of a cited finding",
}


def _foreign(part: str) -> Iterator[str]:
    if not _BETWEEN.fullmatch(part):
        yield part
    yield from (word for word in re.findall(r"[A-Za-z]+(?:-[A-Za-z]+)*", part) if word.lower() not in OURS)


def _holds(
    claim: Value | Moment | Count | Title, rows: Sequence[Row], cites: Sequence[str], related: Sequence[Finding]
) -> bool:
    match claim:
        case Value(value):
            return any(fold(value) == fold(one) for row in rows for one in values(row))
        case Moment():
            return any(claim.shown in moments(row) for row in rows)
        case Count(number, "event"):
            return number == len(set(cites))
        case Count(number):
            return number == len({row["source"] for row in rows})
        case Title(title):
            return any(title == finding.rule.title for finding in related)


def check(
    sentence: str,
    cites: Sequence[str],
    evidence: Evidence,
    findings: Iterable[Finding],
    *,
    told_by: Finding | None = None,
) -> list[Problem]:
    """What in a text is not proved by the events that it cites; empty if all is.

    A citation of an event that is not in the evidence is itself a problem. ``told_by`` is the finding whose own summary
    the text is.
    """
    if unusable := _unusable(sentence, cites, evidence):
        return unusable
    titles = [short(finding.rule.title, MAX_TITLE) for finding in _related(cites, findings)]
    return unaccounted(sentence, titles, evidence.cited(cites), set(cites), told_by)


def _unusable(sentence: str, cites: Sequence[str], evidence: Evidence) -> list[Problem]:
    unknown = [Problem(uid, "cites an event that is not in the evidence") for uid in cites if uid not in evidence.rows]
    return unknown or ([] if cites else [Problem(sentence, "cites nothing")])


def _related(cites: Sequence[str], findings: Iterable[Finding]) -> list[Finding]:
    known = set(cites)
    return [finding for finding in findings if known & set(finding.event_uids)]
