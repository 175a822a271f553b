"""``entity``: who is who, why, and what people decide about it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from watchfloor.cli.options import DATA, Data
from watchfloor.cli.progress import stderr, stdout
from watchfloor.clock import iso, now_ms
from watchfloor.console.text import visible
from watchfloor.enrich import Resolver
from watchfloor.enrich.directory import MAX_BYTES, read_directory
from watchfloor.enrich.explaining import Explained, Named, confidence, explain
from watchfloor.enrich.identity import IdentityGraph
from watchfloor.errors import InputError, argument
from watchfloor.identity import Decision, Link
from watchfloor.run.identities import identity_store, whole_identities
from watchfloor.settings import DEFAULT_TENANT, DataFolder
from watchfloor.store.identities import IdentityStore

app = typer.Typer(help="Who is who across products, and why.", no_args_is_help=True)

MAX_REFUSALS = 20
_NAME = typer.Argument(help="An entity id, or a name: a mail address, DOMAIN\\name, an id of a product.", metavar="X")
Name = Annotated[str, _NAME]
By = Annotated[str, typer.Option("--by", help="Who decides.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with a column id, or users of SCIM 2.0 as JSON.", metavar="FILE")],
    data: Data = DATA,
    *,
    directory: Annotated[
        str | None, typer.Option("--directory", help="Which directory it is, else the file's name; it is replaced.")
    ] = None,
    namespace: Annotated[
        str, typer.Option("--namespace", help="Whose ids those of SCIM are, as in okta_system_log: okta.")
    ] = "",
) -> None:
    """Take over a directory. People whom it no longer lists keep their names until now."""
    with argument(file), file.open("rb") as opened:
        content = opened.read(MAX_BYTES + 1)
    found = read_directory(content, name=file.name, namespace=namespace)
    folder = DataFolder(data)
    folder.prepare()
    with identity_store(folder) as store:
        done = store.import_directory(DEFAULT_TENANT, directory or file.stem, found.people, at=now_ms())
    console = stderr()
    for refused in found.refused:
        console.print(Text(visible(f"not read: {refused}")))
    more = f", {found.refused_count:,} entries not read" if found.refused_count else ""
    console.print(
        f"{len(found.people):,} people: {done.new:,} new, {done.changed:,} changed, {done.gone:,} gone{more}; "
        f"version {done.version}",
        markup=False,
    )


@app.command()
def show(
    name: Name,
    data: Data = DATA,
    *,
    at: Annotated[str | None, typer.Option("--at", help="Whose name it was then (ISO 8601); else now.")] = None,
    version: Annotated[int | None, typer.Option("--version", help="As of an earlier version.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One object.")] = False,
) -> None:
    """The entity that a name stands for: all its names, and the link that each comes from."""
    graph = whole_identities(_folder(data), DEFAULT_TENANT, version)
    found = explain(graph, _entity(graph, name, _moment(at)))
    if json:
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        return
    console = stdout()
    console.print(Text(visible(found.entity), style="bold"))
    console.print(_names(found))
    console.print(_links(found))
    for one in found.refused[:MAX_REFUSALS]:
        console.print(Text(visible(f"not followed: {one.link.a} and {one.link.b}: {one.reason}")))
    if len(found.refused) > MAX_REFUSALS:
        console.print(f"and {len(found.refused) - MAX_REFUSALS} more that were not followed")


@app.command()
def merge(a: Name, b: Name, *, by: By, reason: Reason, data: Data = DATA) -> None:
    """Say that two names are one entity. ``split`` takes it back."""
    _decide("merge", (a, b), by, reason, data)


@app.command()
def split(a: Name, b: Name, *, by: By, reason: Reason, data: Data = DATA) -> None:
    """Say that two names are two entities, whatever links them. ``merge`` takes it back."""
    _decide("split", (a, b), by, reason, data)


@app.command()
def history(data: Data = DATA) -> None:
    """What changed who is who, by version."""
    with _store(data) as store:
        for one in store.versions(DEFAULT_TENANT):
            stdout().print(Text(f"{one.version:>5}  {iso(one.at)}  {visible(one.what)}"))


def _decide(kind: Literal["merge", "split"], names: tuple[str, str], by: str, reason: str, data: Path) -> None:
    graph = whole_identities(_folder(data), DEFAULT_TENANT)
    one, other = (_known(graph, name) for name in names)
    if one == other:
        raise InputError(f"{one}: a name cannot be joined with itself, or parted from itself")
    with _store(data) as store:
        version = store.decide(DEFAULT_TENANT, Decision(kind, one, other, by, now_ms(), reason))
    graph = whole_identities(_folder(data), DEFAULT_TENANT)
    resolver = Resolver(graph.publish())
    joined = resolver.at(one, now_ms()) == resolver.at(other, now_ms())
    stderr().print(Text(visible(f"version {version}: {one} and {other} are {'one entity' if joined else 'two'}")))
    if joined != (kind == "merge"):
        reasons = [refusal.reason for refusal in graph.refused if {refusal.link.a, refusal.link.b} == {one, other}]
        raise InputError(f"{one} and {other}: {reasons[0] if reasons else 'other decisions say otherwise'}")


def _known(graph: IdentityGraph, name: str) -> str:
    """The entity id of a name that somebody typed: as it is, or that of an account, a host or an application."""
    forms = [name, *(f"{kind}:{text}" for kind in ("user", "host", "app") for text in (name, name.lower()))]
    for form in forms:
        if form in graph:
            return form
    if name.partition(":")[0] in {"user", "host", "app"}:
        return name
    raise InputError(f"{name}: nobody of that name; import a directory, or investigate logs into this folder first")


def _entity(graph: IdentityGraph, name: str, time: int) -> str:
    return Resolver(graph.publish()).at(_known(graph, name), time)


def _names(found: Explained) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("name", "confidence", "owned"):
        table.add_column(column, overflow="fold")
    for one in found.names:
        table.add_row(Text(visible(one.alias)), one.confidence, _owned(one))
    return table


def _owned(one: Named) -> str:
    since = f"from {iso(one.since)}" if one.since is not None else ""
    until = f"until {iso(one.until)}" if one.until is not None else ""
    return f"{since} {until}".strip()


def _links(found: Explained) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("link", "and", "confidence", "evidence"):
        table.add_column(column, overflow="fold")
    for link in found.links:
        texts = [Text(visible(one)) for one in (link.a, link.b)]
        table.add_row(*texts, confidence(link), Text(visible(_evidence(link))))
    return table


def _evidence(link: Link) -> str:
    if link.basis != "event":
        return f"{link.basis}, {link.words}"
    return f"event {link.event_uid}, seen {iso(link.first)} to {iso(link.last)}"


def _moment(text: str | None) -> int:
    if text is None:
        return now_ms()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--at {text}: no time as in 2026-03-17T08:00:00Z") from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _folder(data: Path) -> DataFolder:
    folder = DataFolder(data)
    folder.require()
    return folder


@contextmanager
def _store(data: Path) -> Iterator[IdentityStore]:
    with identity_store(_folder(data)) as store:
        yield store
