"""Records in groups: what cannot be done for a whole group is done for its halves, down to the one record at fault."""

from collections.abc import Callable, Iterable

from watchfloor.errors import RecordError
from watchfloor.normalize.made import Made
from watchfloor.normalize.rows import part_of
from watchfloor.normalize.source import Kind, Ready, Source

ANY_SHAPE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""A record can have any shape: what its source cannot make of it is that record's fault, not the batch's."""

_FAULTS = (*ANY_SHAPE, RecordError, RecursionError)

MAX_ROWS = 256
"""Of how many records a group is at most: they should still be in the processor's cache when they are mapped."""


Make = Callable[[Source, Kind, list[Ready]], Iterable[Made]]
"""What makes something of records of one kind; it tells them by their places in the group."""


class Groups:
    """Makes something of records that are added one after the other.

    Args:
        make: See :data:`Make`.
        refuse: Gets the places of those that nothing can be made of, with what was wrong.
    """

    def __init__(self, make: Make, refuse: Callable[[int, str], None]) -> None:
        self._make = make
        self._refuse = refuse
        self._waiting: dict[int, tuple[Source, Kind, list[Ready]]] = {}
        self._made: list[Made] = []

    def add(self, source: Source, kind: Kind, one: Ready) -> None:
        """Add a record."""
        group = self._waiting.get(id(kind))
        if group is None:
            group = self._waiting[id(kind)] = (source, kind, [])
        group[2].append(one)
        if len(group[2]) >= MAX_ROWS:
            self._do(*self._waiting.pop(id(kind)))

    def made(self) -> list[Made]:
        """What was made of all that were added."""
        for group in self._waiting.values():
            self._do(*group)
        self._waiting.clear()
        return self._made

    def _do(self, source: Source, kind: Kind, group: list[Ready]) -> None:
        try:
            made = list(self._make(source, kind, group))
        except _FAULTS as error:
            if len(group) == 1:
                self._refuse(group[0].place, reason(source, error))
            else:
                half = len(group) // 2
                self._do(source, kind, group[:half])
                self._do(source, kind, group[half:])
        else:
            places = [one.place for one in group]
            self._made += [one._replace(places=part_of(places, one.places)) for one in made]


def reason(source: Source, error: Exception) -> str:
    """Why a record became nothing."""
    if isinstance(error, ANY_SHAPE):
        return f"{source.name}: {type(error).__name__}: {error}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
