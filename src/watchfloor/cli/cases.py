"""``cases``: the explained cases of a data folder."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from watchfloor.case import DISPOSITIONS, Case, Disposition
from watchfloor.cli.options import DATA, Data
from watchfloor.cli.progress import stderr, stdout
from watchfloor.clock import iso, now_ms
from watchfloor.console.text import visible
from watchfloor.console.words import percent
from watchfloor.errors import InputError, argument
from watchfloor.learn import Label, append_label
from watchfloor.settings import DEFAULT_TENANT, DataFolder
from watchfloor.store.cases import CaseStore

app = typer.Typer(help="The explained cases.", no_args_is_help=True)

WIDE = 100
"""From how many columns on the list has room for times and counts."""
CaseUid = Annotated[str, typer.Argument(help="The case's uid, or its beginning.", metavar="CASE")]


@app.command("list")
def list_(
    data: Data = DATA, *, json: Annotated[bool, typer.Option("--json", help="One object a line.")] = False
) -> None:
    """All cases, the one to read first first."""
    with _store(data) as store:
        cases = store.all(DEFAULT_TENANT)
    if json:
        for case in cases:
            _emit(case)
        return
    console = stdout()
    console.print(_table(cases, wide=console.width >= WIDE) if cases else "No cases.")


@app.command()
def show(case: CaseUid, data: Data = DATA) -> None:
    """One case as an OCSF Incident Finding."""
    _emit(_get(data, case))


@app.command()
def label(
    case: CaseUid,
    disposition: Annotated[str, typer.Argument(help=", ".join(DISPOSITIONS))],
    *,
    by: Annotated[str, typer.Option(help="Who decided.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    data: Data = DATA,
) -> None:
    """Say what a case was. The label holds for its findings, and the next investigation learns from it."""
    if disposition not in DISPOSITIONS:
        raise InputError(f"{disposition!r} is not one of {', '.join(DISPOSITIONS)}")
    found = _get(data, case)
    at = iso(now_ms())
    value = msgspec.convert(disposition, Disposition)
    labels = [Label(value, by, at, reason, uid=found.uid)]
    labels += [Label(value, by, at, reason, uid=finding.uid, case=found.uid) for finding in found.findings]
    for one in labels:
        append_label(DataFolder(data).labels, one)
    stderr().print(f"{found.uid}: {disposition}, with its {len(found.findings)} findings")


@app.command()
def export(case: CaseUid, to: Annotated[Path, typer.Argument(help="The file to write.")], data: Data = DATA) -> None:
    """Copy a case's evidence pack."""
    found = _get(data, case)
    pack = DataFolder(data).packs / f"{found.uid}.zip"
    with argument(to):
        shutil.copyfile(pack, to)


def _table(cases: Sequence[Case], *, wide: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("case", "risk", "severity", *(("begin (UTC)", "findings") if wide else ())):
        table.add_column(name, no_wrap=True)
    table.add_column("title", overflow="fold")
    for case in cases:
        when = (iso(case.start)[:16].replace("T", " "), str(len(case.findings))) if wide else ()
        table.add_row(case.uid, percent(case.risk.value), case.level, *when, Text(visible(case.title)))
    return table


@contextmanager
def _store(data: Path) -> Iterator[CaseStore]:
    folder = DataFolder(data)
    folder.require()
    store = CaseStore(folder.database)
    try:
        yield store
    finally:
        store.close()


def _get(data: Path, case: str) -> Case:
    with _store(data) as store:
        return store.get(DEFAULT_TENANT, case)


def _emit(case: Case) -> None:
    now = now_ms()
    sys.stdout.buffer.write(orjson.dumps(case.to_ocsf(now=now)) + b"\n")
