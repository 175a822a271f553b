"""``source``: which log sources there are, and those whose vendors' APIs can be asked for records."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchfloor.catalog import read_yaml
from watchfloor.cli.options import DATA, Content, Data
from watchfloor.cli.progress import Working, stderr, stdout, working
from watchfloor.clock import system_clock
from watchfloor.console.text import visible
from watchfloor.errors import ContentError, GateError, InputError
from watchfloor.ingest.inputs.poll.backfill import Order
from watchfloor.ingest.inputs.poll.definition import FILE, load, seconds
from watchfloor.ingest.inputs.poll.permissions import Checked, check
from watchfloor.ingest.inputs.poll.poll import Poll, poller, pollers
from watchfloor.run.backfill import backfill as run_backfill
from watchfloor.run.serve import inputs_of, serving_of
from watchfloor.settings import DataFolder

app = typer.Typer(help="Log sources, and what their vendors' APIs give.", no_args_is_help=True)

_SECRET = re.compile(r"(env|file):(.+)")

Name = Annotated[str, typer.Argument(help="The source; see `source list`.")]
Config = Annotated[Path | None, typer.Option("--config", help="The inputs; else DIR/serve.yml.", metavar="FILE")]
Given = Annotated[
    list[str] | None,
    typer.Option(
        "--setting",
        help="Instead of a configuration: NAME=TEXT, NAME=A,B (a list), NAME=env:NAME or NAME=file:PATH (a secret).",
        metavar="NAME=...",
    ),
]


@app.command("list")
def list_(content: Content = None) -> None:
    """Every log source, and whether it can be polled."""
    table = Table("source", "of", "polls", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for folder, polls in pollers(tuple(content or ())):
        table.add_row(folder.name, _title(folder.path / "source.yml"), _title(folder.path / FILE) if polls else "")
    stdout().print(table)


@app.command("test")
def permissions(
    name: Name,
    *,
    data: Data = DATA,
    config: Config = None,
    setting: Given = None,
    content: Content = None,
) -> None:
    """Ask the vendor for each permission whether the credentials have it; exit 1 if one is missing."""
    lacking = 0
    for poll in _polls(name, data, config, setting, content):
        table = Table("permission", "state", "what to do", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        found = asyncio.run(_checked(poll))
        for one in found:
            told = "" if one.state == "ok" else f"{one.grant} ({one.reason})"
            table.add_row(_text(one.name), one.state, _text(told))
        lacking += sum(one.state != "ok" for one in found)
        stdout().print(_text(poll.path))
        stdout().print(table)
    if lacking:
        raise GateError(f"{name}: {lacking} of its permissions missing, or not to be checked")


async def _checked(poll: Poll) -> list[Checked]:
    async with poll.api(system_clock) as api:
        return [one async for one in check(poll.definition(), poll.values(), api, system_clock)]


@app.command()
def backfill(
    name: Name,
    *,
    since: Annotated[str, typer.Option(help="2026-11-01, 2026-11-01T12:00:00Z, or 7d ago.")],
    until: Annotated[str, typer.Option(help="The same; now, without it.")] = "0s",
    data: Data = DATA,
    config: Config = None,
    content: Content = None,
) -> None:
    """Read what the vendor still has of a time that is past, beside live traffic; asked again, it goes on."""
    folder = DataFolder(data)
    folder.prepare()
    now = system_clock()
    order = Order(_moment(since, now, "--since"), _moment(until, now, "--until"))
    if order.since >= order.until:
        raise InputError("--since is not before --until")
    console = stderr()
    for poll in _polls(name, data, config, None, content):
        _fill(poll, order, folder, console)


def _fill(poll: Poll, order: Order, folder: DataFolder, console: Console) -> None:
    since, until = (f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}" for time in (order.since, order.until))
    console.print(
        _text(f"{poll.path}: from {since} to {until}; stopped, it goes on with --since {since} --until {until}")
    )
    with working(console) as bar:
        here = asyncio.run(run_backfill(poll, order, folder, clock=system_clock, on_progress=_Telling(bar, console)))
    console.print("Done." if here else "Done, by the live platform.")
    if here:
        console.print("What has landed becomes events when `watchfloor serve` runs.")


class _Telling:
    """Shows how far a backfill is; what hinders it is a line of its own, once."""

    def __init__(self, bar: Working, console: Console) -> None:
        self._bar = bar
        self._console = console
        self._told = ""

    def __call__(self, done: float, hindrance: str) -> None:
        self._bar.on_stage("reading", int(done * 1000), 1000)
        if hindrance and hindrance != self._told:
            self._console.print(_text(hindrance))
        self._told = hindrance


def _polls(name: str, data: Path, config: Path | None, given: list[str] | None, content: Content) -> list[Poll]:
    """The inputs that poll a source, as configured, or as given on the command line."""
    own = tuple(content or ())
    folder = poller(name, own)
    if given:
        settings = dict(_setting(one, folder.path) for one in given)
        return [Poll(source=name, settings=settings, content=own)]
    path = config or data / "serve.yml"
    if not path.exists():
        asks = ", ".join(load(folder.path).settings)
        raise InputError(f"{path}: no configuration; name one with --config, or give --setting NAME=... ({asks})")
    place = str(path)
    found = [one for one in inputs_of(serving_of(read_yaml(path), place=place), place=place) if isinstance(one, Poll)]
    named = [one for one in found if one.source == name]
    if not named:
        raise InputError(f"{path}: no input {{kind: poll, source: {name}, ...}}")
    return named


def _setting(text: str, folder: Path) -> tuple[str, Any]:
    name, is_there, value = text.partition("=")
    if not is_there:
        # It may be a secret that was given by mistake.
        raise InputError("--setting: write NAME=TEXT")
    known = load(folder).settings.get(name)
    if known and known.secret:
        found = _SECRET.fullmatch(value)
        if not found:
            raise InputError(f"--setting {name}: a secret is env:NAME or file:PATH, never itself")
        return name, {found[1]: found[2]}
    return name, value.split(",") if known and known.many else value


def _moment(text: str, now: datetime, option: str) -> int:
    """A time in seconds since 1970: a date or time in ISO 8601, UTC unless it says otherwise, or so long ago."""
    try:
        moment = now - timedelta(seconds=seconds(text))
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise InputError(f"{option}: {text!r} is no time: write 2026-11-01, 2026-11-01T12:00:00Z or 7d") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _title(path: Path) -> Text:
    try:
        return _text(str(read_yaml(path).get("title", "")))
    except ContentError as error:
        return _text(str(error))


def _text(text: str) -> Text:
    return Text(visible(text))
