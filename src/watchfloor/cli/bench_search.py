"""``bench search``: what it costs to write a lake, and how long it takes to find one thing in it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import orjson
import typer

from watchfloor.cli.bench_lake import EVENTS_A_DAY, KINDS, START, build, needles
from watchfloor.cli.progress import stderr, working
from watchfloor.cli.search import SHOWN, WHAT
from watchfloor.search import Searcher, parse
from watchfloor.settings import DEFAULT_TENANT, DataFolder
from watchfloor.store.compaction import compact_all
from watchfloor.store.lake import Lake
from watchfloor.store.needlefile import SUFFIX, index_of

ROWS = 100
SLOWEST = 0.99


def search(
    *,
    events: Annotated[int, typer.Option("--events", min=1_000, help="How many events the lake has.")] = 10_000_000,
    rounds: Annotated[int, typer.Option("--rounds", min=2, help="How many values of each kind are looked for.")] = 25,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Where the lake is made and stays; one that is there is used."),
    ] = None,
    compact: Annotated[bool, typer.Option("--compact/--no-compact", help="Compact the lake first.")] = True,
) -> None:
    """Search of a synthetic lake: its size, what writing it costs, and the seconds to find a user, an address, a hash.

    Cold: the system's cache has nothing of the lake. Warm: it has. Each search begins with nothing in its own
    memory. The CPU seconds are of all threads, and say more than the others on a machine that does other work, too.
    """
    with TemporaryDirectory() as name, working(stderr()) as bar:
        data = DataFolder(folder or Path(name))
        data.prepare()
        lake = Lake(data.lake)
        measured: dict[str, Any] = {"events": events}
        if not lake.files():
            built = build(lake, events, lambda done: bar.on_stage("making events", done, events))
            cost = built["writing_cpu_seconds"] / events * 1e6
            measured["build"] = {key: round(value, 1) for key, value in built.items()}
            measured["build"]["writing_cpu_seconds_per_million"] = round(cost, 2)
        if compact:
            bar.on_stage("compacting", 0, 0)
            began = time.process_time()
            rows = compact_all(lake, now=2 * START).rows
            spent = time.process_time() - began
            measured["compaction"] = {"rows": rows, "cpu_seconds_per_million": round(spent / max(rows, 1) * 1e6, 2)}
        with lake.snapshot() as snapshot:
            size = sum(one.size for one in snapshot.files)
            measured["lake"] = {"files": len(snapshot.files), "rows": snapshot.rows, "mb": round(size / 1e6)}
            paths = [path for one in map(Path, snapshot.paths) for path in (one, index_of(one)) if path.exists()]
            indexes = sum(one.stat().st_size for one in paths if one.suffix == SUFFIX)
            measured["lake"]["needles_mb"] = round(indexes / 1e6)
        searcher = Searcher(lake, DEFAULT_TENANT, START + events * 86_400_000 // EVENTS_A_DAY)
        measured["seconds"] = {}
        for at, kind in enumerate(KINDS):
            bar.on_stage(f"searching by {kind}", at, len(KINDS))
            measured["seconds"][kind] = _needle(searcher, needles(kind, rounds), paths)
        bar.on_stage("counting", 0, 0)
        for kind, query in (("timechart", "| timechart span=1h by class_uid"), ("top", "| top 10 actor.user.name")):
            measured["seconds"][kind] = _times([partial(_find, searcher, query)] * 5, paths)
        measured["seconds"]["command"] = _command(data, needles("user", 1)[0])
    sys.stdout.buffer.write(orjson.dumps(measured, option=orjson.OPT_INDENT_2) + b"\n")


def _needle(searcher: Searcher, queries: Sequence[str], paths: Sequence[Path]) -> dict[str, Any]:
    """Of whole events, as ``--json`` gives them, and of the columns of a table."""
    ways: dict[str, tuple[str, ...]] = {"whole": (), "table": (*SHOWN, *WHAT)}
    return {
        name: _times([partial(_find, searcher, query, columns) for query in queries], paths)
        for name, columns in ways.items()
    }


def _find(searcher: Searcher, query: str, columns: Sequence[str] = ()) -> None:
    searcher.search(parse(query), limit=ROWS, columns=columns)


def _times(searches: Sequence[Callable[[], Any]], paths: Sequence[Path]) -> dict[str, Any]:
    cold, warm, cpu = [], [], []
    for search in searches:
        _forget(paths)
        cold.append(_seconds(search))
        spent = time.process_time()
        warm.append(_seconds(search))
        cpu.append(time.process_time() - spent)
    return {name: _summary(times) for name, times in (("cold", cold), ("warm", warm), ("warm_cpu", cpu))}


def _seconds(search: Callable[[], Any]) -> float:
    began = time.perf_counter()
    search()
    return time.perf_counter() - began


def _summary(times: Sequence[float]) -> dict[str, float]:
    ranked = sorted(times)
    last = min(len(ranked) - 1, int(len(ranked) * SLOWEST))
    return {"p50": round(ranked[len(ranked) // 2], 3), "p99": round(ranked[last], 3)}


def _forget(paths: Sequence[Path]) -> None:
    """Ask the system to keep nothing of the files in memory."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def _command(data: DataFolder, query: str) -> float:
    """The whole command, from its start to its end."""
    run = "from watchfloor.cli import main; main()"
    began = time.perf_counter()
    subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", run, "search", query, "--data", str(data.path)], check=True, stdout=subprocess.DEVNULL
    )
    return round(time.perf_counter() - began, 3)
