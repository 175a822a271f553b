"""What a mapping makes of records: columns of events, in parts of which each row has the same attributes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from watchfloor.normalize.rows import Column, part_of

Values = dict[str, list[Any]]
"""Values of rows by column of :data:`watchfloor.event.EVENT_SCHEMA`; a column that is not there is null."""


class Made(NamedTuple):
    """Events of some of the records that were mapped, by their places among these.

    ``fits`` if they met the requirements of their class.
    """

    places: list[int]
    columns: Values
    fits: bool

    def alone(self) -> "Made":
        """The events, of their records and no others."""
        return self._replace(places=list(range(len(self.places))))

    def part(self, rows: Sequence[int]) -> "Made":
        """Some of the events, of as many records and no others."""
        columns = {name: part_of(values, rows) for name, values in self.columns.items()}
        return Made([*rows], columns, self.fits).alone()


def alike(columns: Sequence[tuple[str, Column]], rows: int) -> Iterator[tuple[list[int], dict[str, Column]]]:
    """The rows that have values in the same columns, with these, each of them full.

    A name may stand there several times; in a row, only one of these columns has a value.

    >>> [(at, list(has)) for at, has in alike([("a", Column([1, None])), ("b", Column([2, 3]))], 2)]
    [([0], ['a', 'b']), ([1], ['b'])]
    """
    partial = [column.values for _, column in columns if not column.is_full]
    if not partial:
        yield list(range(rows)), dict(columns)
        return
    groups: defaultdict[tuple[bool, ...], list[int]] = defaultdict(list)
    for at, values in enumerate(zip(*partial, strict=True)):
        groups[tuple([value is None for value in values])].append(at)
    for missing, places in groups.items():
        lacks = iter(missing)
        has = [(name, column) for name, column in columns if column.is_full or not next(lacks)]
        if len(places) == rows:
            yield places, dict(has)
        else:
            yield places, {name: column.part(places) for name, column in has}


def json_texts(objects: Sequence[dict[str, Any]]) -> list[bytes | None]:
    """Each object as JSON in UTF-8; ``None`` for one that is empty."""
    try:
        return [orjson.dumps(one) if one else None for one in objects]
    except TypeError:  # a name that is no text, or what no option makes JSON of
        return [orjson.dumps(one, option=orjson.OPT_NON_STR_KEYS) if one else None for one in objects]
