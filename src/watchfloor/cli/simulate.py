"""``simulate``: days of a company's logs, with the truth apart."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from watchfloor.cli.progress import stderr, working
from watchfloor.simulate import write_day

DEFAULT_DAY = datetime(2026, 3, 17)  # noqa: DTZ001 - a calendar day


def simulate(
    *,
    seed: Annotated[int, typer.Option(help="The same seed writes the same bytes.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write.", metavar="DIR")],
    days: Annotated[int, typer.Option(help="How many days, the last with the attacks.", min=1, max=366)] = 1,
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day.")] = DEFAULT_DAY,
) -> None:
    """Vendor-native logs of a simulated company, and truth.ndjson."""
    console = stderr()
    with working(console) as progress:
        summary = write_day(
            out,
            seed=seed,
            day=date(day.year, day.month, day.day),
            days=days,
            on_progress=lambda done, total: progress.on_stage("simulating", done, total),
        )
    console.print(f"{summary.total:,} records in {summary.logs}; the truth is in {summary.truth}", markup=False)
