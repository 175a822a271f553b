"""Numbers the events that a case cites, as footnotes are numbered: in the order in which a reader meets them."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from watchfloor.case import Case, TimelineEntry
from watchfloor.console.model import EvidenceEvent
from watchfloor.console.words import when

SHOWN_REFERENCES = 6
"""How many runs of numbers stand after one sentence."""
_QUOTAS = (10_000, 60, 40, 24, 16, 10, 6, 4, 2, 1)


class Reference(msgspec.Struct, frozen=True):
    """A footnote mark: ``3`` or ``3-7``, and the anchor of its first event."""

    label: str
    anchor: str


class References(msgspec.Struct, frozen=True):
    """The marks after one sentence; ``more`` events are cited beyond them, ``anchor`` is the list that has them."""

    marks: tuple[Reference, ...]
    more: int
    anchor: str


class Footnote(msgspec.Struct, frozen=True):
    """An event in a case's list of evidence; ``place`` is ``path:line`` with the index inside an array."""

    number: int
    anchor: str
    uid: str
    time: str
    source: str
    words: str
    place: str


class Citations(msgspec.Struct, frozen=True):
    """The numbers of a case's cited events; ``prefix`` makes the anchors, ``cited`` has also those without number.

    ``leading`` are the numbers that stand for a statement each: the first event of every sentence.
    """

    prefix: str
    numbers: Mapping[str, int]
    cited: frozenset[str]
    leading: frozenset[int]

    def references(self, uids: Iterable[str]) -> References:
        """The marks for the events that a sentence cites; three or more in a row become a range."""
        wanted = list(dict.fromkeys(uids))
        numbers = sorted(self.numbers[uid] for uid in wanted if uid in self.numbers)
        runs = _runs(numbers)
        shown = runs[:SHOWN_REFERENCES]
        marks = tuple(
            Reference(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}", f"{self.prefix}-e{run[0]}")
            for run in shown
        )
        return References(marks, len(wanted) - sum(map(len, shown)), f"{self.prefix}-evidence")

    def footnotes(self, evidence: Mapping[str, EvidenceEvent]) -> tuple[Footnote, ...]:
        """The list of evidence, in the order of the numbers."""
        return tuple(
            _footnote(uid, number, f"{self.prefix}-e{number}", evidence.get(uid))
            for uid, number in self.numbers.items()
        )


def cite(
    case: Case,
    prefix: str,
    moments: Iterable[TimelineEntry],
    evidence: Mapping[str, EvidenceEvent],
    *,
    limit: int,
) -> Citations:
    """Numbers at most ``limit`` cited events in the order of reading: sentences, key ``moments``, timeline.

    Events that ``evidence`` describes are numbered, and the first of a statement that has none of those. Where
    sentences and moments cite more, each keeps an equal number of its first events, so that none is left without.
    """
    sentences = case.assessment.sentences if case.assessment else ()
    statements = [*(one.cites for one in sentences), *(entry.event_uids for entry in moments)]
    every = [*statements, *(entry.event_uids for entry in case.timeline)]
    told = [[uid for uid in cites if uid in evidence] or list(cites[:1]) for cites in every]
    spoken = told[: len(statements)]
    quota = next((most for most in _QUOTAS if len(_first(spoken, most)) <= limit), _QUOTAS[-1])
    order = _first(spoken, quota) | _first(told, _QUOTAS[0])
    numbers = {uid: number for number, uid in enumerate(list(order)[:limit], start=1)}
    leading = frozenset(numbers[cites[0]] for cites in told[: len(sentences)] if cites and cites[0] in numbers)
    return Citations(prefix, numbers, frozenset(uid for cites in every for uid in cites), leading)


def _first(statements: Iterable[Sequence[str]], quota: int) -> dict[str, None]:
    return dict.fromkeys(uid for cites in statements for uid in cites[:quota])


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [part for run in runs for part in ([run] if len(run) > 2 else [[one] for one in run])]


def _footnote(uid: str, number: int, anchor: str, event: EvidenceEvent | None) -> Footnote:
    if event is None:
        return Footnote(number, anchor, uid, "", "", "No description of this event was kept; its pack has it.", "")
    place = f"{event.origin.path}:{event.origin.line}"
    if event.origin.index is not None:
        place += f"[{event.origin.index}]"
    return Footnote(number, anchor, uid, when(event.time), event.source, event.words, place)
