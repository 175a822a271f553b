"""``policy``: check the policies, explain a decision."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from watchfloor.catalog import roots
from watchfloor.cli.options import Content
from watchfloor.cli.progress import stderr
from watchfloor.console.text import visible
from watchfloor.errors import GateError
from watchfloor.policy.check import policy_report, read_request
from watchfloor.policy.engine import PolicyEngine
from watchfloor.policy.explain import explain as explain_decision
from watchfloor.policy.explain import lines
from watchfloor.respond.library import load_library

app = typer.Typer(help="Policies.", no_args_is_help=True)


@app.command()
def check(content: Content = None) -> None:
    """Load every policy and run its cases; exit 1 if one fails or no case meets a policy."""
    places = roots(content or ())
    report = policy_report(places, load_library(places).actions.values())
    console = stderr()
    for error in report.errors:
        console.print(Text(visible(f"not loaded: {error}")))
    for result in report.results:
        if result.problem:
            console.print(Text(visible(f"failed: {result.case.path}: {result.case.name}: {result.problem}")))
    for name in report.untested:
        console.print(Text(visible(f"no case meets the policy {name}")))
    console.print(f"{len(report.policies)} policies, {len(report.results)} cases", markup=False)
    if not report.passed:
        raise GateError("the policies do not pass")


@app.command()
def explain(
    request: Annotated[Path, typer.Argument(help="A YAML file: action, resource, actor, context.")],
    content: Content = None,
) -> None:
    """Why a request is permitted, needs approval or is denied, and what would change that."""
    places = roots(content or ())
    asked = read_request(request)
    engine, _ = PolicyEngine.load(places, load_library(places).actions.values())
    for line in lines(explain_decision(engine, asked)):
        typer.echo(visible(line))
