"""``rules backtest``: what rules would have said of history, against a baseline and inside gates."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchfloor.catalog import roots
from watchfloor.cli.options import Content, Source
from watchfloor.cli.progress import stderr, stdout
from watchfloor.cli.rules_loading import named_rules, source_cache, tell_errors
from watchfloor.cli.rules_output import write_bytes
from watchfloor.cli.rules_suppressing import HiddenFile, Suppressions, suppressing
from watchfloor.clock import system_clock
from watchfloor.console.text import visible
from watchfloor.deadletter import DeadLetter
from watchfloor.detect.sigma import RuleSet
from watchfloor.errors import GateError, InputError
from watchfloor.rulecraft.backtest import (
    Backtest,
    Change,
    Kept,
    RuleHistory,
    backtest,
    compare,
    read_baseline,
    with_cost,
)
from watchfloor.rulecraft.replay import Replayed, replay

SHOWN = 30
"""How many rules and changes the tables show; --json has all."""


def run_backtest(
    rules: Annotated[Path, typer.Argument(help="Sigma rules: a folder, a file or a zip.", metavar="RULES")],
    paths: Annotated[list[str], typer.Argument(help="History: files, folders or -.", metavar="PATH...")],
    *,
    baseline: Annotated[Path | None, typer.Option("--baseline", help="A stored backtest.", metavar="FILE")] = None,
    write_baseline: Annotated[
        Path | None, typer.Option("--write-baseline", help="Store this one.", metavar="FILE")
    ] = None,
    max_new_matches: Annotated[int | None, typer.Option(min=0, help="Exit 1 if there are more new matches.")] = None,
    max_total: Annotated[int | None, typer.Option(min=0, help="Exit 1 if there are more matches.")] = None,
    fail_on_lost: Annotated[bool, typer.Option("--fail-on-lost", help="Exit 1 if a match is lost.")] = False,
    cost: Annotated[bool, typer.Option("--cost", help="Measure the CPU time of each rule alone.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output, too.")] = False,
    source: Source = None,
    content: Content = None,
    suppressions: Suppressions = None,
    hidden: HiddenFile = None,
) -> None:
    """Matches by rule, day and entity, the noisiest values, the difference against a baseline; exit 1 at a gate."""
    if baseline is None and (max_new_matches is not None or fail_on_lost):
        raise InputError("--max-new-matches and --fail-on-lost compare with a --baseline; name it")
    before = None if baseline is None else read_baseline(baseline)
    ran = over_history(
        rules, paths, cost=cost, source=source, content=content, suppressions=suppressions, hidden=hidden
    )
    tested = ran.tested
    changes = () if before is None else compare(tested, before)
    if write_baseline is not None:
        write_bytes(write_baseline, msgspec.json.format(msgspec.json.encode(tested), indent=1) + b"\n")
    _show(tested, before, changes, ran.unread, stderr() if json else stdout())
    if json:
        sys.stdout.buffer.write(msgspec.json.encode(_whole(tested, before, changes)) + b"\n")
    crossed = list(_gates(tested, changes, max_new_matches, max_total, lost_fails=fail_on_lost))
    if crossed:
        raise GateError("; ".join(crossed))


class Ran(NamedTuple):
    """Rules that ran over history: the rules, their figures, and how many records could not be read."""

    ruleset: RuleSet
    tested: Backtest
    unread: int


def over_history(
    rules: Path,
    paths: Sequence[str],
    *,
    cost: bool,
    source: str | None,
    content: Sequence[Path] | None,
    suppressions: Sequence[Path] | None,
    hidden: Path | None = None,
    watch: Callable[[Iterable[Replayed]], Iterable[Replayed]] = lambda history: history,
) -> Ran:
    """Run rules over history; ``watch`` sees the replay as it passes, without what suppressions hide.

    Raises:
        InputError: A path gives nothing readable, or no rules.
    """
    ruleset = named_rules([rules])
    sources, errors = source_cache().load(roots(content or ()))
    tell_errors(errors)
    unread: list[DeadLetter] = []
    keep = Kept()
    history = replay(paths, ruleset, sources, clock=system_clock, on_dead_letter=unread.append, source=source)
    with suppressing(suppressions, content, ruleset, sources, hidden) as quiet:
        tested = backtest(ruleset, watch(quiet.history(keep(history) if cost else history)), quiet.by_rule)
    return Ran(ruleset, with_cost(tested, ruleset, keep.batches) if cost else tested, len(unread))


def _whole(tested: Backtest, before: Backtest | None, changes: Sequence[Change]) -> dict[str, object]:
    made: dict[str, object] = msgspec.to_builtins(tested)
    made["matches"] = tested.matches
    for rule in made["rules"]:  # type: ignore[attr-defined]  # a list of rules
        del rule["uids"]
    if before is not None:
        made["baseline"] = {"events": before.events, "matches": before.matches}
        made["changes"] = msgspec.to_builtins(changes)
    return made


def _gates(
    tested: Backtest, changes: Sequence[Change], most_new: int | None, most: int | None, *, lost_fails: bool
) -> Iterator[str]:
    new, lost = sum(one.new for one in changes), sum(one.lost for one in changes)
    if most_new is not None and new > most_new:
        yield f"{new:,} new matches, more than {most_new:,}"
    if most is not None and tested.matches > most:
        yield f"{tested.matches:,} matches, more than {most:,}"
    if lost_fails and lost:
        yield f"{lost:,} matches are lost"


def _show(tested: Backtest, before: Backtest | None, changes: Sequence[Change], unread: int, console: Console) -> None:
    found = [rule for rule in tested.rules if rule.matches]
    if found:
        console.print(_rules(found[:SHOWN]))
    if len(found) > SHOWN:
        console.print(f"… and {len(found) - SHOWN:,} more rules with matches; --json has all", markup=False)
    if before is not None:
        if before.events != tested.events:
            said = f"the baseline is of {before.events:,} events, this is of {tested.events:,}: the history differs"
            console.print(said, markup=False)
        console.print(_changes(changes[:SHOWN]) if changes else "nothing has changed since the baseline")
    words = f"{tested.matches:,} matches of {len(found):,} of {len(tested.rules):,} rules in {tested.events:,} events"
    console.print(words + (f"; {unread:,} records could not be read" if unread else ""), markup=False)


def _rules(rules: Sequence[RuleHistory]) -> Table:
    table = Table("Rule", "Level", "Matches", "Days", "Entities", "Noisiest value", box=None)
    for rule in rules:
        noise = rule.noisiest[0] if rule.noisiest else None
        entity = next(iter(rule.entities.items()), None)
        table.add_row(
            Text(visible(rule.title, 80)),
            rule.level,
            f"{rule.matches:,}",
            f"{len(rule.days):,}, at most {max(rule.days.values()):,} a day",
            Text(visible(f"{entity[0]} {entity[1]:,}", 60) if entity else ""),
            Text(visible(f"{noise.field}={noise.value} {noise.matches:,}", 80) if noise else ""),
        )
    return table


def _changes(changes: Sequence[Change]) -> Table:
    table = Table("Changed since the baseline", "New", "Lost", box=None)
    for one in changes:
        table.add_row(Text(visible(one.title, 100)), f"{one.new:,}", f"{one.lost:,}")
    return table
