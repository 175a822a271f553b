"""``cases``: the explained cases of a data folder."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import orjson
import typer
from rich.table import Column, Table
from rich.text import Text

from watchfloor.case import DISPOSITIONS, Case, Disposition
from watchfloor.cli.options import DATA, Data
from watchfloor.cli.progress import stderr
from watchfloor.clock import iso, system_clock
from watchfloor.console.text import visible
from watchfloor.errors import InputError
from watchfloor.learn import Label, append_label
from watchfloor.settings import DEFAULT_TENANT, DataFolder
from watchfloor.store.cases import CaseStore

app = typer.Typer(help="The explained cases.", no_args_is_help=True)

CaseUid = Annotated[str, typer.Argument(help="The case's uid, or its beginning.", metavar="CASE")]


@app.command("list")
def list_(
    data: Data = DATA, *, json: Annotated[bool, typer.Option("--json", help="One object a line.")] = False
) -> None:
    """All cases by falling risk."""
    with _store(data) as store:
        cases = store.all(DEFAULT_TENANT)
    if json:
        for case in cases:
            _emit(case)
        return
    table = Table(Column("case", no_wrap=True), "risk", "severity", "title", "begin (UTC)", "findings")
    for case in cases:
        title = Text(visible(case.title))
        table.add_row(
            case.uid, f"{case.risk.value:.2f}", case.level, title, iso(case.start)[:16], str(len(case.findings))
        )
    stderr().print(table)


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
    at = iso(int(system_clock().timestamp() * 1000))
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
    try:
        shutil.copyfile(pack, to)
    except OSError as error:
        raise InputError(f"{error.filename or to}: {error.strerror or error}") from error


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
    now = int(system_clock().timestamp() * 1000)
    sys.stdout.buffer.write(orjson.dumps(case.to_ocsf(now=now)) + b"\n")
