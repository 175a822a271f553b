"""``serve`` and ``token``: the live platform, and who may deliver to it."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from watchfloor.catalog import BUILT_IN, read_yaml, roots
from watchfloor.cli.filters import admit
from watchfloor.cli.options import DATA, WORKERS, Assets, Content, Data, FilterNoise, Geo, Processes, Rules
from watchfloor.cli.progress import stderr, stdout
from watchfloor.cli.quality import page_of
from watchfloor.cli.rules_loading import rule_cache, source_cache, tell_errors
from watchfloor.cli.rules_suppressing import Suppressions, standing_suppressions
from watchfloor.clock import iso, now_ms, system_clock
from watchfloor.console.text import visible
from watchfloor.errors import InputError
from watchfloor.ingest.http.tokens import Tokens
from watchfloor.rulecraft.suppression import hiding
from watchfloor.run.content import load_content
from watchfloor.run.noticing import state_of
from watchfloor.run.serve import Platform, Serving, serving_of
from watchfloor.run.serve import serve as run_platform
from watchfloor.run.watching import Loaded, Loading
from watchfloor.settings import DEFAULT_TENANT, DataFolder, Settings

CONFIG = "serve.yml"

app = typer.Typer(help="Who may deliver over the network.", no_args_is_help=True)


def serve(
    *,
    data: Data = DATA,
    config: Annotated[
        Path | None, typer.Option("--config", help=f"Addresses, inputs and limits; else DIR/{CONFIG}.", metavar="FILE")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Listen on this address.")] = None,
    port: Annotated[int | None, typer.Option(help="Listen on this port.", min=0, max=65535)] = None,
    rules: Rules = None,
    content: Content = None,
    inventory: Assets = None,
    geo: Geo = None,
    suppressions: Suppressions = None,
    filter_noise: FilterNoise = False,
    workers: Processes = WORKERS,
) -> None:
    """Live: what arrives becomes events and findings as it comes."""
    settings = Settings(data, content=tuple(content or ()), inventory=inventory, geo=tuple(geo or ()), workers=workers)
    folder = DataFolder(data)
    folder.prepare()
    serving = _settings(config, folder, host, port)
    console = stderr()

    def load() -> Loaded:
        loaded = load_content(
            rules=tuple(rules or ()),
            user=settings.content,
            inventory=inventory,
            load=rule_cache().load,
            sources=source_cache().load,
        )
        filters, refused = admit(loaded) if filter_noise else ((), ())
        standing, wrong = standing_suppressions(suppressions, settings.content, loaded)
        hides = hiding(standing, system_clock) if standing else None
        return Loaded(loaded, filters, hides, (*loaded.errors, *refused, *wrong))

    # What belongs to the code that runs is as it was when that was started.
    own = (root for root in roots(settings.content) if root != BUILT_IN)
    named = (*own, *(rules or ()), *([inventory] if inventory else ()), *(suppressions or ()), *settings.geo)
    state = state_of(named)
    with console.status("loading rules"):
        loaded = load()
    tell_errors(loaded.errors)

    def say(text: str) -> None:
        console.print(Text(visible(text)), soft_wrap=True)

    def ready(url: str, _platform: Platform) -> None:
        console.print(Text(visible(f"Serving {url} into {data}: {len(loaded.content.rules.rules):,} rules.")))
        if not Tokens(folder.tokens).all():
            console.print(Text(visible(f"Nobody may deliver yet: watchfloor token create NAME --data {data}")))

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await run_platform(
            serving,
            folder,
            loaded,
            loading=Loading(load, named, state),
            clock=system_clock,
            settings=settings,
            stop=stop,
            pages={"/quality": lambda: page_of(folder, system_clock)},
            on_ready=ready,
            say=say,
        )

    asyncio.run(run())
    console.print("Stopped; what was accepted is on disk.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for, such as the shipper's name.")],
    *,
    source: Annotated[
        str | None,
        typer.Option("--source", help="All that comes with it is of this log source; else it is recognised."),
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose events they are.")] = DEFAULT_TENANT,
    data: Data = DATA,
    content: Content = None,
) -> None:
    """Make a token; it is printed this once."""
    folder = DataFolder(data)
    folder.prepare()
    if source is not None:
        known = sorted(one.name for one in source_cache().load(roots(content or ()))[0])
        if source not in known:
            raise InputError(f"no source {source!r}; there are {', '.join(known)}")
    now = iso(now_ms())
    text = Tokens(folder.tokens).create(name, tenant=tenant, source=source, now=now)
    stdout().print(text, markup=False)


@app.command("list")
def list_(data: Data = DATA) -> None:
    """The tokens there are; their texts are nowhere."""
    table = Table("name", "tenant", "source", "created", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    folder = DataFolder(data)
    folder.require()
    for token in Tokens(folder.tokens).all():
        table.add_row(token.name, Text(visible(token.tenant)), token.source or "recognised", token.created_at)
    stdout().print(table if table.row_count else "No tokens.")


@app.command()
def revoke(name: str, data: Data = DATA) -> None:
    """Take a token back, at once."""
    folder = DataFolder(data)
    folder.require()
    Tokens(folder.tokens).revoke(name)


def _settings(config: Path | None, folder: DataFolder, host: str | None, port: int | None) -> Serving:
    """What ``serve.yml`` says, and the command line instead where it says something."""
    path = config or folder.path / CONFIG
    serving = Serving()
    if config or path.exists():
        serving = serving_of(read_yaml(path), place=str(path))
    http = serving.http
    http = msgspec.structs.replace(http, host=http.host if host is None else host)
    http = msgspec.structs.replace(http, port=http.port if port is None else port)
    return msgspec.structs.replace(serving, http=http)
