"""A timechart in a terminal: a bar for each span of time, parted by the values of a field."""

from collections import Counter, defaultdict

from rich.console import Console
from rich.text import Text

from watchfloor.console.text import brief
from watchfloor.search.engine import Found
from watchfloor.search.moments import clock_time
from watchfloor.search.pipeline import OTHER

COLOURS = (
    "cyan",
    "yellow",
    "magenta",
    "green",
    "red",
    "blue",
    "bright_cyan",
    "bright_yellow",
    "bright_magenta",
    "bright_green",
)
REST = "white"
FULL, PARTS = "█", " ▏▎▍▌▋▊▉"
MOST_GAPS = 400
"""Spans without events are shown as long as there are no more spans than this."""

_NAME = 24


def print_chart(found: Found, console: Console) -> None:
    """Print the rows of a timechart as bars."""
    series: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for at, *value, count in found.rows:
        if at is not None:
            series[at]["-" if not value or value[0] is None else str(value[0])] += count
    if not series:
        console.print("Nothing found at a time that can be charted.")
        return
    names = _names(series)
    styles = {name: REST if name == OTHER else COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    most = max(counts.total() for counts in series.values())
    digits = len(f"{most:,}")
    width = max(console.width - 20 - digits - 4, 10)
    for at in _spans(series, found.chart.span if found.chart else 1):
        line = Text(f"{clock_time(at)[:16]}  ", no_wrap=True)
        line.append(f"{series[at].total() if at in series else 0:>{digits},} ", style="bold")
        if at in series:
            line.append_text(_bar([(series[at][name], styles[name]) for name in names], most, width))
        console.print(line, soft_wrap=True)
    if found.chart is not None and found.chart.by is not None:
        legend = Text()
        for name in names:
            total = sum(counts[name] for counts in series.values())
            legend.append(f"{FULL} ", style=styles[name]).append(f"{brief(name, _NAME)} {total:,}   ")
        console.print(legend)


def _names(series: defaultdict[int, Counter[str]]) -> list[str]:
    """The values, the most frequent first, what is none of them last."""
    totals: Counter[str] = Counter()
    for counts in series.values():
        totals.update(counts)
    return sorted(totals, key=lambda name: (name == OTHER, -totals[name], name))


def _spans(series: defaultdict[int, Counter[str]], span: int) -> list[int]:
    first, last = min(series), max(series)
    return list(range(first, last + 1, span)) if (last - first) // span < MOST_GAPS else sorted(series)


def _bar(parts: list[tuple[int, str]], most: int, width: int) -> Text:
    """Parts end to end, each end where its share of the width is, to an eighth of a cell for the last."""
    bar = Text()
    reached = drawn = 0
    for count, style in parts:
        reached += count
        cells = reached * width // most
        bar.append(FULL * (cells - drawn), style=style)
        drawn = cells
    eighths = reached * width * 8 // most - drawn * 8
    last = next((style for count, style in reversed(parts) if count), "")
    return bar.append(PARTS[max(eighths, 0 if drawn else 1)].rstrip(), style=last)
