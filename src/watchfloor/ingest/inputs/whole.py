"""Reads what is whole, a file or an object, as any file is read: in whatever framing, compression and archive."""

from collections.abc import Callable, Iterator

from watchfloor.arrival import Arrival
from watchfloor.ingest.delivery import deliveries
from watchfloor.ingest.frame import Item, Records, Unreadable
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.stream import Stream

OnDrop = Callable[[str], None]
"""Told the kind of problem of a record that cannot be had."""


class Whole:
    """One file or object, and its records one after the other.

    Args:
        origin: The ordinals count from it, through all members of an archive.
        after: So many records have landed already, and are passed over.

    Attributes:
        position: How many records have been given or passed over.
    """

    def __init__(
        self, origin: int, *, tenant: str, source: str | None, limits: Limits, on_drop: OnDrop, after: int = 0
    ) -> None:
        self._origin = origin
        self._tenant = tenant
        self._source = source
        self._limits = limits
        self._on_drop = on_drop
        self._after = after
        self.position = 0

    def arrivals(self, stream: Stream, path: str) -> Iterator[Arrival]:
        """Its records, in pieces that are bounded."""
        for member, items in deliveries(stream, path, self._limits):
            for item in items:
                records = self._records(item)
                first = max(self._after - self.position, 0)
                begin = self.position + first
                self.position += len(records.raw)
                if first < len(records.raw):
                    yield Arrival(
                        self._tenant,
                        member,
                        records.raw[first:],
                        records.line[first:],
                        range(self._origin + begin + 1, self._origin + self.position + 1),
                        self._source,
                        records.index[first:],
                    )

    def _records(self, item: Item) -> Records:
        if isinstance(item, Records):
            return item
        if is_text(item):
            return Records([item.raw], [item.line], [item.index])
        if self.position >= self._after:
            self._on_drop(kind_of(item))
        return Records([], [], [])


_OF_TEXT = (
    *("not a JSON", "neither JSON nor text", "broken JSON", "broken CSV", "another number of fields"),
    *("a row before the names", "XML event without an end", "not an XML event"),
)


def is_text(item: Unreadable) -> bool:
    """Whether it lands all the same, since all of it is there: normalization says what it is, and keeps it.

    >>> is_text(Unreadable("not a JSON record", 1, b"text", 4))
    True
    >>> is_text(Unreadable("gzip data is cut off", 1, b"te", 2))
    False
    """
    return item.reason.startswith(_OF_TEXT) and 0 < len(item.raw) == item.size


def kind_of(item: Unreadable) -> str:
    """The kind of problem alone: what stands in brackets behind it may be the sender's.

    >>> kind_of(Unreadable("damaged archive member (Bad CRC-32 for file 'x')", 1))
    'damaged archive member'
    """
    return item.reason.partition(" (")[0]
