"""``search --explain``: which files and row groups a query touches of how many, and the SQL it becomes."""

import time

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchfloor.console.text import visible
from watchfloor.search import Searcher
from watchfloor.search.groups import touched
from watchfloor.search.pipeline import ordered
from watchfloor.search.syntax import Query

_LONGEST = 20_000


def print_plan(searcher: Searcher, query: Query, limit: int | None, console: Console) -> None:
    """Run the query, and print how instead of what it found."""
    plan, bounds = searcher.plan(query)
    table = Table("after", "files", "events", "MB", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    with searcher.snapshot() as snapshot:
        steps = [("tenant", list(snapshot.files)), *bounds.steps(snapshot)]
        parts = bounds.parts_of(snapshot, steps[-1][1])
        steps.append(("needles", [part.file for part in parts]))
        for name, files in steps:
            events, size = sum(one.rows for one in files), sum(one.size for one in files)
            table.add_row(name, f"{len(files):,}", f"{events:,}", f"{size / 1e6:,.1f}")
        groups = touched(snapshot, parts, bounds)
    began = time.perf_counter()
    found = searcher.search(query, limit=limit)
    seconds = time.perf_counter() - began
    console.print(table)
    lacking = f"; {groups.without:,} files have no needle index" if groups.without else ""
    console.print(f"row groups: {groups.touched:,} of {groups.total:,} by needles and times{lacking}")
    console.print(f"opened {found.files:,} files, {len(found.rows):,} rows in {seconds:.3f} s")
    cut = "" if limit is None else f" LIMIT {limit}"
    console.print(Text(visible(plan.sql + ordered(plan.keys) + cut, _LONGEST)), soft_wrap=True)
    for name, value in plan.values.items():
        console.print(Text(f"${name} = {visible(repr(value))}"), soft_wrap=True)
