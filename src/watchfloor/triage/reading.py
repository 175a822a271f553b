"""Reads a free text word by word: which of its words do its vocabulary and the cited events not account for?"""

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import orjson

from watchfloor.finding import Finding
from watchfloor.judging import printable
from watchfloor.triage.evidence import Row, plain
from watchfloor.triage.facts import moments, values
from watchfloor.triage.vocabulary import FUNCTION, NEGATIONS, NUMBERS, OURS, TRADE

_QUOTED = re.compile(r"“([^“”]*)”")
_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?")
_DENIAL = re.compile("n['\u2019]t$")
_LEADING, _TRAILING = "([{<\"'\u2018“", ".,:;!?)]}>\"'\u2019”"
_POSSESSIVE = re.compile("['\u2019]s$")
_DASHES = "-\u2013\u2014"


class Problem(msgspec.Struct, frozen=True):
    """A part of a sentence that its citations do not prove."""

    text: str
    why: str


class _Doubt(msgspec.Struct):
    """A word, or a quoted text, that needs an event to account for it; ``start`` to ``end`` is where it stands.

    ``whole``: part of a value does not do. ``final``: no value does.
    """

    text: str
    why: str
    start: int
    end: int
    whole: bool = False
    final: bool = False


def unaccounted(
    text: str, titles: Iterable[str], rows: Sequence[Row], cites: set[str], told_by: Finding | None
) -> list[Problem]:
    """The problems of a text, in its order, given the rows that it cites and the titles that it may quote."""
    known = {fold(title) for title in titles}
    text = _QUOTED.sub(lambda found: found[0] if fold(found[1]) not in known else " " * len(found[0]), text)
    reader = _Free(rows, cites) if told_by is None else _Telling(rows, cites, told_by)
    doubts = [*_quotes(text), *reader.doubts(text)]
    searchable = _lower(text)
    for row in rows:
        if all(doubt.final for doubt in doubts):
            break
        for value in values(row):
            doubts = [one for one in _left(doubts, value, searchable) if one.final or not reader.cuts(one.text, value)]
    return [Problem(doubt.text, doubt.why) for doubt in sorted(doubts, key=lambda doubt: doubt.start)]


class _Free:
    """The rules for a text of unknown origin."""

    words: frozenset[str] = OURS | FUNCTION

    def __init__(self, rows: Sequence[Row], cites: set[str]) -> None:
        self._moments = {moment for row in rows for moment in moments(row)}
        self._count = str(len(cites))

    def doubts(self, text: str) -> Iterator[_Doubt]:
        before = ""
        for position, found in enumerate(re.finditer(r"\S+", text)):
            core = _core(found[0])
            start = found.start() + found[0].find(core)
            if core.strip(_DASHES) and (doubt := self._doubt(core, before, start, begins=position == 0)):
                yield doubt
            before = core

    def _doubt(self, core: str, before: str, start: int, *, begins: bool) -> _Doubt | None:
        end = start + len(core)
        if why := self._refused(core, before):
            return _Doubt(core, why, start, end, final=True)
        if _NUMBER.fullmatch(number := NUMBERS.get(core.casefold(), core)):
            why = "is no value of a cited event, and not the number of them"
            return None if self.counts(number) else _Doubt(core, why, start, end, whole=True)
        if _is_time(core) or self.knows(core, begins=begins):
            return None
        return _Doubt(core, "is no word of ours, and in no cited event", start, end)

    def _refused(self, core: str, before: str) -> str | None:
        """Why no value can account for a word."""
        if any(char.isdigit() and not char.isascii() for char in core):
            return "has digits other than 0 to 9"
        if self.denies(core.casefold()):
            return "denies, which no event proves"
        dated = f"{before} {core}" if _TIME.fullmatch(core) and _DATE.fullmatch(before) else core
        return "no cited event has this time" if _is_time(core) and dated not in self._moments else None

    def denies(self, word: str) -> bool:
        return word in NEGATIONS or _DENIAL.search(word) is not None

    def counts(self, number: str) -> bool:
        return number == self._count

    def knows(self, word: str, *, begins: bool) -> bool:
        """A word of the vocabulary; one with a capital within the sentence is a name that happens to look like it."""
        return (word[0].islower() or begins or word == "UTC") and word.casefold() in self.words

    def cuts(self, word: str, value: str) -> bool:  # noqa: ARG002 - the other reader's
        return False


