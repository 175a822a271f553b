"""Which rules the rows of a batch wake up: all others are false of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.link import Program
from watchfloor.detect.sigma.routing import Route, Routed
from watchfloor.detect.sigma.scan import Found, Scanner
from watchfloor.detect.sigma.view import as_text, is_list

SAMPLE = 128
"""So many values of a column tell whether its values repeat: to find equal ones is dear where there are none."""

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
        self._masks: dict[tuple[int, ...], pa.BooleanArray] = {}

    def take_every_row(self, number: int) -> None:
        """Wake the rules that look at all rows of a route, or at those with any value in a column."""
        route = self._routes[number]
        if not route.sleepless and not route.columns:
            return
        rows = pc.indices_nonzero(self._mask_of((number,)))
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
        mask = self._mask_of(tuple(routes))
        if array.null_count:
            mask = pc.and_(mask, array.is_valid())
        elif len(routes) == len(self._routes):
            mask = None
        # To filter all rows is to copy a column.
        places, numbers = _found(array if mask is None else array.filter(mask), scanner)
        if numbers:
            rows = pa.array(places, pa.int64())
            self._wake_each(column, rows if mask is None else pc.indices_nonzero(mask).take(rows), numbers)

    def _wake_each(self, column: str, rows: pa.Array, numbers: Sequence[int]) -> None:
        """Wake the rules for which each of these numbers is in a column, each on the row at the same place."""
        # On many rows at once: to wake a rule for each of them costs more than the search.
        together: dict[tuple[int, int], list[int]] = defaultdict(list)
        for row, route, number in zip(rows.to_pylist(), self._numbers.take(rows).to_pylist(), numbers, strict=True):
            together[route, number].append(row)
        for (route, number), some in together.items():
            for rule in self._routes[route].sought[column].get(number, ()):
                self.awake[rule].update(some)

    def _column(self, name: str) -> pa.Array | None:
        """A column, unless it is null in all rows."""
        index = self._batch.schema.get_field_index(name)
        if index < 0:
            return None
        array = self._batch.column(index)
        return None if array.null_count == len(array) else array

    def _mask_of(self, routes: tuple[int, ...]) -> pa.BooleanArray:
        """Which rows are of those routes."""
        if routes not in self._masks:
            self._masks[routes] = pc.is_in(self._numbers, value_set=pa.array(routes, self._numbers.type))
        return self._masks[routes]


def _found(column: pa.Array, scanner: Scanner) -> Found:
    """What is in each of the rows of a column, none of which is null."""
    texts = as_text(column)
    if is_list(texts.type):
        values = texts.flatten()
        # Of lists, what repeats is short: to search it is quicker than to find out.
        places, numbers = scanner.scan(values.fill_null("") if values.null_count else values)
        return (pc.list_parent_indices(texts).take(pa.array(places, pa.int64())).to_pylist() if places else []), numbers
    if not _repeat(texts):
        return scanner.scan(texts)
    encoded = texts.dictionary_encode()
    hits: dict[int, set[int]] = defaultdict(set)
    for place, number in zip(*scanner.scan(encoded.dictionary), strict=True):
        hits[place].add(number)
    return _spread(encoded.indices, hits)


def _spread(codes: pa.Array, hits: Mapping[int, Collection[int]]) -> Found:
    """What is in each of some rows that have these codes, given what is in the values that the codes stand for."""
    if not hits:
        return [], []
    rows = pc.indices_nonzero(pc.is_in(codes, value_set=pa.array(list(hits), codes.type)))
    found: Found = ([], [])
    for row, code in zip(rows.to_pylist(), codes.take(rows).to_pylist(), strict=True):
        found[0].extend([row] * len(hits[code]))
        found[1].extend(hits[code])
    return found


def _repeat(values: pa.StringArray) -> bool:
    """Whether many values are equal, by the first ones."""
    first = values[:SAMPLE]
    return len(first) == SAMPLE and pc.count_distinct(first).as_py() <= SAMPLE // 2
