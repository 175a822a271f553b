"""Which rules the rows of a batch wake up: all others are false of them."""

from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.link import Program
from watchfloor.detect.sigma.routing import Route, Routed
from watchfloor.detect.sigma.scan import Scanner
from watchfloor.detect.sigma.view import as_text, is_list

Awake = dict[int, set[int]]
"""By rule, the rows that it may be true of."""


def wake_rules(batch: pa.RecordBatch, routed: Routed, program: Program) -> Awake:
    """The rules that a batch wakes, each with the rows that do.

    Only values that a rule of their row's route wants are searched, and equal ones of a column together.
    """
    waking = _Waking(batch, routed)
    for number in range(len(routed.routes)):
        waking.take_every_row(number)
    for (column, products), numbers in _searches(routed.routes).items():
        waking.search(column, numbers, program.scanner(column, products))
    return waking.awake


def _searches(routes: Sequence[Route]) -> dict[tuple[str, frozenset[str]], list[int]]:
    """The columns that are searched, each for the rules of some products, and the routes for which it is."""
    found: dict[tuple[str, frozenset[str]], list[int]] = defaultdict(list)
    for number, route in enumerate(routes):
        for column in route.sought:
            found[column, route.products].append(number)
    return found


class _Waking:
    def __init__(self, batch: pa.RecordBatch, routed: Routed) -> None:
        self.awake: Awake = defaultdict(set)
        self._batch = batch
        self._routes, self._numbers = routed
        self._rows: dict[tuple[int, ...], pa.Array] = {}

    def take_every_row(self, number: int) -> None:
        """Wake the rules that look at all rows of a route, or at those with any value in a column."""
        route = self._routes[number]
        if not route.sleepless and not route.columns:
            return
        rows = self._rows_of((number,))
        self._wake(rows, route.sleepless)
        for column, rules in route.columns.items():
            array = self._column(column)
            if array is not None:
                self._wake(rows.filter(array.take(rows).is_valid()), rules)

    def _wake(self, rows: pa.Array, rules: Sequence[int]) -> None:
        if rules and len(rows):
            some = rows.to_pylist()
            for rule in rules:
                self.awake[rule].update(some)

    def search(self, column: str, routes: Sequence[int], scanner: Scanner) -> None:
        """Wake the rules for which something is in a column, on the records of these routes."""
        array = self._column(column)
        if array is None:
            return
        rows, found = _found(array, self._rows_of(tuple(routes)), scanner)
        if not found:
            return
        numbers = self._numbers.take(rows).to_pylist()
        for row, route, what in zip(rows.to_pylist(), numbers, found, strict=True):
            for rule in self._routes[route].woken(column, what):
                self.awake[rule].add(row)

    def _column(self, name: str) -> pa.Array | None:
        """A column, unless it is null in all rows."""
        index = self._batch.schema.get_field_index(name)
        if index < 0:
            return None
        array = self._batch.column(index)
        return None if array.null_count == len(array) else array

    def _rows_of(self, routes: tuple[int, ...]) -> pa.Array:
        """The rows of those routes."""
        if routes not in self._rows:
            wanted = pc.is_in(self._numbers, value_set=pa.array(routes, self._numbers.type))
            self._rows[routes] = pc.indices_nonzero(wanted)
        return self._rows[routes]


def _found(column: pa.Array, rows: pa.Array, scanner: Scanner) -> tuple[pa.Array, Sequence[frozenset[int]]]:
    """Those of the rows of a column that have something in them, and what."""
    # To take all rows is to copy a column.
    array = column if len(rows) == len(column) else column.take(rows)
    if is_list(array.type):
        rows = rows.take(pc.list_parent_indices(array))
        array = array.flatten()
    if array.null_count:
        rows, array = rows.filter(array.is_valid()), array.drop_null()
    encoded = as_text(array).dictionary_encode()
    hits: dict[int, set[int]] = defaultdict(set)
    for place, number in zip(*scanner.scan(encoded.dictionary), strict=True):
        hits[place].add(number)
    if not hits:
        return rows, ()
    found = {place: frozenset(numbers) for place, numbers in hits.items()}
    codes = encoded.indices
    hit = pc.indices_nonzero(pc.is_in(codes, value_set=pa.array(list(found), codes.type)))
    return rows.take(hit), [found[code] for code in codes.take(hit).to_pylist()]
