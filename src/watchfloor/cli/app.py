"""The command tree. A command's module is imported when the command is called, so that each starts quickly."""

from typing import Annotated

import typer

from watchfloor import __version__
from watchfloor.cli.deferred import deferring

COMMANDS = {
    "demo": (
        "watchfloor.cli.investigate:demo",
        "A simulated day of one company, with an attack in it, through all five layers.",
    ),
    "investigate": (
        "watchfloor.cli.investigate:investigate",
        "Real logs to explained cases: DIR/report.html, cases.ndjson, findings.ndjson and signed evidence packs.",
    ),
    "serve": ("watchfloor.cli.serve:serve", "Live: what arrives becomes events and findings as it comes."),
    "source": ("watchfloor.cli.source:app", "Log sources, and what their vendors' APIs give."),
    "token": ("watchfloor.cli.serve:app", "Who may deliver over the network."),
    "findings": (
        "watchfloor.cli.findings:findings",
        "What the live platform has found, OCSF 2004, one JSON object a line.",
    ),
    "quality": (
        "watchfloor.cli.quality:quality",
        "How the sources of the live platform are: volume, latency, what cannot be read, clocks, drift, silence.",
    ),
    "replay": (
        "watchfloor.cli.replay:replay",
        "Match events of the lake again, as they arrived: what rules of now find in them is kept.",
    ),
    "normalize": ("watchfloor.cli.events:normalize", "OCSF events, one JSON object a line."),
    "detect": ("watchfloor.cli.events:detect", "Findings of these Sigma rules alone, one JSON object a line."),
    "simulate": (
        "watchfloor.cli.simulate:simulate",
        "Vendor-native logs of a simulated company, and truth.ndjson.",
    ),
    "rules": ("watchfloor.cli.rules:app", "Detections as code."),
    "search": (
        "watchfloor.cli.search:search",
        "Events of the lake: fields, text, times, and pipes to count, rank and chart them.",
    ),
    "lake": ("watchfloor.cli.lake:app", "The lake of events: what it holds, compaction, retention, legal holds."),
    "deadletters": ("watchfloor.cli.deadletters:app", "Records that did not become events."),
    "cases": ("watchfloor.cli.cases:app", "The explained cases."),
    "entity": ("watchfloor.cli.entity:app", "Who is who across products, and why."),
    "filters": ("watchfloor.cli.filters:app", "Noise filters."),
    "intel": ("watchfloor.cli.intel:app", "Threat intelligence: indicators."),
    "playbook": ("watchfloor.cli.playbooks:app", "Playbooks and actions."),
    "policy": ("watchfloor.cli.policies:app", "Policies."),
    "evidence": ("watchfloor.cli.evidence:app", "Signed evidence packs."),
    "bench": ("watchfloor.cli.bench:app", "Measure what Watchfloor costs on this machine."),
    "metrics": (
        "watchfloor.cli.measure:metrics",
        "How the work goes: dwell time, compression, audit readiness…; what cannot be measured yet says why.",
    ),
    "score": (
        "watchfloor.cli.measure:score",
        "Detections against the truth: what was found, how soon, and what paged somebody for nothing.",
    ),
    "new": (
        "watchfloor.cli.scaffold:new",
        "A new source, detection, filter, playbook, action or policy, with a case that passes.",
    ),
}
"""Each command: where it is, and what ``--help`` says of it, which is how its own help begins."""

app = typer.Typer(
    name="watchfloor",
    cls=deferring(COMMANDS),
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