class _Telling(_Free):
    """The rules for what a detection says of its own finding."""

    def __init__(self, rows: Sequence[Row], cites: set[str], finding: Finding) -> None:
        super().__init__(rows, cites)
        self.words = _Free.words | TRADE | NEGATIONS | frozenset(_own_words(finding))
        self._all_cited = cites >= set(finding.event_uids)

    def denies(self, word: str) -> bool:  # noqa: ARG002 - it may
        return False

    def counts(self, number: str) -> bool:
        return self._all_cited or super().counts(number)

    def knows(self, word: str, *, begins: bool) -> bool:  # noqa: ARG002 - titles have capitals anywhere
        return word.casefold() in self.words

    def cuts(self, word: str, value: str) -> bool:
        """Whether the word is one of the value's that was cut with an ellipsis."""
        head, cut, tail = word.casefold().partition("…")
        words = _words(value) if cut else set()
        return any(one.startswith(head) for one in words) and any(one.endswith(tail) for one in words)


def _is_time(word: str) -> bool:
    return bool(_TIME.fullmatch(word) or _DATE.fullmatch(word))


def _own_words(finding: Finding) -> Iterator[str]:
    """The words of a detection: of its rule's title and description, and the fields that a correlation groups by."""
    fields: object = orjson.loads(finding.key) if finding.key.startswith("{") else {}
    named = " ".join(fields) if isinstance(fields, dict) else ""
    for word in f"{finding.rule.title} {finding.rule.description} {named}".split():
        yield _core(word).casefold()


def _quotes(text: str) -> Iterator[_Doubt]:
    for found in _QUOTED.finditer(text):
        if found[1].strip():
            why = "is neither a cited finding's title nor a value of a cited event"
            yield _Doubt(found[1], why, found.start(1), found.end(1), whole=True)


def _left(doubts: Sequence[_Doubt], value: str, text: str) -> list[_Doubt]:
    """The doubts that a value does not resolve."""
    whole, words = fold(value), _words(value)
    spans = list(_places(whole, text)) if " " in whole else []

    def resolved(doubt: _Doubt) -> bool:
        low = doubt.text.casefold()
        if whole in {low, NUMBERS.get(low), low.replace(",", "")}:
            return True
        return (not doubt.whole and low in words) or any(
            start <= doubt.start and doubt.end <= end for start, end in spans
        )

    return [doubt for doubt in doubts if doubt.final or not resolved(doubt)]


def _places(value: str, text: str) -> Iterator[tuple[int, int]]:
    """Where a value stands in a text, not within longer words."""
    start = text.find(value)
    while start >= 0:
        end = start + len(value)
        before, after = text[:start].rpartition(" ")[2], text[end:].partition(" ")[0]
        if not before.strip(_LEADING) and not after.strip(_TRAILING):
            yield start, end
        start = text.find(value, start + 1)


def _words(value: str) -> set[str]:
    """The words of a value, with and without the punctuation around them, which may be their own."""
    return {
        form for text in (fold(value), printable(value).casefold()) for word in text.split() for form in _bare(word)
    }


def _bare(word: str) -> tuple[str, ...]:
    end = word.rstrip(_TRAILING)
    return word, end, word.lstrip(_LEADING), end.lstrip(_LEADING), _core(word)


def _core(word: str) -> str:
    return _POSSESSIVE.sub("", word.lstrip(_LEADING).rstrip(_TRAILING))


def fold(text: str) -> str:
    """A value for comparison: on one line, in lower case."""
    return plain(text).casefold()


def _lower(text: str) -> str:
    """In lower case, each character in its place: the few whose lower case is longer stay as they are."""
    return "".join(low if len(low := one.casefold()) == 1 else one for one in text)
