"""A whole query as SQL: the events that the condition holds of, and what the pipes make of them."""

import re
from collections.abc import Sequence

import msgspec

from watchfloor.search.condition import Compiler, Parameters
from watchfloor.search.fields import Column, JsonPath, Type, one_column
from watchfloor.search.syntax import (
    Condition,
    Count,
    Dedup,
    Fields,
    Head,
    Name,
    Pipe,
    Query,
    Sort,
    Timechart,
    Top,
    Where,
    refused,
)

COUNT = Column("count", '"n"', Type.NUMBER)
BUCKET = "time"
SERIES = 10
"""How many values of a field a timechart shows apart; the others are one."""

OTHER = "(other)"
SOURCE = "events"
"""What the events of the files at hand are called in SQL."""

Key = tuple[str, bool]
"""What rows are ordered by, and whether it falls."""

LATEST: tuple[Key, ...] = (('"time"', True), ('"metadata.uid"', True))


_PARAMETER = re.compile(r"\$(p\d+)")


class Compiled(msgspec.Struct, frozen=True):
    """The SQL of a query and its parameters, without the files, and not yet ordered and cut.

    ``columns`` are the first of the rows' columns, ``None`` for whole events. ``is_ordered``: the query says the
    order of its rows, which is otherwise the latest first. ``limit`` is how many rows it wants, as far as it says.
    ``is_by_row``: each row is a row of its own, whatever the others are. ``chart`` is the timechart that it ends
    with.
    """

    sql: str
    values: dict[str, object]
    columns: tuple[Column, ...] | None
    keys: tuple[Key, ...]
    is_ordered: bool = False
    limit: int | None = None
    is_by_row: bool = False
    chart: Timechart | None = None


def compiled(query: Query, now: int) -> Compiled:
    """Compile a query; ``now`` (ms) is what relative times count from.

    Raises:
        InputError: A name names nothing, or a value cannot be one of its field.
    """
    pipeline = _Pipeline(query.condition, now)
    for pipe in query.pipes:
        pipeline.add(pipe)
    return pipeline.compiled()


