"""``rules coverage``: ATT&CK's techniques crossed with the rules and the telemetry that there is."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchfloor.case import TACTICS
from watchfloor.catalog import folders, roots
from watchfloor.cli.options import DATA, Content, Data, Rules, Source
from watchfloor.cli.progress import stderr, stdout
from watchfloor.cli.rules_loading import rule_cache, source_cache, tell_errors
from watchfloor.cli.rules_output import write_bytes, write_text
from watchfloor.clock import system_clock
from watchfloor.console.text import visible
from watchfloor.console.words import tactic_name
from watchfloor.errors import InputError
from watchfloor.normalize import Source as LoadedSource
from watchfloor.rulecraft.attack import ATTACK_VERSION, techniques
from watchfloor.rulecraft.coverage import STATES, Coverage, coverage
from watchfloor.rulecraft.coverage_page import coverage_page
from watchfloor.rulecraft.navigator import layer
from watchfloor.rulecraft.needs import needs_of_folders, needs_of_rules
from watchfloor.rulecraft.telemetry import Telemetry, telemetry_of_files, telemetry_of_lake
from watchfloor.run.content import load_content
from watchfloor.settings import DataFolder
from watchfloor.store.lake import Lake

SHOWN = 10


def run_coverage(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Logs that show which telemetry there is; without any, the data folder.", metavar="PATH"),
    ] = None,
    *,
    data: Data = DATA,
    rules: Rules = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the heat map, a page.", metavar="FILE")] = None,
    navigator: Annotated[
        Path | None, typer.Option("--layer", help="Write a layer for the ATT&CK Navigator.", metavar="FILE")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The matrix as a JSON object on standard output.")] = False,
    source: Source = None,
    content: Content = None,
) -> None:
    """Covered: a rule with telemetry. Blind: rules without telemetry. Dark: telemetry without a rule.

    The rules are the built-in ones, those of the content folders and those of --rules.
    """
    if paths and data != DATA:
        raise InputError("name logs or a data folder, not both")
    loaded = load_content(
        rules=tuple(rules or ()), user=tuple(content or ()), load=rule_cache().load, sources=source_cache().load
    )
    tell_errors(loaded.errors)
    places = roots(content or ())
    needs = [*needs_of_rules(loaded.rules), *needs_of_folders(folders("detections", under=places), loaded.sources)]
    with stderr().status("looking at the telemetry"):
        telemetry = _telemetry(paths or (), data, loaded.sources, source)
    matrix = coverage(needs, telemetry, techniques())
    if html is not None:
        write_text(html, coverage_page(matrix, ", ".join(paths) if paths else str(data)))
    if navigator is not None:
        write_bytes(navigator, msgspec.json.format(msgspec.json.encode(layer(matrix)), indent=1) + b"\n")
    if json:
        sys.stdout.buffer.write(msgspec.json.encode(_whole(matrix)) + b"\n")
    _tell(matrix, stderr() if json else stdout())


def _telemetry(paths: Sequence[str], data: Path, sources: Sequence[LoadedSource], source: str | None) -> Telemetry:
    if paths:
        return telemetry_of_files(paths, sources, clock=system_clock, source=source)
    folder = DataFolder(data)
    folder.require()
    return telemetry_of_lake(Lake(folder.lake), sources)


def _whole(matrix: Coverage) -> dict[str, Any]:
    return {
        "attack": ATTACK_VERSION,
        "events": matrix.events,
        "rules": matrix.rules,
        "counts": {state: matrix.count(state) for state in STATES},
        "techniques": [
            {
                "technique": spot.technique.uid,
                "name": spot.technique.name,
                "tactics": spot.technique.tactics,
                "state": spot.state,
                "rules": [{"rule": one.rule.id, "events": one.events} for one in spot.rules],
                "logs": [log.words for log in spot.logs],
                "logs_wanted": len(spot.technique.logs),
            }
            for spot in matrix.spots
        ],
        "untagged": matrix.untagged,
        "unknown": matrix.unknown,
        "blind": matrix.blind,
        "idle": matrix.idle,
    }


def _tell(matrix: Coverage, console: Console) -> None:
    console.print(_tactics(matrix))
    for title, counted, noun in (
        ("Rules that wait for telemetry", matrix.blind, "rules"),
        ("Events that no rule looks at", matrix.idle, "events"),
        ("Techniques that rules name and ATT&CK does not have", matrix.unknown, "rules"),
    ):
        if counted:
            some = ", ".join(f"{name} ({number:,})" for name, number in list(counted.items())[:SHOWN])
            more = f" and {len(counted) - SHOWN:,} more" if len(counted) > SHOWN else ""
            console.print(Text(visible(f"{title} ({noun}): {some}{more}", 2_000)), soft_wrap=True)
    counts = ", ".join(f"{matrix.count(state):,} {state}" for state in STATES)
    console.print(
        f"{len(matrix.spots):,} techniques of ATT&CK {ATTACK_VERSION}: {counts}; "
        f"{matrix.rules:,} rules over {matrix.events:,} events",
        markup=False,
        soft_wrap=True,
    )


def _tactics(matrix: Coverage) -> Table:
    table = Table("Tactic", *(state.capitalize() for state in STATES), box=None)
    for tactic in TACTICS:
        spots = [spot for spot in matrix.spots if tactic in spot.technique.tactics]
        table.add_row(tactic_name(tactic), *(f"{sum(spot.state == state for spot in spots):,}" for state in STATES))
    return table
