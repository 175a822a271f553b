"""Which rules the rows of a batch wake up: all others are false of them."""

from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.link import Program
from watchfloor.detect.sigma.routing import Routed
from watchfloor.detect.sigma.scan import Scanner
from watchfloor.detect.sigma.view import as_text, is_list

Awake = dict[int, set[int]]
"""By row, the rules that may be true of it."""


def wake_rules(batch: pa.RecordBatch, routed: Routed, program: Program) -> Awake:
    """The rules that each row wakes.

    Only values that a rule of their row's route wants are searched, and equal ones of a column together.
    """
    waking = _Waking(batch, routed)
    for number in range(len(routed.routes)):
        waking.take_every_row(number)
    families = {route.products for route in routed.routes}
    for column in program.searched:
        for products in families:
            waking.search(column, products, program)
    return waking.awake


class _Waking:
    def __init__(self, batch: pa.RecordBatch, routed: Routed) -> None:
        self.awake: Awake = defaultdict(set)
        self._batch = batch
        self._routes, self._numbers = routed
        self._rows: dict[tuple[bool, ...], pa.Array] = {}

    def take_every_row(self, number: int) -> None:
        """Wake the rules that look at all rows of a route, or at those with any value in a column."""
        route = self._routes[number]
        if not route.sleepless and not route.columns:
            return
        rows = self._rows_of(tuple(place == number for place in range(len(self._routes))))
        self._wake(rows, route.sleepless)
        for column, rules in route.columns.items():
            array = self._column(column)
            if array is not None:
                self._wake(rows.filter(array.take(rows).is_valid()), rules)

    def _wake(self, rows: pa.Array, rules: Sequence[int]) -> None:
        if rules:
            for row in rows.to_pylist():
                self.awake[row].update(rules)

    def search(self, column: str, products: frozenset[str], program: Program) -> None:
        """Wake the rules for which something is in a column, on the records of these products."""
        array = self._column(column)
        if array is None:
            return
        wanting = tuple(route.products == products and column in route.sought for route in self._routes)
        if any(wanting):
            rows = self._rows_of(wanting)
            rows, found = _found(array.take(rows), rows, program.scanner(column, products))
            routes = self._numbers.take(rows).to_pylist()
            for row, route, numbers in zip(rows.to_pylist(), routes, found, strict=True):
                wakes = self._routes[route].sought[column]
                for number in numbers:
                    if number in wakes:
                        self.awake[row].update(wakes[number])

    def _column(self, name: str) -> pa.Array | None:
        """A column, unless it is null in all rows."""
        index = self._batch.schema.get_field_index(name)
        if index < 0:
            return None
        array = self._batch.column(index)
        return None if array.null_count == len(array) else array

    def _rows_of(self, wanting: tuple[bool, ...]) -> pa.Array:
        """The rows of those routes that are wanted."""
        if wanting not in self._rows:
            self._rows[wanting] = pc.indices_nonzero(pa.array(wanting, pa.bool_()).take(self._numbers))
        return self._rows[wanting]


def _found(array: pa.Array, rows: pa.Array, scanner: Scanner) -> tuple[pa.Array, list[set[int]]]:
    """Those of the rows that have something in them, and what; ``array`` has their values."""
    if is_list(array.type):
        rows = rows.take(pc.list_parent_indices(array))
        array = array.flatten()
    encoded = as_text(array).dictionary_encode()
    found: dict[int, set[int]] = defaultdict(set)
    for place, number in zip(*scanner.scan(encoded.dictionary), strict=True):
        found[place].add(number)
    codes = encoded.indices
    hit = pc.indices_nonzero(pc.is_in(codes, value_set=pa.array(list(found), codes.type)))
    return rows.take(hit), [found[code] for code in codes.take(hit).to_pylist()]
