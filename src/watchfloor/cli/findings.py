"""``findings``: what the live platform has found, as it comes."""

import sys
import time
from typing import Annotated

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from watchfloor.cli.options import DATA, Data
from watchfloor.cli.progress import stdout
from watchfloor.clock import iso
from watchfloor.console.text import visible
from watchfloor.run.hiding import Hidden
from watchfloor.settings import DEFAULT_TENANT, DataFolder
from watchfloor.store.findings import FindingStore, Found

POLL_SECONDS = 0.5
SHOWN = 50


def findings(
    *,
    data: Data = DATA,
    tenant: Annotated[str, typer.Option(help="Whose findings.")] = DEFAULT_TENANT,
    after: Annotated[int, typer.Option(help="Only those behind this number.", min=0, metavar="N")] = 0,
    suppressed: Annotated[
        bool, typer.Option("--suppressed", help="Those that suppressions hide, each with its suppression.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more, until it is interrupted.")] = False,
) -> None:
    """What the live platform has found, OCSF 2004, one JSON object a line.

    A terminal is shown a table of the last ones. ``metadata.sequence`` is the number in the stream.
    """
    folder = DataFolder(data)
    folder.require()
    store = FindingStore(folder.database)
    try:
        if suppressed:
            for suppression, one in store.suppressed(tenant):
                sys.stdout.buffer.write(
                    orjson.dumps(Hidden(suppression, one.finding).to_ocsf(now=one.found_at)) + b"\n"
                )
            return
        if sys.stdout.isatty() and not follow:
            _show(list(store.after(after, tenant)))
            return
        while True:
            for one in store.after(after, tenant):
                after = one.number
                _emit(one)
            if not follow:
                return
            sys.stdout.flush()
            time.sleep(POLL_SECONDS)
    finally:
        store.close()


def _emit(one: Found) -> None:
    told = one.finding.to_ocsf(now=one.found_at)
    told["metadata"]["sequence"] = one.number
    sys.stdout.buffer.write(orjson.dumps(told) + b"\n")


def _show(found: list[Found]) -> None:
    table = Table("n", "time", "level", "rule", "entities", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for one in found[-SHOWN:]:
        names = ", ".join(entity.name for entity in one.finding.entities)
        row = (one.finding.rule.title, names)
        table.add_row(
            f"{one.number}", iso(one.finding.end), one.finding.rule.level, *(Text(visible(text)) for text in row)
        )
    stdout().print(table if found else "No findings.")
    if len(found) > SHOWN:
        stdout().print(f"… and {len(found) - SHOWN:,} before these")
