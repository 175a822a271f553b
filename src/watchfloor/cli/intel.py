"""``intel``: indicators in, from files and from TAXII servers; and looking back for them in the lake."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from watchfloor.cli.options import DATA, Data
from watchfloor.cli.progress import stderr, stdout
from watchfloor.clock import iso, now_ms
from watchfloor.console.text import visible
from watchfloor.enrich.stix import MAX_BYTES, Intelligence, read_bundle, read_objects
from watchfloor.errors import InputError, argument
from watchfloor.ingest.taxii import Collection, Login
from watchfloor.run.alerts import latest
from watchfloor.run.looking_back import look_back
from watchfloor.secret import Secret
from watchfloor.settings import DEFAULT_TENANT, DataFolder
from watchfloor.store.indicators import IndicatorStore
from watchfloor.store.lake import Lake

app = typer.Typer(help="Threat intelligence: indicators.", no_args_is_help=True)

FIRST_REASONS = 5
Confidence = Annotated[
    int | None,
    typer.Option("--confidence", min=0, max=100, help="Of the feed, for indicators that do not say their own."),
]


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="STIX 2.1 bundles.", metavar="FILE...")],
    data: Data = DATA,
    *,
    feed: Annotated[str | None, typer.Option("--feed", help="Whose they are, else each file's name.")] = None,
    confidence: Confidence = None,
) -> None:
    """Take over the indicators of STIX files. What is newer replaces what is known; revoked ones no longer count."""
    read = []
    for file in files:
        with argument(file), file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        name = feed or file.stem
        read.append((name, read_bundle(content, name=file.name, feed=name, confidence=confidence)))
    folder = DataFolder(data)
    folder.prepare()
    with _store(folder) as store:
        for name, intelligence in read:
            new = store.add(DEFAULT_TENANT, name, intelligence.indicators, at=now_ms())
            _tell(name, intelligence, new)


@app.command()
def pull(
    url: Annotated[str, typer.Argument(help="A collection: https://HOST/ROOT/collections/ID/", metavar="URL")],
    data: Data = DATA,
    *,
    feed: Annotated[str, typer.Option("--feed", help="Whose indicators they are.")],
    allow: Annotated[
        list[str], typer.Option("--allow", help="Where it may go to: https://HOST[:PORT]. May be repeated.")
    ],
    token_env: Annotated[
        str | None, typer.Option("--token-env", help="The environment variable with the bearer token.", metavar="NAME")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="The file with the bearer token.", metavar="FILE")
    ] = None,
    login_env: Annotated[
        str | None, typer.Option("--login-env", help="The environment variable with user:password.", metavar="NAME")
    ] = None,
    confidence: Confidence = None,
) -> None:
    """Read a TAXII 2.1 collection from where the last pull of this feed ended."""
    if sum(one is not None for one in (token_file, token_env, login_env)) > 1:
        raise InputError("one login is enough: --token-env, --token-file or --login-env")
    token = Secret(file=token_file, env=token_env) if token_file is not None or token_env is not None else None
    password = Secret(env=login_env) if login_env is not None else None
    collection = Collection(url, allowed=tuple(allow), login=Login(token, password))
    folder = DataFolder(data)
    folder.prepare()
    with _store(folder) as store:
        # Each page counts as soon as it is here; a pull that breaks off goes on after the last whole one.
        for page in collection.pages(store.added(DEFAULT_TENANT, feed)):
            intelligence = read_objects(page.objects, feed=feed, confidence=confidence)
            new = store.add(DEFAULT_TENANT, feed, intelligence.indicators, at=now_ms(), added=page.added)
            _tell(feed, intelligence, new)


@app.command("list")
def list_(data: Data = DATA) -> None:
    """The feeds, when they were read, and how many of their indicators count."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in ("feed", "read", "valid", "expired", "revoked"):
        table.add_column(column, overflow="fold")
    with _store(_folder(data)) as store:
        feeds = store.feeds(DEFAULT_TENANT, now_ms())
    for one in feeds:
        table.add_row(Text(visible(one.name)), iso(one.at), *(f"{n:,}" for n in (one.valid, one.expired, one.revoked)))
    stdout().print(table if feeds else "No feeds.")


@app.command()
def match(
    data: Data = DATA,
    *,
    back: Annotated[
        int, typer.Option("--back", min=0, max=3650, help="How many days before it became valid an indicator counts.")
    ] = 90,
) -> None:
    """Look back: the sightings of all indicators in the events of the lake, as findings, one a line."""
    folder = _folder(data)
    with _store(folder) as store:
        known = store.valid(DEFAULT_TENANT)
    looked = look_back(Lake(folder.lake), DEFAULT_TENANT, known, back=timedelta(days=back))
    findings = latest(looked.found)
    now = now_ms()
    for finding in findings:
        sys.stdout.buffer.write(orjson.dumps(finding.to_ocsf(now=now)) + b"\n")
    counts = f"{len(known):,} indicators, {len(looked.found):,} sightings, {len(findings):,} findings"
    stderr().print(f"{counts}; {looked.read:,} of {looked.total:,} row groups read", markup=False)


def _tell(feed: str, read: Intelligence, new: int) -> None:
    console = stderr()
    refused = sum(read.refused.values())
    more = f"; {refused:,} not used" if refused else ""
    console.print(Text(visible(f"{feed}: {len(read.indicators):,} indicators, {new:,} new or changed{more}")))
    for reason, count in read.refused.most_common(FIRST_REASONS):
        console.print(Text(visible(f"  {count:,}: {reason}")))


def _folder(data: Path) -> DataFolder:
    folder = DataFolder(data)
    folder.require()
    return folder


@contextmanager
def _store(folder: DataFolder) -> Iterator[IndicatorStore]:
    store = IndicatorStore(folder.database)
    try:
        yield store
    finally:
        store.close()
