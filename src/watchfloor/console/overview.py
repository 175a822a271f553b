"""What the report says before any case: the sentence for the executive, the key figures, who is at risk."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from watchfloor.console.model import ReportModel
from watchfloor.console.svg_marks import kind_of
from watchfloor.console.words import count, day, listed, percent
from watchfloor.event import Entity
from watchfloor.finding import LEVELS, Level

SHOWN_ENTITIES = 8
GRAVE: tuple[Level, ...] = ("critical", "high")
"""The levels whose cases need somebody today and whose entities count as at risk."""
LIKELY = 0.5
"""From which probability on a case is more likely an attack than not."""
_KIND_WORDS = {
    "user": ("identity", "identities"),
    "host": ("host", "hosts"),
    "resource": ("resource", "resources"),
}
"""What can be at risk. An address is where somebody came from, an application what they used: often the attacker's."""


class EntityAtRisk(msgspec.Struct, frozen=True):
    """An entity of a grave case: its gravest case's number and risk, and in how many cases it is."""

    entity: Entity
    kind: str
    risk: float
    level: Level
    rank: int
    cases: int


class Verdict(msgspec.Struct, frozen=True):
    """The executive's sentence; ``title`` is the first case's, kept apart because it may quote a log."""

    before: str
    title: str = ""
    after: str = ""


class Overview(msgspec.Struct, frozen=True):
    """The first page, in numbers and words. ``levels`` runs from critical down, zeros included."""

    title: str
    verdict: Verdict
    scope: str
    levels: tuple[tuple[Level, int], ...]
    findings_a_case: float
    entities: tuple[EntityAtRisk, ...]
    entities_at_risk: int
    entity_kinds: str
    dead_letters: int


def overview(model: ReportModel) -> Overview:
    """The first page of a model."""
    cases = model.ranked
    levels = Counter(case.level for case in cases)
    at_risk = _at_risk(model)
    grouped = sum(len(case.findings) for case in cases)
    return Overview(
        title=_title(model),
        verdict=_verdict(model, levels),
        scope=_scope(model, len(cases)),
        levels=tuple((level, levels[level]) for level in reversed(LEVELS)),
        findings_a_case=grouped / len(cases) if cases else 0.0,
        entities=tuple(at_risk[:SHOWN_ENTITIES]),
        entities_at_risk=len(at_risk),
        entity_kinds=_kinds(one.kind for one in at_risk),
        dead_letters=sum(letter.count for letter in model.dead_letters),
    )


def _title(model: ReportModel) -> str:
    """What was looked at: the one file, or the days where there were several or a folder."""
    run = model.run
    if len(run.paths) == 1 and "." in (name := run.paths[0].rpartition("/")[2]):
        return name
    if run.first is None or run.last is None:
        return count(len(run.paths), "path")
    first, last = day(run.first), day(run.last)
    return first if first == last else f"{first} to {last}"


def _verdict(model: ReportModel, levels: Counter[Level]) -> Verdict:
    """Does somebody have to act, and on what first."""
    cases = model.ranked
    if not cases:
        read = count(model.run.events, "event")
        if not model.run.events:
            return Verdict("No event could be read, so nothing can be said.")
        if not model.run.rules:
            return Verdict(f"No rule was loaded, so nothing can be said of {read}.")
        if model.run.findings:
            return Verdict(f"{count(model.run.findings, 'finding')} in {read}, none strong enough to open a case.")
        return Verdict(f"Nothing in {read} matched a rule; that is no proof that nothing happened.")
    first = cases[0]
    risk = percent(first.risk.value)
    number = sum(levels[level] for level in GRAVE)
    if not number:
        before = f"No case is high or critical. The first of {count(len(cases), 'case')} to look at is "
        return Verdict(before, first.title, f", an attack with a probability of {risk}.")
    likely = sum(case.risk.value >= LIKELY for case in cases if case.level in GRAVE)
    odds = "" if number in {1, likely} else f"; {likely or 'none'} of them more likely an attack than not"
    which = "It is" if number == 1 and first.level in GRAVE else "The first to read is"
    before = f"{_grave(levels)} {'needs' if number == 1 else 'need'} a decision{odds}. {which} "
    return Verdict(before, first.title, f", an attack with a probability of {risk}.")


def _grave(levels: Counter[Level]) -> str:
    """The grave cases by level, with one noun for all where it is the same for all."""
    numbers = [(level, levels[level]) for level in GRAVE if levels[level]]
    if numbers[-1][1] == 1:
        return listed([f"{count(number)} {level} {'case' if number == 1 else 'cases'}" for level, number in numbers])
    return f"{listed([f'{count(number)} {level}' for level, number in numbers])} cases"


def _scope(model: ReportModel, cases: int) -> str:
    run = model.run
    sources = f" from {count(len(run.sources), 'source')}" if run.sources else ""
    grouped = sum(len(case.findings) for case in model.cases)
    members = f", {count(grouped)} of them in {count(cases, 'case')}" if cases else ""
    compressed = f"gave {count(run.findings, 'finding')}{members}"
    if run.all_hidden:
        compressed += f"; {count(run.all_hidden, 'more is', 'more are')} hidden by suppressions"
    return f"{count(run.events, 'event')}{sources}, read against {count(run.rules, 'rule')}, {compressed}."


def _at_risk(model: ReportModel) -> list[EntityAtRisk]:
    cases = Counter(entity.id for case in model.cases for entity in case.entities)
    found: dict[str, EntityAtRisk] = {}
    for rank, case in enumerate(model.ranked, start=1):
        if case.level in GRAVE:
            for entity in case.entities:
                if (kind := kind_of(entity.type)) in _KIND_WORDS:
                    at_risk = EntityAtRisk(entity, kind, case.risk.value, case.level, rank, cases[entity.id])
                    found.setdefault(entity.id, at_risk)
    order = list(_KIND_WORDS)
    return sorted(found.values(), key=lambda one: (-one.risk, one.rank, order.index(one.kind), one.entity.id))


def _kinds(kinds: Iterable[str]) -> str:
    counted = Counter(kinds)
    return ", ".join(count(counted[kind], *words) for kind, words in _KIND_WORDS.items() if counted[kind])
