"""Entity ids to the entities that they stand for, at the time of the event."""

from bisect import bisect_right
from collections.abc import Sequence

import orjson

from watchfloor.enrich.identity import IDENTITY, OWNERS
from watchfloor.operator import Reference


class Resolver:
    """What a published graph says of names.

    >>> reference = Reference(1, {"identity": {"user:b": "user:a"}, "identity.owners": {"user:c": '[[100, "user:d"]]'}})
    >>> Resolver(reference).resolve(["user:b", None, "user:c", "user:c"], [0, 0, 99, 100])
    ['user:a', None, 'user:c', 'user:d']
    """

    def __init__(self, reference: Reference | None = None) -> None:
        tables = (reference or Reference()).tables
        self._table = tables.get(IDENTITY, {})
        self._owners = {name: _steps(text) for name, text in tables.get(OWNERS, {}).items()}

    def at(self, entity_id: str, time: int) -> str:
        """The entity that a name stands for at a time (ms)."""
        steps = self._owners.get(entity_id)
        if steps is not None and (position := bisect_right(steps[0], time)):
            return steps[1][position - 1]
        return self._table.get(entity_id, entity_id)

    def resolve(self, ids: Sequence[str | None], times: Sequence[int]) -> list[str | None]:
        """The entities of names, each at its time (ms)."""
        table = self._table
        found = [table.get(one, one) if one is not None else None for one in ids]
        if not self._owners.keys().isdisjoint(one for one in ids if one is not None):
            for row, one in enumerate(ids):
                if one in self._owners:
                    found[row] = self.at(one, times[row])
        return found


def _steps(text: str) -> tuple[list[int], list[str]]:
    steps = orjson.loads(text)
    return [since for since, _ in steps], [owner for _, owner in steps]
