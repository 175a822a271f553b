"""``quality``: how what arrives compares with its own past, as a table, as lines and as a page."""

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from watchfloor.cli.options import DATA, Data
from watchfloor.cli.progress import stderr, stdout
from watchfloor.clock import Clock, iso, now_ms, system_clock
from watchfloor.console.quality_page import as_objects, quality_page
from watchfloor.console.text import visible
from watchfloor.errors import storing
from watchfloor.run.quality import Quality
from watchfloor.settings import DataFolder
from watchfloor.store.quality import QualityStore


def quality(
    *,
    data: Data = DATA,
    json: Annotated[bool, typer.Option("--json", help="One object a line, also on a terminal.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page.", metavar="FILE")] = None,
) -> None:
    """How the sources of the live platform are: volume, latency, what cannot be read, clocks, drift, silence."""
    folder = DataFolder(data)
    folder.require()
    if html is not None:
        with storing(html):
            html.write_text(page_of(folder, system_clock), encoding="utf-8")
        stderr().print(Text(visible(f"Wrote {html}.")))
        return
    known, now = Quality.kept(QualityStore(folder.quality)), now_ms()
    sources, inputs = known.sources(now), known.inputs()
    if json or not sys.stdout.isatty():
        sys.stdout.buffer.writelines(orjson.dumps(told) + b"\n" for told in as_objects(sources, inputs, known.refused))
        return
    table = Table("source", "events", "last seen", "state", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for one in sources:
        state = "silent" if one.silent else one.volume or f"{100 * one.unread_share:.1f} % unread"
        table.add_row(Text(visible(one.source)), f"{one.events:,}", iso(one.last_seen), state)
    stdout().print(table if sources else "Nothing has arrived yet.")
    for reason in known.refused:
        stdout().print(Text(visible(f"not taken over: {reason}")), soft_wrap=True)


def page_of(folder: DataFolder, clock: Clock) -> str:
    """The page of a data folder, as it was at the last commit."""
    known, now = Quality.kept(QualityStore(folder.quality)), now_ms(clock)
    return quality_page(known.sources(now), known.inputs(), known.refused, now=now)
