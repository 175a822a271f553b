"""``rules scorecard``: what each rule is worth over history."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchfloor.cli.options import Content, Source
from watchfloor.cli.progress import stderr, stdout
from watchfloor.cli.rules_backtest import over_history
from watchfloor.cli.rules_suppressing import Suppressions
from watchfloor.clock import system_clock
from watchfloor.console.text import visible
from watchfloor.console.words import count, percent
from watchfloor.learn import by_uid, read_labels
from watchfloor.metrics import Share
from watchfloor.rulecraft.authored import Texts, authored
from watchfloor.rulecraft.scorecard import ADVICE, Card, Watched, scorecard

SHOWN = 50

Labels = Annotated[
    Path | None, typer.Option("--labels", help="What people decided: a data folder's labels.ndjson.", metavar="FILE")
]


def run_scorecard(
    rules: Annotated[Path, typer.Argument(help="Sigma rules: a folder, a file or a zip.", metavar="RULES")],
    paths: Annotated[list[str], typer.Argument(help="History: files, folders or -.", metavar="PATH...")],
    *,
    labels: Labels = None,
    cost: Annotated[bool, typer.Option("--cost", help="Measure the CPU time of each rule alone.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Each rule as a JSON object on standard output.")] = False,
    source: Source = None,
    content: Content = None,
    suppressions: Suppressions = None,
) -> None:
    """Volume, precision with its interval, age and cost of each rule: keep it, tune it or retire it, and why."""
    watched = Watched(by_uid(read_labels(labels)) if labels is not None else {})
    ran = over_history(
        rules, paths, cost=cost, source=source, content=content, suppressions=suppressions, watch=watched
    )
    loaded = (*(one.rule for one in ran.ruleset.rules), *(one.correlation.rule for one in ran.ruleset.correlations))
    cards = scorecard(
        ran.tested.rules, watched, {one.id: one for one in loaded}, Texts(authored([rules])), system_clock().date()
    )
    if json:
        for card in cards:
            sys.stdout.buffer.write(msgspec.json.encode(card) + b"\n")
    console = stderr() if json else stdout()
    _show(cards, console)
    advice = Counter(card.advice for card in cards)
    said = ", ".join(f"{advice[one]:,} {one}" for one in ADVICE)
    words = f"{len(cards):,} rules over {ran.tested.events:,} events: {said}"
    console.print(words + (f"; {ran.unread:,} records could not be read" if ran.unread else ""), markup=False)


def _show(cards: Sequence[Card], console: Console) -> None:
    # A rule that is to be kept and found nothing is only counted.
    shown = [card for card in cards if card.advice != "keep" or card.matches]
    table = Table("Advice", "Rule", "Level", "Matches", "A day", "Right", "95 %", "Age", "CPU µs", "Why", box=None)
    for card in shown[:SHOWN]:
        table.add_row(
            card.advice,
            Text(visible(card.title, 80)),
            card.level,
            count(card.matches),
            f"{card.a_day:,.1f}",
            f"{count(card.right.hits)} of {count(card.right.of)}" if card.right.of else "",
            _interval(card.right),
            "" if card.age is None else f"{card.age:,} d",
            "" if card.cpu_us is None else f"{card.cpu_us:.2f}",
            Text(card.reason),
        )
    if shown:
        console.print(table)
    if len(shown) > SHOWN:
        console.print(f"… and {len(shown) - SHOWN:,} more rules; --json has all", markup=False)


def _interval(right: Share) -> str:
    return "" if right.low is None or right.high is None else f"{percent(right.low)} to {percent(right.high)}"
