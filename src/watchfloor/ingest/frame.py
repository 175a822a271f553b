"""What framing gives: the records of a byte stream, and what in it is not a record.

A framer is fed the bytes of one file in chunks of any size, and finds the same however they are cut. It finds
where each record begins and ends; whether a record is valid JSON is for normalization to say, which decodes it anyway.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import msgspec

from watchfloor.deadletter import MAX_RAW_BYTES
from watchfloor.errors import RecordError
from watchfloor.ingest.limits import Limits, size_text

NOT_JSON = "not a JSON record"
NOT_OBJECT = "not a JSON object"
SEPARATOR = re.compile(rb"Record \d+\s*\Z")
"""What evtx_dump writes between the records of its JSON output; not a record, and nothing is lost with it."""


class Records(msgspec.Struct, frozen=True, gc=False):
    """Records, one after the other, as columns: no Python code need run for each.

    ``raw`` holds their exact bytes, ``line`` the 1-based lines of their first bytes and ``index`` their positions
    inside an array.
    """

    raw: list[bytes]
    line: list[int]
    index: list[int | None]


class Unreadable(msgspec.Struct, frozen=True, gc=False):
    """Something that is not a record.

    ``reason`` names the kind of problem, and equal reasons are counted together; ``detail`` says what is particular.
    ``raw`` holds its first bytes, ``size`` its whole length.
    """

    reason: str
    line: int
    raw: bytes = b""
    size: int = 0
    index: int | None = None
    detail: str = ""


Item = Records | Unreadable


class Items:
    """What a framer has found and nobody has taken yet, in the order of the bytes."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._last: Records | None = None
        """The records that the next one stands right behind."""

    def record(self, raw: bytes, line: int, index: int | None = None) -> None:
        """Append a record."""
        records = self._last or self._begin()
        records.raw.append(raw)
        records.line.append(line)
        records.index.append(index)

    def lines(self, raw: list[bytes], first: int) -> None:
        """Append records that stand one a line, from the line ``first`` on."""
        records = self._last or self._begin()
        records.raw.extend(raw)
        records.line.extend(range(first, first + len(raw)))
        records.index.extend([None] * len(raw))

    def unreadable(self, item: Unreadable) -> None:
        """Append what is not a record."""
        self._items.append(item)
        self._last = None

    def take(self) -> list[Item]:
        """All of it; none is left."""
        items, self._items, self._last = self._items, [], None
        return items

    def _begin(self) -> Records:
        self._last = Records([], [], [])
        self._items.append(self._last)
        return self._last


class Framer(Protocol):
    """Cuts one file's bytes into items, which it appends to the :class:`Items` that it was made with."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; find what they complete."""
        ...

    def close(self, broken: str | None) -> None:
        """The bytes are over; ``broken`` says why, if it is not because the file ends here."""
        ...


Framing = Callable[[Limits, Items], Framer]
"""Makes a framer."""


def frame(chunks: Iterable[bytes], framing: Framing, limits: Limits) -> Iterator[Item]:
    """The items of a stream; a stream that breaks off gives what came before, and one item that says why."""
    items = Items()
    framer = framing(limits, items)
    broken = None
    source = iter(chunks)
    while broken is None:
        try:
            chunk = next(source)
        except StopIteration:
            break
        except RecordError as error:
            broken = str(error)
        else:
            framer.feed(chunk)
            yield from items.take()
    framer.close(broken)
    yield from items.take()


class Refuse:
    """Bytes that will not become a record, of any number: their first ones and their count are kept."""

    def __init__(self, reason: str, line: int, index: int | None = None, detail: str = "") -> None:
        self._reason = reason
        self._line = line
        self._index = index
        self._detail = detail
        self._head = b""
        self._size = 0

    def add(self, data: bytes) -> "Refuse":
        """Take more of them."""
        if len(self._head) < MAX_RAW_BYTES:
            self._head += data[: MAX_RAW_BYTES - len(self._head)]
        self._size += len(data)
        return self

    def item(self, broken: str | None = None) -> Unreadable:
        """What they amount to; ``broken`` is why the stream broke off inside them."""
        detail = self._detail
        if self._size > MAX_RAW_BYTES:
            detail += f" ({self._size:,} bytes)"
        if broken is not None:
            detail += f"; {broken}"
        return Unreadable(self._reason, self._line, self._head, self._size, self._index, detail)


def unreadable(reason: str, line: int, raw: bytes, *, index: int | None = None, detail: str = "") -> Unreadable:
    """An item for bytes that are all at hand."""
    return Refuse(reason, line, index, detail).add(raw).item()


def too_long(limits: Limits, line: int, index: int | None = None) -> Refuse:
    """Refuse for a record over the limit."""
    return Refuse(f"longer than {size_text(limits.record_bytes)}", line, index)
