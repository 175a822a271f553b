"""Which rules apply to a record, by its log source or its OCSF class, and what wakes them there."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.columns import OCSF, ocsf_class
from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.guards import KIND
from watchfloor.detect.sigma.link import Wake
from watchfloor.detect.sigma.view import is_list
from watchfloor.native import LOGSOURCE, LogSource, decode_logsources

MAX_ROUTES = 4096
"""How many routes are remembered."""

ANY_KIND = object()
"""For records that may have several kinds."""


class Route:
    """The rules that apply to a kind of record, by what wakes them.

    ``sought`` has the rules that what is found wakes, by its number, and ``searched`` the columns to find it in;
    ``columns`` has the rules that any value of a column wakes, and ``sleepless`` those that look at every record.
    ``products`` are those that its records are of.
    """

    def __init__(self, rules: Sequence[int], wakes: Sequence[Wake], products: frozenset[str]) -> None:
        self.products = products
        self.sleepless = tuple(index for index in rules if wakes[index].sleepless)
        self.searched = frozenset(column for index in rules for column in wakes[index].sought)
        sought: dict[int, list[int]] = defaultdict(list)
        columns: dict[str, list[int]] = defaultdict(list)
        for index in rules:
            for number in chain.from_iterable(wakes[index].sought.values()):
                sought[number].append(index)
            for column in wakes[index].columns:
                columns[column].append(index)
        self.sought: Mapping[int, Sequence[int]] = dict(sought)
        self.columns: Mapping[str, Sequence[int]] = dict(columns)


class Routed(NamedTuple):
    """The routes of a batch's records, and for each row the position of its own."""

    routes: Sequence[Route]
    numbers: pa.Array


class Router:
    """Finds the route of a record; each kind of record is worked out once."""

    def __init__(self, rules: Sequence[CompiledRule], wakes: Sequence[Wake]) -> None:
        self._wakes = wakes
        self._by_class: dict[int | None, list[int]] = defaultdict(list)
        self._by_logsource: dict[LogSource, list[int]] = defaultdict(list)
        for index, rule in enumerate(rules):
            if rule.logsource.product == OCSF:
                self._by_class[ocsf_class(rule.logsource)].append(index)
            else:
                self._by_logsource[rule.logsource].append(index)
        self._kinds = frozenset(kind for wake in wakes for kind in wake.kinds or ())
        self._routes: dict[tuple[str, int | None, str | None], Route] = {}

    def routed(self, batch: pa.RecordBatch) -> Routed:
        """The routes of a batch's records."""
        numbers = pa.repeat(pa.scalar(0, pa.int64()), batch.num_rows)
        choices = []
        for name in (LOGSOURCE, "class_uid", KIND):
            codes, values = _encoded(batch, name)
            numbers = pc.add(pc.multiply(numbers, pa.scalar(len(values), pa.int64())), codes)
            choices.append(values)
        distinct = numbers.dictionary_encode()
        keys = (_digits(number, choices) for number in distinct.dictionary.to_pylist())
        return Routed(tuple(self.route(*key) for key in keys), distinct.indices)

    def route(self, logsources: str | None, class_uid: int | None, kind: Any) -> Route:
        """The route of records with this text of ``native.logsource``, this OCSF class and this value of ``KIND``.

        With :data:`ANY_KIND`, the kind is not looked at.
        """
        folded = "" if kind is None else fold(str(kind))
        key = (
            logsources or "",
            class_uid if class_uid in self._by_class else None,
            None if kind is ANY_KIND else folded if folded in self._kinds else "",
        )
        route = self._routes.get(key)
        if route is None:
            if len(self._routes) >= MAX_ROUTES:
                self._routes.clear()
            route = self._routes[key] = self._route(*key)
        return route

    def _route(self, logsources: str, class_uid: int | None, kind: str | None) -> Route:
        served = decode_logsources(logsources)
        chosen = [*self._by_class.get(None, ()), *(() if class_uid is None else self._by_class[class_uid])]
        for logsource, rules in self._by_logsource.items():
            if any(logsource.served_by(one) for one in served):
                chosen += rules
        return Route(
            [index for index in sorted(chosen) if self._is_of_kind(index, kind)],
            self._wakes,
            frozenset(one.product for one in served),
        )

    def _is_of_kind(self, index: int, kind: str | None) -> bool:
        kinds = self._wakes[index].kinds
        return kind is None or kinds is None or kind in kinds


def _encoded(batch: pa.RecordBatch, name: str) -> tuple[pa.Array, list[Any]]:
    """A column as positions in a list of its distinct values, the last of which is null."""
    index = batch.schema.get_field_index(name)
    array = pa.nulls(batch.num_rows, pa.string()) if index < 0 else batch.column(index)
    if is_list(array.type):
        # Records that may have several kinds.
        return pa.repeat(pa.scalar(0, pa.int64()), batch.num_rows), [ANY_KIND]
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    values = [*array.dictionary.to_pylist(), None]
    return pc.fill_null(array.indices.cast(pa.int64()), len(values) - 1), values


def _digits(number: int, choices: Sequence[Sequence[Any]]) -> list[Any]:
    """One of each of the choices, of all combinations the one with this number."""
    digits = []
    for values in reversed(choices):
        number, digit = divmod(number, len(values))
        digits.append(values[digit])
    return digits[::-1]
