"""``bench``: what Watchfloor costs on this machine and what it survives, as one JSON object."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import orjson
import typer

from watchfloor.cli import bench_events, bench_ingest, bench_measure, bench_peer
from watchfloor.cli.bench_search import search
from watchfloor.cli.options import WORKERS, Paths, Processes, Rules
from watchfloor.cli.progress import stderr, working
from watchfloor.cli.rules_loading import named_rules
from watchfloor.errors import GateError
from watchfloor.testing.crash import crash as crash_test
from watchfloor.testing.load import load

app = typer.Typer(help="Measure what Watchfloor costs on this machine.", no_args_is_help=True)

FEW_RULES, MANY_RULES = 500, 3_500
LOAD_RECORDS = 40_000


@app.callback()
def _main() -> None:
    pass


app.command("search")(search)


@app.command("detect")
def detect(
    paths: Paths,
    *,
    rules: Rules = None,
    events: Annotated[int, typer.Option("--events", min=1_000, help="How many events to make of those read.")] = 60_000,
    seed: Annotated[int, typer.Option("--seed", help="Another seed makes other events.")] = 1,
    peer: Annotated[bool, typer.Option("--peer/--no-peer", help="Measure a peer on the same rules and events.")] = True,
) -> None:
    """Speed of detection in CPU seconds of one core: Windows events of PATH, varied so that no memory of values helps.

    Every figure is of one run, and so is its ratio to the others; a loaded machine makes all of them worse.
    """
    if not rules:
        raise typer.BadParameter("name the rules", param_hint="--rules")
    ruleset = named_rules(rules)
    with tempfile.TemporaryDirectory() as name, working(stderr()) as bar:
        folder = Path(name)
        bar.on_stage("varying events", 0, 0)
        varied = bench_events.varied(paths, events, seed)
        log = folder / "events.ndjson"
        log.write_bytes(b"\n".join(varied) + b"\n")
        bar.on_stage("starting", 0, 0)
        starts = bench_measure.starts(varied[0], rules, folder)
        bar.on_stage("from bytes to findings", 0, 0)
        whole = bench_measure.whole(log, rules, folder)
        bar.on_stage("matching", 0, 0)
        measured = {
            "events": {"count": len(varied), "bytes": log.stat().st_size},
            "rules": len(ruleset.rules),
            "start": starts,
            "bytes_to_findings": whole,
            **bench_measure.stages(log, ruleset),
            "growth": bench_measure.growth(log, ruleset, FEW_RULES, MANY_RULES),
        }
        if peer:
            bar.on_stage("the peer", 0, 0)
            measured["peer"] = bench_peer.measure(log, rules, ours=whole["events_per_cpu_second"])
    sys.stdout.buffer.write(orjson.dumps(measured, option=orjson.OPT_INDENT_2) + b"\n")


@app.command("ingest")
def ingest(
    *,
    rules: Rules = None,
    events: Annotated[int, typer.Option("--events", min=10_000, help="How many events to send.")] = 200_000,
    minutes: Annotated[float | None, typer.Option("--minutes", help="For how long at most to send them.")] = None,
    workers: Processes = WORKERS,
) -> None:
    """What an event costs a live platform, from bytes to the lake, how fast it is, and how soon it finds."""
    with tempfile.TemporaryDirectory() as name, working(stderr()) as bar:
        bar.on_stage("simulating days", 0, 0)
        mixed = load(Path(name) / "days", LOAD_RECORDS)
        measured = bench_ingest.measure(
            Path(name),
            mixed,
            tuple(rules or ()),
            events=events,
            minutes=minutes,
            workers=workers,
            on_stage=lambda stage: bar.on_stage(stage, 0, 0),
        )
    sys.stdout.buffer.write(orjson.dumps(measured, option=orjson.OPT_INDENT_2) + b"\n")


@app.command("crash")
def crash(
    *,
    kills: Annotated[int, typer.Option("--kills", min=1, help="How often to kill it.", metavar="N")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Another seed kills at other moments.")] = 1,
) -> None:
    """Kill a live platform under load, again and again, and count what it acknowledged and lost, or has twice."""
    with tempfile.TemporaryDirectory() as name, working(stderr()) as bar:
        tally = crash_test(
            Path(name), kills=kills, seed=seed, on_kill=lambda done: bar.on_stage("killing", done, kills)
        )
    sys.stdout.buffer.write(orjson.dumps(msgspec.to_builtins(tally), option=orjson.OPT_INDENT_2) + b"\n")
    if tally.lost or tally.doubled or tally.findings_lost or tally.findings_doubled:
        raise GateError("records or findings were lost or are there twice")
