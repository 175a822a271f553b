"""SQL for experts: one query that reads the table ``events`` and nothing else.

The connection it runs on reads the tenant's files of the lake only (:mod:`watchfloor.search.engine`); what is
refused here is refused with words that say why, and so are functions that would read one of those files by its name.
"""

from collections.abc import Iterator
from typing import Any

import duckdb
import orjson

from watchfloor.errors import InputError
from watchfloor.search.engine import Searcher
from watchfloor.search.fields import Column, Type
from watchfloor.search.pipeline import SOURCE
from watchfloor.search.reading import show_events
from watchfloor.search.seeking import Part

TABLE_FUNCTIONS = {"unnest", "range", "generate_series"}
LONGEST = 65_536


def search_sql(
    searcher: Searcher, sql: str, *, limit: int | None
) -> tuple[tuple[Column, ...], list[tuple[Any, ...]], bool]:
    """The columns and rows of a query in SQL, and whether there are more rows than ``limit``.

    Raises:
        InputError: It is not one query of ``events``, or cannot be bound.
        GateError: It took longer, or needed more memory, than it may.
        StoreError: The lake cannot be read.
    """
    if len(sql) > LONGEST or any(char == "\0" or "\ud800" <= char <= "\udfff" for char in sql):
        raise InputError(f"--sql: longer than {LONGEST:,} characters, or with some that are no text")
    with searcher.snapshot() as snapshot, searcher.connection(snapshot, snapshot.files) as connection:
        check(connection, sql)
        show_events(connection, snapshot.folder, list(map(Part, snapshot.files)))
        try:
            done = connection.execute(sql)
        except (
            duckdb.BinderException,
            duckdb.CatalogException,
            duckdb.ParserException,
            duckdb.ConversionException,
            duckdb.InvalidInputException,
            duckdb.OutOfRangeException,
        ) as error:
            raise InputError(f"--sql: {' '.join(str(error).split())}") from error
        columns = tuple(Column(one[0], "", Type.TEXT) for one in done.description)
        rows = done.fetchall() if limit is None else done.fetchmany(limit + 1)
    return columns, rows[:limit], limit is not None and len(rows) > limit


def check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Refuse all but one query of ``events``.

    Raises:
        InputError: It is something else.
    """
    ((text,),) = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    told = orjson.loads(text)
    if told.get("error", True):
        raise InputError(f"--sql: {told.get('error_message', 'cannot be read')}")
    if len(told["statements"]) != 1:
        raise InputError(f"--sql: one query, not {len(told['statements'])}")
    nodes = list(_nodes(told))
    known = {SOURCE} | {str(one["key"]).lower() for one in nodes if {"key", "value"} <= one.keys() and "key" in one}
    for node in nodes:
        _check_node(node, known)


def _check_node(node: dict[str, Any], known: set[str]) -> None:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        name = str(node.get("table_name", ""))
        if node.get("catalog_name") or node.get("schema_name") or name.lower() not in known:
            raise InputError(f"--sql: the only table is {SOURCE}, not {name!r}")
    elif kind == "TABLE_FUNCTION":
        name = str((node.get("function") or {}).get("function_name", ""))
        if name.lower() not in TABLE_FUNCTIONS:
            raise InputError(f"--sql: a table comes from {SOURCE}, {', '.join(sorted(TABLE_FUNCTIONS))}, not {name}")
    elif kind == "SHOW_REF":
        raise InputError(f"--sql: a SELECT of {SOURCE}; its columns are those of docs/search.md")


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Each object in a JSON value."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
