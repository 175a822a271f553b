"""``rules check``: what is wrong with rules before they run."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from watchfloor.catalog import roots
from watchfloor.cli.options import Content
from watchfloor.cli.progress import stderr
from watchfloor.cli.rules_loading import source_cache
from watchfloor.console.text import visible
from watchfloor.errors import GateError
from watchfloor.rulecraft.check import Checked, check_rules
from watchfloor.rulecraft.fields import Universe
from watchfloor.rulecraft.problem import KINDS, Problem

SHOWN = 100
"""How many warnings are shown one by one; errors all are."""

LINE = 1_000


def check(
    paths: Annotated[list[Path], typer.Argument(help="Folders, files or zips of Sigma rules.")],
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on warnings, too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Each problem as a JSON object on standard output.")] = False,
    content: Content = None,
) -> None:
    """What does not load, what can never match, what is missing; exit 1 if there is an error."""
    sources, _ = source_cache().load(roots(content or ()))
    checked = check_rules(paths, Universe(sources))
    checked.ruleset.require(paths)
    if json:
        for problem in checked.problems:
            sys.stdout.buffer.write(msgspec.json.encode(problem) + b"\n")
    _tell(checked)
    broken = len(checked.ruleset.errors)
    if broken:
        raise GateError(f"{broken} rules do not load")
    if checked.errors:
        raise GateError(f"{checked.errors} errors in rules")
    if strict and checked.problems:
        raise GateError(f"{len(checked.problems)} warnings about rules")


def _tell(checked: Checked) -> None:
    console = stderr()
    errors = [one for one in checked.problems if one.severity == "error"]
    # What is wrong with a rule's logic comes before what it only lacks.
    warnings = sorted((one for one in checked.problems if one.severity == "warning"), key=_rank)
    for problem in (*errors, *warnings[:SHOWN]):
        console.print(Text(visible(_line(problem), LINE)), soft_wrap=True)
    if len(warnings) > SHOWN:
        left = Counter(one.kind for one in warnings[SHOWN:])
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in left.most_common())
        console.print(f"… and {len(warnings) - SHOWN:,} more warnings ({kinds}); --json has all", markup=False)
    summary = f"{len(checked.ruleset.rules):,} rules"
    if checked.ruleset.correlations:
        summary += f" and {len(checked.ruleset.correlations):,} correlations"
    summary += f" load, {len(checked.ruleset.errors):,} do not"
    wrong = len(errors) - len(checked.ruleset.errors)
    if wrong or warnings:
        summary += f"; {wrong:,} other errors, {len(warnings):,} warnings"
    console.print(summary, markup=False)


def _rank(problem: Problem) -> int:
    return KINDS.index(problem.kind)


def _line(problem: Problem) -> str:
    if problem.kind == "load" or (problem.kind == "duplicate" and problem.severity == "error"):
        place = problem.path if problem.line is None else f"{problem.path}:{problem.line}"
        return f"not loaded: {place}: {problem.reason}"
    return str(problem)
