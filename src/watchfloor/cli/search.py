"""``search``: events of the lake, by a query, or by SQL for experts."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import orjson
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from watchfloor.cli.options import DATA, Data
from watchfloor.cli.progress import stderr, stdout
from watchfloor.cli.search_chart import print_chart
from watchfloor.cli.search_plan import print_plan
from watchfloor.clock import now_ms
from watchfloor.console.text import brief, visible
from watchfloor.errors import InputError
from watchfloor.event import ocsf_of
from watchfloor.search import Limits, Searcher, parse
from watchfloor.search.engine import Found
from watchfloor.search.expert import search_sql
from watchfloor.search.fields import Column, Type
from watchfloor.search.moments import clock_time
from watchfloor.search.syntax import And, Name, Query, Test, Timechart, Value
from watchfloor.settings import DEFAULT_TENANT, DataFolder
from watchfloor.store.lake import Lake

SHOWN = ("time", "source", "entity.actor", "entity.host", "src_endpoint.ip")
"""What a table of events shows of each, beside the first of :data:`WHAT` that it has."""

WHAT = ("api.operation", "process.cmd_line", "query.hostname", "message", "metadata.event_code")
WIDEST = 60
ROWS = 100


def search(
    query: Annotated[str, typer.Argument(help="The query; docs/search.md has the language.", metavar="QUERY")],
    *,
    data: Data = DATA,
    since: Annotated[str | None, typer.Option(help="Not before: 24h (ago), 2026-03-17, 2026-03-17T08:30Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Not after, written in the same way.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, help="At most so many rows; 0: all; without it 100, and whole timecharts.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One object a line, also on a terminal.")] = False,
    sql: Annotated[
        bool, typer.Option("--sql", help="QUERY is SQL over the table events, and may only read it.")
    ] = False,
    explain: Annotated[bool, typer.Option("--explain", help="How the query is run, instead of its rows.")] = False,
    tenant: Annotated[str, typer.Option(help="Whose events.")] = DEFAULT_TENANT,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that it may take.")] = 60,
    memory: Annotated[int, typer.Option(min=64, help="MiB of memory that it may use.")] = 1024,
) -> None:
    """Events of the lake: fields, text, times, and pipes to count, rank and chart them."""
    folder = DataFolder(data)
    folder.require()
    searcher = Searcher(Lake(folder.lake), tenant, now_ms(), Limits(seconds=timeout, mib=memory))
    as_json = json or not sys.stdout.isatty()
    if sql:
        if since or until or explain:
            raise InputError("--sql: say the time in the SQL itself, and EXPLAIN is not part of it")
        columns, rows, is_cut = search_sql(searcher, query, limit=_most(limit))
        found = Found(columns, tuple(one.name for one in columns), tuple(rows), is_cut, 0)
    else:
        wanted = _between(parse(query), since, until)
        is_chart = bool(wanted.pipes) and isinstance(wanted.pipes[-1], Timechart)
        most = None if is_chart and limit is None else _most(limit)
        if explain:
            print_plan(searcher, wanted, most, stdout())
            return
        found = searcher.search(wanted, limit=most, columns=() if as_json else (*SHOWN, *WHAT))
    (_print_lines if as_json else _print_table)(found)
    if found.is_cut:
        stderr().print(f"the first {len(found.rows):,} rows; --limit 0 gives all")


def _most(limit: int | None) -> int | None:
    return ROWS if limit is None else limit or None


def _between(query: Query, since: str | None, until: str | None) -> Query:
    """The query with the times of the command line."""
    time = Name("time", 0)
    ends = [(">=", since), ("<=", until)]
    tests = [Test(time, sign, (Value(text, quoted=True, at=0),)) for sign, text in ends if text is not None]
    return Query(And((query.condition, *tests)), query.pipes) if tests else query


def _print_lines(found: Found) -> None:
    for row in found.rows:
        sys.stdout.buffer.write(orjson.dumps(_object(found, row), default=_plain) + b"\n")


def _object(found: Found, row: tuple[Any, ...]) -> Mapping[str, Any]:
    values = dict(zip(found.names, row, strict=True))
    return ocsf_of(values) if found.columns is None else values


def _plain(value: Any) -> Any:
    """What SQL may give and JSON does not have."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _print_table(found: Found) -> None:
    console = stdout()
    if not found.rows:
        console.print("Nothing found.")
    elif found.chart is not None:
        print_chart(found, console)
    elif found.columns is None:
        _print_events(found, console)
    else:
        _print_rows(found.columns, found.rows, console)


def _print_events(found: Found, console: Console) -> None:
    names = found.names
    columns = [
        *(Column(name, "", Type.TIME if name == "time" else Type.TEXT) for name in SHOWN),
        Column("what", "", Type.TEXT),
    ]
    _print_rows(columns, (_summary(dict(zip(names, row, strict=True))) for row in found.rows), console)


def _summary(event: Mapping[str, Any]) -> list[Any]:
    what = next((event[name] for name in WHAT if event[name]), None)
    return [*(event[name] for name in SHOWN), what]


def _print_rows(columns: Iterable[Column], rows: Iterable[Iterable[Any]], console: Console) -> None:
    columns = list(columns)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        right = column.type is Type.NUMBER
        table.add_column(Text(visible(column.name)), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*_cells(columns, row))
    console.print(table)


def _cells(columns: Iterable[Column], row: Iterable[Any]) -> Iterator[Text]:
    for column, value in zip(columns, row, strict=True):
        if value is None:
            yield Text("")
        elif column.type is Type.TIME:
            yield Text(clock_time(value), no_wrap=True)
        else:
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            yield Text(brief(text, WIDEST))
