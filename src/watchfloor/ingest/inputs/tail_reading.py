"""Reads a growing file on from where it was, a piece at a time."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from watchfloor.ingest.frame import Items, Records
from watchfloor.ingest.inputs.tail_lines import Cut, Place, cut_lines
from watchfloor.ingest.inputs.tail_sources import Bytes
from watchfloor.ingest.inputs.whole import is_text, kind_of
from watchfloor.ingest.limits import Limits, size_text
from watchfloor.ingest.text import Text

_PIECE_BYTES = 1 << 20


class Piece(NamedTuple):
    """What was read: records, their lines and positions, where to go on, and what was left out, by reason.

    ``head`` and ``tail`` are the marks of the file at that place.
    """

    raw: list[bytes]
    line: list[int]
    position: list[int]
    place: Place
    dropped: dict[str, int]
    head: str = ""
    tail: str = ""


class Reading(Protocol):
    """Reads one file in pieces; made anew for each file, and when reading goes on after a restart."""

    def next(self, content: Bytes, place: Place, *, final: bool) -> Piece:
        """The next piece; the place stays the same where there is none.

        ``final``: the file will not grow any more, so that its last line is whole without a line break.

        Raises:
            RecordError: The content is damaged from here on.
            OSError: It cannot be read.
        """
        ...


class ByLine:
    """Each line is a record."""

    def __init__(self, most: int) -> None:
        self._most = most

    def next(self, content: Bytes, place: Place, *, final: bool) -> Piece:
        """See :class:`Reading`."""
        count = max(_PIECE_BYTES, self._most + 1)
        data = content.at(place.offset, count)
        cut: Cut = cut_lines(data, place, most=self._most, final=final and len(data) < count)
        dropped = {f"longer than {size_text(self._most)}": cut.too_long} if cut.too_long else {}
        return Piece(cut.raw, cut.line, cut.position, cut.place, dropped)


class ByContent:
    """As files are framed that are read whole: objects over many lines, arrays, CSV with its header.

    What comes before the place is framed again after a restart, and given a second time to nobody.
    """

    def __init__(self, most: int) -> None:
        self._items = Items()
        self._framer = Text(Limits(record_bytes=most), self._items)
        self._fed = 0
        self._count = 0
        self._closed = False

    def next(self, content: Bytes, place: Place, *, final: bool) -> Piece:
        """See :class:`Reading`."""
        piece = Piece([], [], [], place, {})
        while not piece.raw and not self._closed:
            data = content.at(self._fed, _PIECE_BYTES)
            self._fed += len(data)
            if data:
                self._framer.feed(data)
            elif final:
                self._framer.close(None)
                self._closed = True
            self._take(piece, after=place.number)
            piece = piece._replace(place=Place(max(self._fed, place.offset), max(self._count, place.number)))
            if not data:
                break
        return piece

    def _take(self, piece: Piece, *, after: int) -> None:
        for item in self._items.take():
            if isinstance(item, Records):
                for raw, line in zip(item.raw, item.line, strict=True):
                    self._add(piece, raw, line, after=after)
            elif is_text(item):
                self._add(piece, item.raw, item.line, after=after)
            else:
                self._count += 1
                if self._count > after:
                    reason = kind_of(item)
                    piece.dropped[reason] = piece.dropped.get(reason, 0) + 1

    def _add(self, piece: Piece, raw: bytes, line: int, *, after: int) -> None:
        self._count += 1
        if self._count > after:
            piece.raw.append(raw)
            piece.line.append(line)
            piece.position.append(self._count)


Framings = dict[str, Callable[[int], Reading]]
FRAMINGS: Framings = {"lines": ByLine, "content": ByContent}
"""By their names in the settings."""