class _Pipeline:
    """The rows so far: a query, its columns, the keys of its order, and how many rows are wanted."""

    def __init__(self, condition: Condition, now: int) -> None:
        self._compiler = Compiler(Parameters(), now)
        self._sql = f"SELECT * FROM {SOURCE} WHERE {self._compiler.condition(condition)}"
        self._columns: tuple[Column, ...] | None = None
        self._keys: tuple[Key, ...] = LATEST
        self._is_ordered = False
        self._is_by_row = True
        self._limit: int | None = None
        self._chart: Timechart | None = None

    def compiled(self) -> Compiled:
        # A key of an order that a later pipe does away with leaves its parameters behind.
        used = set(_PARAMETER.findall(self._sql + ordered(self._keys)))
        values = {name: value for name, value in self._compiler.parameters.values.items() if name in used}
        return Compiled(
            self._sql, values, self._columns, self._keys, self._is_ordered, self._limit, self._is_by_row, self._chart
        )

    def add(self, pipe: Pipe) -> None:
        self._chart = None
        match pipe:
            case Where(condition):
                # What is cut before stays cut.
                self._close()
                self._sql = f"SELECT * FROM ({self._sql}) WHERE {self._compiler.condition(condition, self._columns)}"
            case Count(by):
                self._group(by, limit=None)
            case Top(number, by):
                self._group(by, limit=number, present=True)
            case Timechart():
                self._timechart(pipe)
            case Fields(names):
                self._fields(names)
            case Sort(keys):
                self._sort(keys)
            case Head(number):
                self._limit = number if self._limit is None else min(number, self._limit)
            case Dedup(names):
                self._dedup(names)

    def _close(self) -> None:
        """Cut the rows so far to those that are wanted."""
        if self._limit is not None:
            self._is_by_row = False
            self._sql = f"SELECT * FROM ({self._sql}){ordered(self._keys)} LIMIT {self._limit:d}"
            self._limit = None

    def _named(self, names: Sequence[Name]) -> list[Column]:
        """Columns for what names stand for."""
        for at, name in enumerate(names):
            if name.text in {one.text for one in names[:at]}:
                raise refused(name.at, f"{name.text} is named twice")
        return [self._output(name.text, one_column(name, self._columns)) for name in names]

    def _output(self, name: str, field: Column | JsonPath) -> Column:
        kind = field.type if isinstance(field, Column) else Type.TEXT
        return Column(name, self._compiler.value(field), kind)

    def _group(self, by: Sequence[Name], *, limit: int | None, present: bool = False) -> None:
        self._close()
        for name in by:
            if name.text == COUNT.name:
                raise refused(name.at, "a count by count has two columns of one name")
        columns = self._named(by)
        made = _made(columns)
        selected = f"{_as(columns, made)}, " if columns else ""
        held = "".join(
            f" {'AND' if at else 'WHERE'} {one.sql} IS NOT NULL" for at, one in enumerate(columns) if present
        )
        groups = " GROUP BY ALL" if made else ""
        self._sql = f"SELECT {selected}count(*) AS {COUNT.sql} FROM ({self._sql}){held}{groups}"
        self._columns = (*made, COUNT)
        self._keys = ((COUNT.sql, True), *((one.sql, False) for one in made))
        self._is_ordered, self._is_by_row, self._limit = True, False, limit

    def _timechart(self, chart: Timechart) -> None:
        self._close()
        at = chart.by.at if chart.by else 0
        time, span = one_column(Name(BUCKET, at), self._columns), self._compiler.parameters.add(chart.span)
        value = self._compiler.value(time)
        # A time at the end of what 64 bits hold has no beginning of its span.
        bucket = Column(BUCKET, f"try({value} - ({value} % {span} + {span}) % {span})", Type.TIME)
        columns = [bucket] if chart.by is None else [bucket, *self._named([chart.by])]
        if len(columns) == 2 and columns[1].name in {BUCKET, COUNT.name}:
            raise refused(at, f"a timechart by {columns[1].name} has two columns of one name")
        made = _made(columns)
        counted = f"SELECT {_as(columns, made)}, count(*) AS {COUNT.sql} FROM ({self._sql}) GROUP BY ALL"
        if chart.by is not None:
            other = self._compiler.parameters.add(OTHER)
            # Ties by value, so that the same events give the same chart.
            counted = (
                f"WITH counted AS MATERIALIZED ({counted}), often AS (SELECT c1 AS often_c1, true AS is_often "
                f"FROM counted GROUP BY c1 ORDER BY sum({COUNT.sql}) DESC, c1 LIMIT {SERIES}) "
                f"SELECT c0, CASE WHEN is_often THEN c1::VARCHAR ELSE {other} END AS c1, "
                f"sum({COUNT.sql})::BIGINT AS {COUNT.sql} "
                "FROM counted LEFT JOIN often ON c1 IS NOT DISTINCT FROM often_c1 GROUP BY ALL"
            )
            made = (made[0], Column(made[1].name, made[1].sql, Type.TEXT))
        self._sql, self._columns = counted, (*made, COUNT)
        self._keys = tuple((one.sql, False) for one in made)
        self._is_ordered, self._is_by_row, self._chart = True, False, chart

    def _fields(self, names: Sequence[Name]) -> None:
        columns = self._named(names)
        made = _made(columns)
        # Rows keep their order, also by what is no longer shown.
        keys = "".join(f', {sql} AS "k{at}"' for at, (sql, _) in enumerate(self._keys))
        self._sql = f"SELECT {_as(columns, made)}{keys} FROM ({self._sql})"
        self._keys = tuple((f'"k{at}"', falling) for at, (_, falling) in enumerate(self._keys))
        self._columns = made

    def _sort(self, keys: Sequence[tuple[Name, bool]]) -> None:
        self._close()
        columns = self._named([name for name, _ in keys])
        wanted = tuple((one.sql, falling) for one, (_, falling) in zip(columns, keys, strict=True))
        self._keys, self._is_ordered = (*wanted, *self._keys), True

    def _dedup(self, names: Sequence[Name]) -> None:
        self._close()
        self._is_by_row = False
        parts = ", ".join(one.sql for one in self._named(names))
        window = f"PARTITION BY {parts}{ordered(self._keys)}"
        self._sql = f"SELECT * FROM ({self._sql}) QUALIFY row_number() OVER ({window}) = 1"


def ordered(keys: Sequence[Key]) -> str:
    """The order of rows as SQL; those without a value come last."""
    words = (f"{sql} {'DESC' if falling else 'ASC'} NULLS LAST" for sql, falling in keys)
    return f" ORDER BY {', '.join(words)}" if keys else ""


def _made(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns under names that are safe whatever they are called."""
    return tuple(Column(one.name, f"c{at}", one.type) for at, one in enumerate(columns))


def _as(columns: Sequence[Column], made: Sequence[Column]) -> str:
    return ", ".join(f"{one.sql} AS {new.sql}" for one, new in zip(columns, made, strict=True))
