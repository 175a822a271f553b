"""The summary of an investigation in a terminal: the cases that matter, the figures, where the rest is, what is next.

Every string of a log becomes :class:`rich.text.Text` of visible characters: no markup is read in it, and no escape
sequence reaches the terminal.
"""

import shlex
from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from watchfloor.case import TACTICS, Case
from watchfloor.console.model import ReportModel
from watchfloor.console.overview import Overview, overview
from watchfloor.console.svg_marks import kind_of
from watchfloor.console.text import visible
from watchfloor.console.words import count, duration, percent, span, tactic_name, when
from watchfloor.event import Entity
from watchfloor.finding import Level

SHOWN_CASES = 10
WIDE = 120
"""From how many columns on the table has room for times and tactics."""
_STYLES: dict[Level, str] = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "blue",
    "informational": "dim",
}
_SHORT: dict[Level, str] = {"informational": "info"}
SHOWN_TROUBLES = 3
"""How many files that could not be read, and how many that did not load, are named."""

_ORDER = ("user", "host", "app", "resource", "address")


def print_summary(model: ReportModel, console: Console) -> None:
    """Print the summary of a model to a console, as wide as the console is."""
    view = overview(model)
    console.print()
    console.print(_verdict(view))
    console.print(Text(view.scope, style="dim"))
    if model.cases:
        console.print()
        console.print(_cases(model.ranked, wide=console.width >= WIDE))
    console.print()
    console.print(_figures(model, view))
    _print_troubles(model, console)
    console.print()
    _print_next(model, console)


def _verdict(view: Overview) -> Text:
    said = view.verdict
    return Text.assemble((said.before, "bold"), (visible(said.title, 200), "bold cyan"), (said.after, "bold"))


def _cases(cases: tuple[Case, ...], *, wide: bool) -> RenderableType:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, expand=True, header_style="dim")
    table.add_column("#", justify="right", style="dim", no_wrap=True)
    table.add_column("Severity", no_wrap=True)
    table.add_column("Risk", justify="right", no_wrap=True)
    table.add_column("Case", ratio=1, overflow="fold")
    if wide:
        table.add_column("When (UTC)", no_wrap=True)
        table.add_column("Tactics", no_wrap=True)
    table.add_column("Findings", justify="right", no_wrap=True)
    for rank, case in enumerate(cases[:SHOWN_CASES], start=1):
        more = (_when(case), _tactics(case)) if wide else ()
        table.add_row(
            str(rank),
            Text(f" {_SHORT.get(case.level, case.level)} ", style=_STYLES[case.level]),
            Text(percent(case.risk.value), style="bold"),
            _what(case, wide=wide),
            *more,
            count(len(case.findings)),
        )
    left = len(cases) - SHOWN_CASES
    return Group(table, Text(f"and {count(left, 'more case')} in the report", style="dim")) if left > 0 else table


def _what(case: Case, *, wide: bool) -> Text:
    what = Text(visible(case.title, 200), style="bold")
    if who := _who(entity for entity in case.entities if entity.name not in case.title):
        what.append("\n" + who, style="not bold cyan")
    if not wide:
        what.append(f"\n{span(case.start, case.end)}", style="not bold dim")
    return what


def _who(entities: Iterable[Entity], most: int = 3) -> str:
    named = sorted(entities, key=lambda entity: _ORDER.index(kind_of(entity.type)))
    names = [visible(entity.name or entity.id, 48) for entity in named[:most]]
    return ", ".join(names) + (f" and {len(named) - most:,} more" if len(named) > most else "")


def _when(case: Case) -> Text:
    return Text(f"{when(case.start)[:-3]}\nfor {duration(case.end - case.start)}", style="dim")


def _tactics(case: Case) -> Text:
    """A mark for each of ATT&CK's tactics, those of the case filled, and the last of them: how far it got."""
    known = [tactic for tactic in TACTICS if tactic in case.tactics]
    strip = Text()
    for tactic in TACTICS:
        strip.append("■" if tactic in known else "·", style="cyan" if tactic in known else "dim")
    return Text.assemble(strip, "\n", (tactic_name(known[-1]) if known else "", "dim"))


def _figures(model: ReportModel, view: Overview) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    levels = Text(", ").join(Text(f"{number} {level}", style=_STYLES[level]) for level, number in view.levels if number)
    grid.add_row("Cases", levels if model.cases else "none")
    if view.entities_at_risk:
        grid.add_row("At risk", view.entity_kinds)
    sources = ", ".join(f"{visible(source.name, 40)} {source.events:,}" for source in model.run.sources)
    grid.add_row("Events", Text(f"{count(model.run.events)}" + (f" ({sources})" if sources else "")))
    not_loaded = f", {len(model.load_failures):,} did not load" if model.load_failures else ""
    grid.add_row("Rules", f"{count(model.run.rules)} loaded{not_loaded}")
    if model.run.all_hidden:
        hidden = ", ".join(f"{visible(name, 40)} {number:,}" for name, number in model.run.hidden.items())
        grid.add_row("Hidden", Text(f"{count(model.run.all_hidden, 'finding')} ({hidden}), in suppressed.ndjson"))
    if view.dead_letters:
        grid.add_row("Unreadable", count(view.dead_letters, "record"))
    grid.add_row(
        "Took", f"{model.run.seconds:.1f} s" if model.run.seconds < 60 else duration(int(1000 * model.run.seconds))
    )
    return grid


def _print_troubles(model: ReportModel, console: Console) -> None:
    """What could not be read and what did not load: a line each with place and reason, the first of them."""
    unread = [
        f"{letter.path}:{letter.line}: {letter.reason}" + (f" ({letter.count:,})" if letter.count > 1 else "")
        for letter in model.dead_letters
    ]
    not_loaded = [f"{failure.path}: {failure.reason}" for failure in model.load_failures]
    for name, lines in (("Not read", unread), ("Not loaded", not_loaded)):
        if lines:
            console.print(Text(f"\n{name}", style="dim"))
        for line in lines[:SHOWN_TROUBLES]:
            console.print(Text(visible(line, 300)), soft_wrap=True)
        if len(lines) > SHOWN_TROUBLES:
            console.print(Text(f"and {len(lines) - SHOWN_TROUBLES:,} more in the report", style="dim"))


def _print_next(model: ReportModel, console: Console) -> None:
    """Where the result is and what to do with it: paths and commands to copy, so that no line of them is broken."""
    out = model.run.out.rstrip("/") or "."
    places = [("Report", f"{out}/report.html", "bold green"), ("Data", f"{out}/cases.ndjson {out}/findings.ndjson", "")]
    commands = []
    first = next((model.packs[case.uid] for case in model.ranked if case.uid in model.packs), None)
    if first is not None:
        places.append(("Packs", f"{out}/packs/ ({count(len(model.packs), 'pack')})", ""))
        key = f" --key {shlex.quote(model.run.public_key)}" if model.run.public_key else ""
        commands.append(f"watchfloor evidence verify {shlex.quote(f'{out}/packs/{first.file}')}{key}")
    if model.dead_letters:
        commands.append(f"watchfloor deadletters list --data {shlex.quote(out)}")
    for name, place, style in places:
        console.print(Text.assemble((f"{name:8}", "dim"), (visible(place), style)), soft_wrap=True)
    if commands:
        console.print(Text("\nNext", style="dim"))
    for command in commands:
        console.print(Text(visible(command), style="cyan"), soft_wrap=True)
