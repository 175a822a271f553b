"""Which entry of a source makes the events of records: the first that holds and that they make whole."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from watchfloor.normalize.made import Made
from watchfloor.normalize.rows import Column, Mask, Rows, part_of, places_of
from watchfloor.normalize.schema import EventClass

_BASE_EVENT = 0

Columns = Mapping[str, Column]
"""Columns of records by the attribute that they become."""


class RecordMapping(Protocol):
    """What makes events of records of one kind: an entry of a source, or OCSF itself."""

    name: str
    event_class: EventClass
    when_paths: frozenset[str]

    def holds(self, record: dict[str, Any], /) -> bool:
        """Whether it is for a record."""

    def holding(self, rows: Rows, /) -> Mask:
        """For which records it is."""

    def apply(self, rows: Rows, base: Columns, /) -> Iterator[Made]:
        """Map records; ``base`` holds time and metadata, which every class has."""


Entries = Sequence[tuple[RecordMapping, bool]]
"""Entries, and whether they surely hold for each record."""


def first_whole(entries: Entries, rows: Rows, base: Columns, incomplete: Made | None = None) -> Iterator[Made]:
    """Map records by the first entry that holds and whose class they make whole; if there is none, by the first.

    The last entry holds for every record. ``incomplete`` is what an earlier entry made of these records.
    """
    for number, (mapping, surely) in enumerate(entries):
        later = entries[number + 1 :]
        mask = True if surely else mapping.holding(rows)
        if isinstance(mask, list):
            held, others = places_of(mask), places_of([not one for one in mask])
            for places, entered in ((held, [(mapping, True), *later]), (others, later)):
                known = None if incomplete is None else incomplete.part(places)
                yield from _of_some(places, entered, rows, base, known)
            return
        if not mask:
            continue
        if incomplete is not None and mapping.event_class.uid == _BASE_EVENT:
            break
        for made in mapping.apply(rows, base):
            if made.fits:
                yield made
            else:
                known = made.alone() if incomplete is None else incomplete.part(made.places)
                yield from _of_some(made.places, later, rows, base, known)
        return
    if incomplete is not None:
        yield incomplete


def _of_some(places: list[int], entries: Entries, rows: Rows, base: Columns, incomplete: Made | None) -> Iterator[Made]:
    """As :func:`first_whole` of the rows at some places, of which ``incomplete`` was made."""
    some = {name: column.part(places) for name, column in base.items()}
    for made in first_whole(entries, rows.part(places), some, incomplete):
        yield made._replace(places=part_of(places, made.places))
