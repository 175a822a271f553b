"""Which rules the rows of a batch wake up: all others are false of them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.link import Program
from watchfloor.detect.sigma.routing import Routed
from watchfloor.detect.sigma.scan import Scanner
from watchfloor.detect.sigma.search import search

Awake = dict[int, set[int]]
"""By rule, the rows that it may be true of."""


def wake_rules(batch: pa.RecordBatch, routed: Routed, program: Program) -> Awake:
    """The rules that a batch wakes, each with the rows that do."""
    awake: Awake = defaultdict(set)
    _wake_by_what_is_found(awake, batch, routed, program)
    _wake_by_any_value(awake, batch, routed)
    return awake


def _wake_by_what_is_found(awake: Awake, batch: pa.RecordBatch, routed: Routed, program: Program) -> None:
    rows, numbers = search(_searches(batch, routed, program), batch.num_rows)
    # On many rows at once: to wake a rule for each of them costs more than the search.
    together: dict[tuple[int, int], list[int]] = defaultdict(list)
    routes = routed.numbers.take(pa.array(rows, pa.int64())).to_pylist()
    for row, route, number in zip(rows, routes, numbers, strict=True):
        together[route, number].append(row)
    for (route, number), some in together.items():
        for rule in routed.routes[route].sought.get(number, ()):
            awake[rule].update(some)


def _searches(batch: pa.RecordBatch, routed: Routed, program: Program) -> Iterator[tuple[pa.Array, Scanner]]:
    """The columns to search, each for what rules of some products seek in it: null where a row is of others."""
    by_products: dict[frozenset[str], list[int]] = defaultdict(list)
    for number, route in enumerate(routed.routes):
        by_products[route.products].append(number)
    for products, numbers in by_products.items():
        mask = _rows_of(numbers, routed) if len(by_products) > 1 else None
        for name in sorted(frozenset[str]().union(*(routed.routes[number].searched for number in numbers))):
            array = _column(batch, name)
            if array is not None:
                some = array if mask is None else pc.if_else(mask, array, pa.scalar(None, array.type))
                yield some, program.scanner(name, products)


def _wake_by_any_value(awake: Awake, batch: pa.RecordBatch, routed: Routed) -> None:
    """Wake the rules that look at all rows of a route, or at those with any value in a column."""
    wanted: dict[tuple[int, str | None], list[int]] = defaultdict(list)
    for number, route in enumerate(routed.routes):
        for rule in route.sleepless:
            wanted[rule, None].append(number)
        for name, rules in route.columns.items():
            for rule in rules:
                wanted[rule, name].append(number)
    for (rule, column), numbers in wanted.items():
        mask = _rows_of(numbers, routed)
        if column is not None:
            array = _column(batch, column)
            if array is None:
                continue
            mask = pc.and_(mask, array.is_valid())
        awake[rule].update(pc.indices_nonzero(mask).to_pylist())


def _rows_of(routes: Sequence[int], routed: Routed) -> pa.BooleanArray:
    """Which rows are of those routes."""
    return pc.is_in(routed.numbers, value_set=pa.array(routes, routed.numbers.type))


def _column(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    """A column, unless it is null in all rows."""
    index = batch.schema.get_field_index(name)
    if index < 0:
        return None
    array = batch.column(index)
    return None if array.null_count == len(array) else array
