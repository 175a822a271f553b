"""Recognises how text is framed, by its first line, and reads it so.

* ``[`` before an object: :class:`~watchfloor.ingest.values.Values`;
* ``{``, and the line is one whole object: :class:`~watchfloor.ingest.lines.Lines`, else ``Values``;
* the names of a CSV header: :class:`~watchfloor.ingest.rows.Rows`;
* anything else: ``Lines``, so that records between lines of other text are found.
"""

from watchfloor.ingest.frame import Framer, Item
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.lines import Lines
from watchfloor.ingest.rows import TYPE_LINE, Rows, csv_delimiter
from watchfloor.ingest.structure import is_one_value
from watchfloor.ingest.values import Values


class Text:
    """A framer for any text: it waits for the first line that is not blank, then hands over."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held: list[bytes] = []
        self._size = 0
        self._framer: Framer | None = None

    def feed(self, chunk: bytes) -> list[Item]:
        """Take the next bytes; give the records that they complete."""
        if self._framer:
            return self._framer.feed(chunk)
        self._held.append(chunk)
        self._size += len(chunk)
        if self._size <= self._limits.record_bytes and b"\n" not in chunk:
            return []
        return self._choose(closing=False)

    def close(self, broken: str | None) -> list[Item]:
        """The bytes are over."""
        items = [] if self._framer else self._choose(closing=True)
        return items + self._framer.close(broken) if self._framer else items

    def _choose(self, *, closing: bool) -> list[Item]:
        head = b"".join(self._held)
        self._framer = _framer(head, self._limits, closing=closing)
        self._held = [] if self._framer else [head]
        return self._framer.feed(head) if self._framer else []


def _framer(head: bytes, limits: Limits, *, closing: bool) -> Framer | None:
    """The framer for text that begins with ``head``; None if that takes more of it, unless it is all there is.

    A line over the limit counts the same whether its end is at hand or not.
    """
    most = limits.record_bytes
    if not head[: most + 1].strip():
        return Lines(limits) if closing or len(head) > most else None
    body = head.lstrip()
    line, newline, rest = body.partition(b"\n")
    if body.startswith(TYPE_LINE) and newline:
        line, newline, rest = rest.partition(b"\n")
    if not newline and len(line) <= most and not closing:
        return None
    if body.startswith(b"["):
        inner = body[1 : most + 1].lstrip()[:1]
        if not inner and len(body) <= most and not closing:
            return None
        return Values(limits) if inner in {b"{", b"]"} else Lines(limits)
    short = len(line) <= most
    if body.startswith(b"{"):
        return Lines(limits) if short and is_one_value(line) else Values(limits)
    delimiter = csv_delimiter(line) if short else None
    return Rows(limits, delimiter) if delimiter else Lines(limits)
