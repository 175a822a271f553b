"""A case as its card shows it: all choices made, all numbers in words, so that the template only lays it out."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, zip_longest

import msgspec
from markupsafe import Markup

from watchfloor.case import Assessment, Case, Hypothesis, Link, TimelineEntry
from watchfloor.console.citation import Citations, Footnote, References, cite
from watchfloor.console.findings import RuleRow, by_rule
from watchfloor.console.model import Pack, ReportModel
from watchfloor.console.proposals import ProposalView, proposal_views
from watchfloor.console.risk_terms import RiskView, unfold
from watchfloor.console.svg_graph import entity_graph
from watchfloor.console.svg_lanes import Lanes, lanes
from watchfloor.console.svg_marks import kind_of, ring, tactic_strip
from watchfloor.console.words import clock, day, duration, percent, span, tactic_name
from watchfloor.event import Entity
from watchfloor.finding import LEVELS, Level

SHOWN_ENTITIES = 8
SHOWN_ENTRIES, FOLDED_ENTRIES = 14, 120
SHOWN_FOOTNOTES, FOLDED_FOOTNOTES = 8, 72
SHOWN_LINKS = 60
SECOND = 1000
_KIND_ORDER = ("user", "host", "app", "resource", "address")


class Chip(msgspec.Struct, frozen=True):
    """An entity in a card's head."""

    kind: str
    name: str


class SentenceView(msgspec.Struct, frozen=True):
    """A statement and its footnote marks."""

    text: str
    refs: References


class HypothesisView(msgspec.Struct, frozen=True):
    """A hypothesis, and what speaks for it."""

    name: str
    percent: str
    share: float
    words: str
    supports: tuple[str, ...]


class EntryView(msgspec.Struct, frozen=True):
    """A line of the timeline."""

    clock: str
    lasted: str
    level: Level
    tactic: str
    text: str
    count: int
    refs: References


class DayView(msgspec.Struct, frozen=True):
    """The lines of one day."""

    day: str
    entries: tuple[EntryView, ...]


