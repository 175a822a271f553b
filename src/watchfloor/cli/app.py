"""The command tree. Each command imports what it needs when it runs, so that ``--help`` stays quick."""

from typing import Annotated

import typer

from watchfloor import __version__
from watchfloor.cli import (
    bench,
    cases,
    deadletters,
    events,
    evidence,
    investigate,
    measure,
    playbooks,
    policies,
    rules,
    scaffold,
    simulate,
)

app = typer.Typer(
    name="watchfloor",
    help="Raw security telemetry in, a few explained cases out, actions only inside limits that people set.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(show: bool) -> None:  # noqa: FBT001 - the callback's signature is typer's
    if show:
        typer.echo(f"watchfloor {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


app.command("demo")(investigate.demo)
app.command("investigate")(investigate.investigate)
app.command("normalize")(events.normalize)
app.command("detect")(events.detect)
app.command("simulate")(simulate.simulate)
app.add_typer(rules.app, name="rules")
app.add_typer(deadletters.app, name="deadletters")
app.add_typer(cases.app, name="cases")
app.add_typer(playbooks.app, name="playbook")
app.add_typer(policies.app, name="policy")
app.add_typer(evidence.app, name="evidence")
app.add_typer(bench.app, name="bench")
app.command("metrics")(measure.metrics)
app.command("score")(measure.score)
app.command("new")(scaffold.new)
