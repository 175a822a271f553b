r"""The citation check: a sentence passes only if its names, numbers, times and indicators occur in the events it cites.

The check reads the sentence as text, whoever wrote it, and knows nothing of how it was made.

* A quoted “title” must be the title of a finding that rests on a cited event.
* A time must be the minute or second of a cited event, or stand in one.
* A number must occur in a cited event, be a count that the check itself derives from the citations, or be one that a
  finding which rests on nothing but cited events has computed.
* A name or an indicator (anything with a capital, a digit or one of ``@ \ / . : _``) must occur in a cited event.
"""

import re
from collections.abc import Iterable, Sequence

import msgspec

from watchfloor.clock import iso
from watchfloor.event import ENTITY_ROLES
from watchfloor.finding import Finding
from watchfloor.triage.evidence import MAX_TITLE, Evidence, Row, plain, short, text_values

_QUOTED = re.compile(r"“([^”]*)”")
_TIME = re.compile(r"(?<![\w:])(?:\d{4}-\d{2}-\d{2} )?\d{2}:\d{2}(?::\d{2})?(?![\w:/\\])")
_TOKEN = re.compile(r"[^\s,;()\[\]“”\"`]+")
_NUMBER = re.compile(r"\d{1,9}")
_DECIMAL = re.compile(r"\d{1,9}(?:\.\d{1,6})?")
_NAMELIKE = re.compile(r"[A-Z0-9@\\/:_]|\w\.\w")
_TRAILING = ".,:;!?"

VOCABULARY = frozenset(
    {"UTC", "km/h", "MFA", "DNS", "ATT&CK", "The", "At", "On", "From", "These", "It", "No", "A", "An", "They"}
)
"""Words of the writer's own that look like names."""


class Problem(msgspec.Struct, frozen=True):
    """A part of a sentence that its citations do not prove."""

    text: str
    why: str


def check(sentence: str, cites: Sequence[str], evidence: Evidence, findings: Iterable[Finding]) -> list[Problem]:
    """What in a sentence is not proved by the events that it cites; empty if all is.

    A citation of an event that is not in the evidence is itself a problem.
    """
    unknown = [Problem(uid, "cites an event that is not in the evidence") for uid in cites if uid not in evidence.rows]
    if unknown or not cites:
        return unknown or [Problem(sentence, "cites nothing")]
    rows = evidence.cited(cites)
    related = [finding for finding in findings if set(finding.event_uids) & set(cites)]
    problems = _quotes(sentence, rows, related)
    rest = _QUOTED.sub(" ", sentence)
    haystack = _Haystack(rows, cites, related)
    moments = {moment for row in rows for moment in _moments(row)}
    unproved = [time for time in _TIME.findall(rest) if time not in moments and haystack.lacks(time)]
    problems += [Problem(time, "no cited event has this time") for time in unproved]
    problems += [Problem(token, why) for token in _tokens(_TIME.sub(" ", rest)) if (why := haystack.lacks(token))]
    return problems


def _quotes(sentence: str, rows: Sequence[Row], related: Sequence[Finding]) -> list[Problem]:
    titles = {short(finding.rule.title, MAX_TITLE) for finding in related}
    quoted = [text for text in _QUOTED.findall(sentence) if text not in titles]
    if not quoted:
        return []
    texts = _fold(rows)
    return [
        Problem(text, "neither a cited finding's title nor in a cited event")
        for text in quoted
        if not _occurs(text, texts)
    ]


def _moments(row: Row) -> Iterable[str]:
    stamp = iso(row["time"])
    for moment in (stamp[11:16], stamp[11:19]):
        yield from (moment, f"{stamp[:10]} {moment}")


def _tokens(text: str) -> Iterable[str]:
    for position, match in enumerate(_TOKEN.finditer(text)):
        token = match[0].rstrip(_TRAILING)
        plain_capital = position == 0 and token[:1].isupper() and not _NAMELIKE.search(token[1:])
        if token and token not in VOCABULARY and _NAMELIKE.search(token) and not plain_capital:
            yield token


class _Haystack:
    def __init__(self, rows: Sequence[Row], cites: Sequence[str], related: Sequence[Finding]) -> None:
        self._texts = _fold(rows)
        self._counts = _counts(rows, cites, related)
        known = set(cites)
        whole = [finding for finding in related if known >= set(finding.event_uids)]
        self._computed = {token for finding in whole for token in _tokens(f"a {finding.summary}")}

    def lacks(self, token: str) -> str | None:
        if _NUMBER.fullmatch(token) and int(token) in self._counts:
            return None
        if _DECIMAL.fullmatch(token) and token in self._computed:
            return None
        if _occurs(token, self._texts):
            return None
        return "is no count of the citations and in no cited event" if token.isdigit() else "occurs in no cited event"


def _fold(rows: Sequence[Row]) -> str:
    return "\n".join(plain(text) for row in rows for text in text_values(row)).casefold()


def _occurs(text: str, haystack: str) -> bool:
    """Whether a text stands in the evidence as a whole word; of one that was cut with an ellipsis, each part."""
    parts = text.casefold().split("…")
    last = len(parts) - 1
    return all(_stands(part, haystack, begins=at == 0, ends=at == last) for at, part in enumerate(parts) if part)


def _stands(part: str, haystack: str, *, begins: bool, ends: bool) -> bool:
    start = haystack.find(part)
    while start >= 0:
        end = start + len(part)
        if not (begins and _goes_on(part, haystack[max(start - 2, 0) : start][::-1], part[0])) and not (
            ends and _goes_on(part, haystack[end : end + 2], part[-1])
        ):
            return True
        start = haystack.find(part, start + 1)
    return False


def _goes_on(part: str, beyond: str, edge: str) -> bool:
    """Whether the word goes on beyond its edge: ``WS-1`` in ``WS-17``, ``203.0.113`` in ``203.0.113.9``."""
    if not edge.isalnum() or not beyond:
        return False
    return beyond[0].isalnum() or ("." in part and beyond[0] == "." and beyond[1:].isalnum())


def _counts(rows: Sequence[Row], cites: Sequence[str], related: Sequence[Finding]) -> set[int]:
    """The numbers that follow from the citations: events, findings, sources, distinct entities, hours and minutes."""
    times = [row["time"] for row in rows]
    span = max(times) - min(times)
    counts = {len(set(cites)), len(related), len({row["source"] for row in rows})}
    counts |= {len({row.get(f"entity.{role}") for row in rows} - {None}) for role in ENTITY_ROLES}
    counts |= {round(span / 60_000), round(span / 3_600_000), round(span / 86_400_000)}
    return counts