class CardHead(msgspec.Struct, frozen=True):
    """What the top of a card, a row and the list of cases say."""

    rank: int
    anchor: str
    level: Level
    title: str
    risk: str
    share: float
    chips: tuple[Chip, ...]
    more_entities: int
    span: str
    lasted: str
    tactics: tuple[str, ...]
    strip: Markup
    findings: int
    headline: str
    pack: Pack | None


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A whole card."""

    head: CardHead
    uid: str
    ring: Markup
    risk: RiskView
    sentences: tuple[SentenceView, ...]
    hypotheses: tuple[HypothesisView, ...]
    checks: tuple[str, ...]
    author: str
    rejected: int
    why_together: tuple[str, ...]
    lanes: Lanes | None
    shown_days: tuple[DayView, ...]
    folded_days: tuple[DayView, ...]
    entries: int
    folded_entries: int
    graph: Markup | None
    links: tuple[tuple[str, str, str, int], ...]
    proposals: tuple[ProposalView, ...]
    rules: tuple[RuleRow, ...]
    footnotes: tuple[Footnote, ...]
    folded_footnotes: tuple[Footnote, ...]
    cited: int
    events: int


def card_head(case: Case, rank: int, model: ReportModel) -> CardHead:
    """The head of the case with that number."""
    chips = _chips(case.entities)
    return CardHead(
        rank=rank,
        anchor=f"case-{rank}",
        level=case.level,
        title=case.title,
        risk=percent(case.risk.value),
        share=case.risk.value,
        chips=chips[:SHOWN_ENTITIES],
        more_entities=len(chips) - min(len(chips), SHOWN_ENTITIES),
        span=span(case.start, case.end),
        lasted=duration(case.end - case.start),
        tactics=tuple(tactic_name(tactic) for tactic in case.tactics),
        strip=tactic_strip(case.tactics),
        findings=len(case.findings),
        headline=case.assessment.headline if case.assessment else case.title,
        pack=model.packs.get(case.uid),
    )


def card(case: Case, rank: int, model: ReportModel) -> Card:
    """The card of the case with that number."""
    head = card_head(case, rank, model)
    assessment = case.assessment or Assessment(case.title, ())
    timeline = sorted(case.timeline, key=lambda entry: (entry.time, entry.end))
    shown = key_moments(timeline, SHOWN_ENTRIES)
    folded = timeline[:FOLDED_ENTRIES] if len(shown) < len(timeline) else []
    names = {entity.id: entity.name or entity.id for entity in case.entities}
    cites = cite(case, head.anchor, shown, model.evidence, limit=SHOWN_FOOTNOTES + FOLDED_FOOTNOTES)
    footnotes, folded_footnotes = _split(cites.footnotes(model.evidence), cites.leading)
    return Card(
        head=head,
        uid=case.uid,
        ring=ring(case.risk.value, case.level),
        risk=unfold(case.risk, {f"rule:{one.rule.id}": one.rule.title for one in case.findings}),
        sentences=tuple(SentenceView(one.text, cites.references(one.cites)) for one in assessment.sentences),
        hypotheses=_hypotheses(assessment.hypotheses),
        checks=assessment.checks,
        author=assessment.author,
        rejected=len(assessment.rejected),
        why_together=case.why_together,
        lanes=lanes(timeline),
        shown_days=_days(shown, cites),
        folded_days=_days(folded, cites),
        entries=len(timeline),
        folded_entries=len(folded),
        graph=entity_graph(case.entities, case.links),
        links=_links(case.links, names),
        proposals=proposal_views(case.proposals, names),
        rules=by_rule(case.findings, model.techniques),
        footnotes=footnotes,
        folded_footnotes=folded_footnotes,
        cited=len(cites.cited),
        events=len({uid for finding in case.findings for uid in finding.event_uids}),
    )


def _chips(entities: Iterable[Entity]) -> tuple[Chip, ...]:
    chips = [Chip(kind_of(entity.type), entity.name or entity.id) for entity in entities]
    return tuple(sorted(chips, key=lambda chip: _KIND_ORDER.index(chip.kind)))


def _hypotheses(hypotheses: Iterable[Hypothesis]) -> tuple[HypothesisView, ...]:
    return tuple(
        HypothesisView(
            one.name[:1].upper() + one.name[1:], percent(one.probability), one.probability, one.words, one.supports
        )
        for one in sorted(hypotheses, key=lambda hypothesis: -hypothesis.probability)
    )


def key_moments(timeline: Sequence[TimelineEntry], most: int) -> list[TimelineEntry]:
    """The entries to read first, in the order of time: tactic by tactic the gravest one, then the next of each.

    An entry whose words were chosen before is left to the whole timeline.
    """
    if len(timeline) <= most:
        return list(timeline)
    by_tactic: dict[str | None, dict[str, int]] = {}
    for index in sorted(range(len(timeline)), key=lambda index: (-LEVELS.index(timeline[index].level), index)):
        by_tactic.setdefault(timeline[index].tactic, {}).setdefault(timeline[index].text, index)
    rounds = zip_longest(*(list(entries.values())[:most] for entries in by_tactic.values()))
    chosen = [index for turn in rounds for index in turn if index is not None]
    return [timeline[index] for index in sorted(chosen[:most])]


def _split(footnotes: Sequence[Footnote], leading: frozenset[int]) -> tuple[tuple[Footnote, ...], tuple[Footnote, ...]]:
    """The footnotes to show at once, those that stand for a sentence before others, and the rest."""
    order = sorted(footnotes, key=lambda note: (note.number not in leading, note.number))
    shown = {note.number for note in order[:SHOWN_FOOTNOTES]}
    return tuple(note for note in footnotes if note.number in shown), tuple(
        note for note in footnotes if note.number not in shown
    )


def _days(entries: Iterable[TimelineEntry], cites: Citations) -> tuple[DayView, ...]:
    return tuple(
        DayView(name, tuple(_entry(entry, cites) for entry in grouped))
        for name, grouped in groupby(entries, key=lambda entry: day(entry.time))
    )


def _entry(entry: TimelineEntry, cites: Citations) -> EntryView:
    lasted = (
        f"within {duration(entry.end - entry.time)}" if entry.count > 1 and entry.end - entry.time >= SECOND else ""
    )
    tactic = tactic_name(entry.tactic) if entry.tactic else ""
    refs = cites.references(entry.event_uids)
    return EntryView(clock(entry.time), lasted, entry.level, tactic, entry.text, entry.count, refs)


def _links(links: Iterable[Link], names: Mapping[str, str]) -> tuple[tuple[str, str, str, int], ...]:
    """The connections in words, the most frequent first: from whom, by what, to whom, how often."""
    ordered = sorted(links, key=lambda link: (-link.count, link.source, link.target, link.words))
    return tuple(
        (names.get(link.source, link.source), link.words, names.get(link.target, link.target), link.count)
        for link in ordered[:SHOWN_LINKS]
    )
