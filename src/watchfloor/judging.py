"""What selections and judges of :mod:`watchfloor.session` are written with: tests of columns, bursts, and words."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.session import Row, Select

SUCCESS, FAILURE = 1, 2
"""``status_id`` in OCSF."""


def one_of(column: str, values: Iterable[str | int]) -> Select:
    """The rows whose ``column`` has one of ``values``.

    >>> batch = pa.RecordBatch.from_pydict({"status_id": [1, 2, None]})
    >>> one_of("status_id", [2])(batch).to_pylist()
    [False, True, False]
    """
    wanted = list(values)

    def select(batch: pa.RecordBatch) -> pa.BooleanArray:
        array = batch.column(column)
        return pc.is_in(array, value_set=pa.array(wanted, array.type))

    return select


def matching(column: str, pattern: str) -> Select:
    """The rows in whose text ``column`` a regular expression of RE2 is found.

    >>> batch = pa.RecordBatch.from_pydict({"actor.user.name": ["i-0abc", "Li", None]})
    >>> matching("actor.user.name", "^i-")(batch).to_pylist()
    [True, False, False]
    """
    return lambda batch: pc.fill_null(pc.match_substring_regex(batch.column(column), pattern), fill_value=False)


def known(column: str) -> Select:
    """The rows that have a value in ``column``.

    >>> known("a")(pa.RecordBatch.from_pydict({"a": [1, None]})).to_pylist()
    [True, False]
    """
    return lambda batch: pc.is_valid(batch.column(column))


def on_internet(column: str) -> Select:
    """The rows whose address in ``column`` is none of a private, local or multicast network.

    >>> batch = pa.RecordBatch.from_pydict({"ip": ["203.0.113.5", "10.0.0.5", "2001:db8::5", "fe80::1", None]})
    >>> on_internet("ip")(batch).to_pylist()
    [True, False, True, False, False]
    """
    return but_not(known(column), matching(column, _OWN_NETWORKS))


_OWN_NETWORKS = (
    r"^(0\.|10\.|127\.|169\.254\.|172\.(1[6-9]|2[0-9]|3[01])\.|192\.168\.|22[4-9]\.|2[3-5][0-9]\."
    r"|f[c-f][0-9a-f]{2}:|::)"
)


def both(*selections: Select) -> Select:
    """The rows that all of ``selections`` take.

    >>> batch = pa.RecordBatch.from_pydict({"a": [1, 1], "b": ["x", "y"]})
    >>> both(one_of("a", [1]), one_of("b", ["x"]))(batch).to_pylist()
    [True, False]
    """
    return lambda batch: reduce(pc.and_, (select(batch) for select in selections))


def either(*selections: Select) -> Select:
    """The rows that one of ``selections`` takes.

    >>> batch = pa.RecordBatch.from_pydict({"a": [1, 2], "b": ["x", "y"]})
    >>> either(one_of("a", [2]), one_of("b", ["y"]))(batch).to_pylist()
    [False, True]
    """
    return lambda batch: reduce(pc.or_, (select(batch) for select in selections))


def but_not(selection: Select, exception: Select) -> Select:
    """The rows of ``selection`` without those of ``exception``.

    >>> batch = pa.RecordBatch.from_pydict({"a": [1, 1], "b": ["x", "y"]})
    >>> but_not(one_of("a", [1]), one_of("b", ["x"]))(batch).to_pylist()
    [False, True]
    """
    return lambda batch: pc.and_(selection(batch), pc.invert(exception(batch)))


def bursts(
    rows: Sequence[Row], *, least: int, span: timedelta, of: Callable[[Row], Hashable] | None = None
) -> Iterator[Sequence[Row]]:
    """The stretches of ``rows``, in event-time order, in which much happens in little time, in their order.

    A stretch begins with the first row of a window no longer than ``span`` that holds ``least`` rows, or ``least``
    different values of ``of`` where that is given (``None`` is not a value), and lasts while windows that hold as much
    overlap. A row that comes later lengthens the last stretch or begins another; it never moves a beginning.

    >>> minutes = [0, 50, 51, 52, 53, 200]
    >>> rows = [{"time": 60_000 * minute} for minute in minutes]
    >>> [[row["time"] // 60_000 for row in burst] for burst in bursts(rows, least=3, span=timedelta(minutes=5))]
    [[50, 51, 52, 53]]
    """
    width = int(span.total_seconds() * 1000)
    inside: Counter[Hashable] = Counter()
    low, begin, end = 0, 0, -1
    for high, row in enumerate(rows):
        _count(inside, row, high, of, 1)
        while row["time"] - rows[low]["time"] > width:
            _count(inside, rows[low], low, of, -1)
            low += 1
        if len(inside) >= least:
            if low > end:
                if end >= 0:
                    yield rows[begin : end + 1]
                begin = low
            end = high
    if end >= 0:
        yield rows[begin : end + 1]


def _count(
    inside: Counter[Hashable], row: Row, position: int, of: Callable[[Row], Hashable] | None, change: int
) -> None:
    value = position if of is None else of(row)
    if value is None:
        return
    inside[value] += change
    if not inside[value]:
        del inside[value]


def newcomers(
    rows: Sequence[Row], of: Callable[[Row], Hashable], *, within: timedelta, settled: timedelta
) -> list[bool]:
    """For each of ``rows``, in event-time order, whether its value of ``of`` is new to the key.

    A value is new until it has been in use for longer than ``within``, and only if another one had been in use for
    ``settled`` before it came; ``None`` is never new.

    >>> rows = [{"time": 3_600_000 * hour, "at": at} for hour, at in [(0, "office"), (5, "abroad"), (9, "abroad")]]
    >>> newcomers(rows, lambda row: row["at"], within=timedelta(hours=3), settled=timedelta(hours=1))
    [False, True, False]
    """
    first: dict[Hashable, int] = {}
    for row in rows:
        first.setdefault(of(row), row["time"])
    earliest = min((time for value, time in first.items() if value is not None), default=0)
    new, habit = (int(one.total_seconds() * 1000) for one in (within, settled))
    return [
        value is not None and row["time"] - first[value] <= new and first[value] - earliest >= habit
        for row, value in ((row, of(row)) for row in rows)
    ]


def distinct(rows: Iterable[Row], column: str) -> list[str]:
    """The different values of ``column``, in the order in which they come; nulls are not values.

    >>> distinct([{"a": "x"}, {"a": None}, {"a": "y"}, {"a": "x"}], "a")
    ['x', 'y']
    """
    return list(dict.fromkeys(row[column] for row in rows if row[column] is not None))


def of_bystander(row: Row) -> Row:
    """The row without the people it names: it proves something, but a finding that cites it is not about them."""
    return {**row, "entity.actor": None, "entity.user": None}


LONGEST_TEXT = 160


def shown(text: str) -> str:
    r"""A value in a sentence: a long one is cut, and what cannot be printed (line breaks, bidi marks) is replaced.

    >>> len(shown("x" * 10_000)), shown("ali\u202ece")
    (160, 'ali�ce')
    """
    return printable(text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…")


def printable(text: str) -> str:
    r"""The text with a mark in the place of each character that does not print.

    >>> printable("reg.exe\n")
    'reg.exe�'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def name_of(entity_id: str | None) -> str:
    """An entity's name in a sentence.

    >>> name_of("user:alice@example.com"), name_of("resource:s3:exports"), name_of(None)
    ('alice@example.com', 'exports', 'somebody')
    """
    kind, _, name = entity_id.partition(":") if entity_id else ("", "", "somebody")
    return shown(name.partition(":")[2] if kind == "resource" else name)


def listed(names: Sequence[str], limit: int = 3) -> str:
    """Names in a sentence; those beyond ``limit`` are counted.

    >>> listed(["a"]), listed(["a", "b", "c"]), listed(["a", "b", "c", "d", "e"])
    ('a', 'a, b and c', 'a, b, c and 2 more')
    """
    told = [shown(name) for name in names[:limit]]
    if len(names) > limit:
        return f"{', '.join(told)} and {len(names) - limit} more"
    *first, last = told or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last


def lasting(milliseconds: float) -> str:
    """A length of time in a sentence, rounded up.

    >>> lasting(42_000), lasting(9 * 60_000), lasting(200 * 60_000)
    ('42 seconds', '9 minutes', '3.3 hours')
    >>> lasting(120 * 60_000)
    '2 hours'
    """
    seconds = max(1, -int(-milliseconds // 1000))
    if seconds < 120:
        return f"{seconds} second{'s' if seconds > 1 else ''}"
    minutes = -(-seconds // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes / 60:.1f}".removesuffix(".0") + " hours"


def at(milliseconds: int) -> str:
    """The time of day of an event, in UTC.

    >>> at(1_773_756_450_250)
    '14:07:30 UTC'
    """
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%H:%M:%S UTC")


def length(rows: Sequence[Row]) -> str:
    """How long ``rows`` take from the first to the last, in words."""
    return lasting(rows[-1]["time"] - rows[0]["time"])
