"""``lake``: what the lake holds, its compaction, and what it no longer has to hold."""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchfloor.cli.options import DATA, Data
from watchfloor.cli.progress import stderr, stdout
from watchfloor.clock import iso, now_ms
from watchfloor.console.text import visible
from watchfloor.errors import InputError
from watchfloor.evidence import open_chain
from watchfloor.evidence.chain import Entry
from watchfloor.settings import DEFAULT_TENANT, DataFolder
from watchfloor.store.compaction import compact_all
from watchfloor.store.deletion import Deletion, count_held, delete, deletions, due
from watchfloor.store.lake import Lake
from watchfloor.store.lakefile import LakeFile
from watchfloor.store.manifest import Manifest
from watchfloor.store.retention import FILE, Rules, read_rules

app = typer.Typer(help="The lake of events: what it holds, compaction, retention, legal holds.", no_args_is_help=True)

Policy = Annotated[Path | None, typer.Option("--policy", help=f"Retention and holds; else {FILE} of the data folder.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


class Held(msgspec.Struct):
    """What a tenant has."""

    files: int = 0
    events: int = 0
    bytes: int = 0

    def add(self, file: LakeFile) -> None:
        """Add a file of it."""
        self.files += 1
        self.events += file.rows
        self.bytes += file.size


class Status(msgspec.Struct):
    """What the lake holds, how far its streams have got, files that wait for their readers, how many deletions."""

    tenants: dict[str, Held]
    streams: dict[str, int]
    waiting: int
    deletions: int


@app.command()
def compact(data: Data = DATA) -> None:
    """Make few large files of many small ones; others may read and write meanwhile."""
    done = compact_all(_lake(data), now=now_ms())
    words = f", {done.doubles:,} that came twice are gone" if done.doubles else ""
    stdout().print(f"{done.before:,} files became {done.after:,}: {done.rows:,} events{words}")


@app.command()
def retain(
    data: Data = DATA,
    *,
    policy: Policy = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: Json = False,
) -> None:
    """Delete what retention lets go and no hold holds; prove it, and record it in the chain of evidence."""
    lake, rules, now = _lake(data), _rules(data, policy), now_ms()
    if dry_run:
        with lake.snapshot() as snapshot:
            counted, files = due(snapshot, rules, now)
        stdout().print(f"{counted.rows:,} events in {len(files):,} files would go; {counted.held:,} more are held")
        return
    record = delete(lake, rules, now=now)
    if record is None:
        stdout().print("nothing to delete")
        return
    with open_chain(DataFolder(data).records) as chain:
        entry = Entry(DEFAULT_TENANT, "deletion", iso(record.at), msgspec.to_builtins(record))
        chain.append(entry, at=now)
    if json:
        sys.stdout.buffer.write(msgspec.json.encode(record) + b"\n")
    else:
        _print_deletion(record, stdout())
    waiting = Manifest(lake.folder).gone()
    if waiting:
        stderr().print(f"{len(waiting):,} old files go when those who read them are done: run lake compact then")


@app.command()
def holds(data: Data = DATA, *, policy: Policy = None) -> None:
    """The legal holds, by whom and why, and how many events each holds."""
    rules = _rules(data, policy)
    table = Table("hold", "events", "owner", "reason", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for hold in rules.holds:
        with _lake(data).snapshot() as snapshot:
            counted = count_held(snapshot, hold)
        table.add_row(*(Text(visible(one)) for one in (hold.name, f"{counted:,}", hold.owner, hold.reason)))
    stdout().print(table if rules.holds else "No holds.")


@app.command()
def status(
    data: Data = DATA,
    *,
    json: Json = False,
    files: Annotated[bool, typer.Option("--files", help="The files that the lake is made of, one a line.")] = False,
    deleted: Annotated[bool, typer.Option("--deletions", help="The records of deletions, one object a line.")] = False,
) -> None:
    """What the lake holds, by tenant and folder, and how far each stream has got into it."""
    lake = _lake(data)
    if files:
        for path in lake.files():
            sys.stdout.write(f"{path}\n")
        return
    if deleted:
        for record in deletions(lake):
            sys.stdout.buffer.write(msgspec.json.encode(record) + b"\n")
        return
    told = _status(lake)
    if json:
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    else:
        _print_status(told, stdout())


def _status(lake: Lake) -> Status:
    manifest = Manifest(lake.folder)
    tenants: defaultdict[str, Held] = defaultdict(Held)
    with lake.snapshot() as snapshot:
        for one in snapshot.files:
            tenants[one.tenant].add(one)
    return Status(tenants, manifest.streams(), len(manifest.gone()), len(manifest.deletions()))


def _print_status(told: Status, console: Console) -> None:
    table = Table("tenant", "files", "events", "MB", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, one in sorted(told.tenants.items()):
        table.add_row(Text(visible(name)), f"{one.files:,}", f"{one.events:,}", f"{one.bytes / 1e6:,.1f}")
    console.print(table if told.tenants else "No events.")
    for stream, upto in told.streams.items():
        console.print(Text(f"stream {visible(stream)}: up to segment {upto:,}"))
    if told.waiting:
        console.print(f"{told.waiting:,} files have left the lake and wait for their readers")


def _print_deletion(record: Deletion, console: Console) -> None:
    for one in record.reasons:
        words = f"{one.rows:,} events by {one.name} ({one.owner}): {one.reason}"
        console.print(Text(visible(words)), soft_wrap=True)
    console.print(
        f"{len(record.files):,} files written anew or removed, {record.held:,} events held; none is left that should go"
    )


def _lake(data: Path) -> Lake:
    folder = DataFolder(data)
    folder.require()
    return Lake(folder.lake)


def _rules(data: Path, policy: Path | None) -> Rules:
    path = policy or DataFolder(data).path / FILE
    if not path.exists():
        raise InputError(f"{path}: there is no such file; docs/lake.md shows how to write one")
    return read_rules(path)
