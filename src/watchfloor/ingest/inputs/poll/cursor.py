"""Where a stream's reading stands, in a file that a killed process leaves as it was before or after, never between."""

from pathlib import Path

import msgspec

from watchfloor.errors import StoreError
from watchfloor.ingest.inputs.remembering import remember, remembered


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place in a stream; times are in seconds since 1970.

    Attributes:
        upto: What is older than this has landed.
        since: Where the window at hand begins, if there is one.
        until: Where it ends.
        next: The cursor of the page that comes next in it; None is the first. In an endless stream, it stays.
        pages: How many of its pages have landed.
    """

    upto: int
    since: int | None = None
    until: int | None = None
    next: str | None = None
    pages: int = 0

    def opened(self, since: int, until: int | None) -> "Place":
        """At the start of a window."""
        return Place(self.upto, since, until)

    def turned(self, cursor: str | None) -> "Place":
        """A page further, in the same window."""
        return Place(self.upto, self.since, self.until, cursor, self.pages + 1)


class Cursor:
    """The file of one place.

    Raises:
        StoreError: It cannot be read, or is not as it was written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        data = remembered(path)
        try:
            self.place = None if data is None else msgspec.json.decode(data, type=Place)
        except msgspec.MsgspecError as error:
            raise StoreError(f"{path}: not a cursor; delete it to begin anew") from error

    def move(self, place: Place) -> None:
        """Stand here from now on, whatever happens.

        Raises:
            StoreError: It cannot be written.
        """
        if place != self.place:
            remember(self._path, msgspec.json.encode(place))
            self.place = place
