"""Metrics and scores as tables for a terminal; every string of a file is shown as visible characters only."""

from collections.abc import Iterable, Iterator

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from watchfloor.console.text import visible
from watchfloor.console.words import count, duration, percent
from watchfloor.metrics.compute import Figures
from watchfloor.metrics.definitions import Metric, Ratio
from watchfloor.metrics.distribution import Figure, Share, Summary
from watchfloor.metrics.grouping import Grouping
from watchfloor.metrics.score import FindingScore, Score, UseCaseScore

SHOWN = 20
"""How many rows or lines of one kind are shown; ``--json`` has all of them."""
NAME = 80
_NOTHING = "-"
_TIMES = """\
95 %: the interval of recall. Median, p90, Maximum: time to detect; a missed attack counts as longer than any seen."""
_PAGES = "A finding of at least medium level pages somebody; it is right if it cites an event of an attack."


def metrics_tables(figures: Figures) -> Iterator[RenderableType]:
    """What ``watchfloor metrics`` shows."""
    table = _table("Metric", "Median", "p90", "Maximum", "Count", "Missing")
    for one in figures.metrics:
        if one.value is not None:
            table.add_row(one.metric.title, *_values(one.value))
    yield table
    yield from _text(_defined(one.metric) for one in figures.metrics if one.value is not None)
    yield ""
    yield from _text(
        f"{one.metric.title}: not measurable: {one.metric.unmeasured}" for one in figures.metrics if one.value is None
    )
    yield ""
    funnel = figures.funnel
    findings = f"{count(funnel.findings, 'finding')} ({funnel.in_cases:,} in cases)"
    yield from _text(
        [
            f"{count(funnel.events, 'event')}, {findings}, {count(funnel.cases, 'case')}",
            f"Dispositions: {_dispositions(figures)}",
            f"Sentences kept back by the citation check: {_share(figures.sentences_rejected)}",
            f"Dead letters: {sum(reason.count for reason in figures.dead_letters):,}",
        ]
    )
    yield from _some(f"  {one.count:,} {one.stage} {one.reason}" for one in figures.dead_letters)


def score_tables(score: Score) -> Iterator[RenderableType]:
    """What ``watchfloor score`` shows."""
    yield from _text(f"note: {note}" for note in score.notes)
    rows = (*score.use_cases[:SHOWN], score.overall)
    found = _table("Use case", "Found", "95 %", "Median", "p90", "Maximum", "Missing")
    pages = _table("Use case of the rule", "Pages", "On attacks", "On twins", "Background", "Precision")
    for row in rows:
        style = "bold" if row is score.overall else None
        if row.recall.of:
            found.add_row(_named(row), *_found(row), style=style)
        if row.findings.paging:
            pages.add_row(_named(row), *_pages(row.findings), style=style)
    yield found
    yield Text(_TIMES)
    yield pages
    yield Text(_PAGES)
    if len(score.use_cases) > SHOWN:
        yield Text(f"{count(len(score.use_cases) - SHOWN, 'more use case')} in --json")
    yield from _some(f"missed: {visible(one.id, NAME)}" for one in score.attacks if not one.found)
    yield from _some(f"false on twin {visible(one.id, NAME)}: {one.false:,}" for one in score.twins if one.false)
    if score.grouping is not None:
        yield from _grouping(score.grouping)


def _defined(metric: Metric) -> str:
    what = metric.what
    words = f"{what.of} / {what.over}" if isinstance(what, Ratio) else f"{what.start} to {what.stop}"
    return f"{metric.title}: {words}. From: {metric.source}."


def _values(value: Summary | Share) -> tuple[str, ...]:
    if isinstance(value, Share):
        return _share(value), "", "", f"{value.of:,}", _part(value.missing, value.of)
    shown = (_figure(one, value.unit) for one in (value.median, value.p90, value.maximum))
    return *shown, f"{value.count:,}", _part(value.missing, value.count)


def _dispositions(figures: Figures) -> str:
    said = [f"{number:,} {name}" for name, number in figures.dispositions.counts.items() if number]
    return ", ".join([*said, f"{count(figures.dispositions.unlabelled, 'case')} without a label"])


def _named(row: UseCaseScore) -> Text:
    return Text(visible(row.use_case.replace("_", " "), NAME) or "(none named)")


def _found(row: UseCaseScore) -> tuple[str, ...]:
    times = row.time_to_detect
    shown = (_figure(one, times.unit) for one in (times.median, times.p90, times.maximum))
    return f"{row.recall.hits:,}/{row.recall.of:,}", _interval(row.recall), *shown, _part(times.missing, times.count)


def _pages(found: FindingScore) -> tuple[str, ...]:
    counts = (found.paging, found.on_attacks, found.on_twins, found.on_background)
    precision = found.precision.value
    return *(f"{number:,}" for number in counts), _NOTHING if precision is None else percent(precision)


def _grouping(grouping: Grouping) -> Iterator[RenderableType]:
    table = _table("Case", "Findings", "Stories", "Pure")
    for case in grouping.cases[:SHOWN]:
        stories = ", ".join(f"{visible(name, NAME)} {number:,}" for name, number in case.stories.items())
        table.add_row(Text(visible(case.uid, NAME)), f"{case.findings:,}", Text(stories), "yes" if case.pure else "no")
    yield table
    if len(grouping.cases) > SHOWN:
        yield Text(f"and {count(len(grouping.cases) - SHOWN, 'more case')}")
    yield from _some(f"{visible(one.campaign, NAME)}: in {count(len(one.cases), 'case')}" for one in grouping.campaigns)
    size = grouping.compression
    sizes = (("median", size.median), ("p90", size.p90), ("maximum", size.maximum))
    yield from _text(
        [
            f"Pure cases: {_share(grouping.pure)}",
            f"Pairs in one case that are of one story: {_share(grouping.pairwise_precision)}",
            f"Pairs of one campaign that are in one case: {_share(grouping.pairwise_recall)}",
            f"Findings per case: {', '.join(f'{name} {_figure(value, size.unit)}' for name, value in sizes)}",
        ]
    )


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="dim")
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    return table


def _text(lines: Iterable[str]) -> Iterator[Text]:
    return (Text(visible(line)) for line in lines)


def _some(lines: Iterable[str]) -> Iterator[Text]:
    for number, line in enumerate(lines):
        if number == SHOWN:
            yield Text("... and more: see --json")
            return
        yield Text(visible(line))


def _figure(value: Figure, unit: str) -> str:
    if value is None:
        return _NOTHING
    if isinstance(value, str):
        return value
    return duration(round(1000 * value)) if unit == "s" else f"{value:,.0f}"


def _part(missing: int, total: int) -> str:
    return percent(missing / total) if total else _NOTHING


def _interval(value: Share) -> str:
    if value.low is None or value.high is None:
        return _NOTHING
    return f"{percent(value.low).rstrip('%')}-{percent(value.high)}"


def _share(value: Share) -> str:
    if value.value is None:
        return _NOTHING
    return f"{value.hits:,} of {value.of:,}: {percent(value.value)}"
