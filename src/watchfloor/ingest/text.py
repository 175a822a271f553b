"""Recognises how text is framed, by its first line, and reads it so.

* ``[`` before an object: :class:`~watchfloor.ingest.values.Values`;
* ``{``, and the line is one whole object: :class:`~watchfloor.ingest.lines.Lines`, else ``Values``;
* the names of a CSV header: :class:`~watchfloor.ingest.rows.Rows`;
* names of columns after ``#``, or between blanks: :mod:`~watchfloor.ingest.named_columns`;
* an XML event: :class:`~watchfloor.ingest.event_xml.EventXml`;
* the headers of a mail: :mod:`~watchfloor.ingest.mail`;
* a line of the Linux audit daemon: :class:`~watchfloor.ingest.audit_lines.AuditLines`;
* anything else: ``Lines``, so that each line is a record, and records between lines of other text are found.
"""

from collections.abc import Callable
from functools import partial

from watchfloor.ingest.audit_lines import AuditLines, is_audit_line
from watchfloor.ingest.event_xml import EventXml, begins_events
from watchfloor.ingest.frame import Framer, Framing, Items
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.lines import Lines
from watchfloor.ingest.mail import Mailbox, Message, begins_mailbox, begins_message
from watchfloor.ingest.named_columns import W3C_STARTS, ZEEK_START, SpacedRows, W3cRows, ZeekRows, is_names
from watchfloor.ingest.rows import TYPE_LINE, Rows, csv_delimiter
from watchfloor.ingest.structure import is_one_value
from watchfloor.ingest.values import Values

_BEGINNINGS: tuple[tuple[Callable[[bytes], bool | None], Framing], ...] = (
    (begins_events, EventXml),
    (begins_mailbox, Mailbox),
    (begins_message, Message),
)
"""How text of several lines a record begins; whether it does may take more than a line to tell."""
_STARTS: tuple[tuple[bytes | tuple[bytes, ...], Framing], ...] = ((ZEEK_START, ZeekRows), (W3C_STARTS, W3cRows))


class Text:
    """A framer for any text: it waits for the first line that is not blank, then hands over."""

    def __init__(self, limits: Limits, items: Items) -> None:
        self._limits = limits
        self._items = items
        self._held: list[bytes] = []
        self._size = 0
        self._framer: Framer | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; find the records that they complete."""
        if self._framer:
            self._framer.feed(chunk)
            return
        self._held.append(chunk)
        self._size += len(chunk)
        if self._size > self._limits.record_bytes or b"\n" in chunk:
            self._choose(closing=False)

    def close(self, broken: str | None) -> None:
        """The bytes are over."""
        if not self._framer:
            self._choose(closing=True)
        if self._framer:
            self._framer.close(broken)

    def _choose(self, *, closing: bool) -> None:
        head = b"".join(self._held)
        framing = _framing(head, self._limits, closing=closing)
        self._held = [] if framing else [head]
        if framing:
            self._framer = framing(self._limits, self._items)
            self._framer.feed(head)


def _framing(head: bytes, limits: Limits, *, closing: bool) -> Framing | None:
    """The framing of text that begins with ``head``; None if that takes more of it, unless it is all there is.

    A line over the limit counts the same whether its end is at hand or not.
    """
    most = limits.record_bytes
    if not head[: most + 1].strip():
        return Lines if closing or len(head) > most else None
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
        return Values if inner in {b"{", b"]"} else Lines
    short = len(line) <= most
    if body.startswith(b"{"):
        return Lines if short and is_one_value(line) else Values
    return _of_text(body, line if short else b"", closing=closing)


def _of_text(body: bytes, line: bytes, *, closing: bool) -> Framing | None:
    """The framing of text that is no JSON, with its first line, if that is not too long to be a header."""
    for begins, framing in _BEGINNINGS:
        answer = begins(body)
        if answer or (answer is None and not closing):
            return framing if answer else None
    for starts, framing in _STARTS:
        if body.startswith(starts):
            return framing
    if is_audit_line(line):
        return AuditLines
    if is_names(line):
        return SpacedRows
    delimiter = csv_delimiter(line) if line else None
    return partial(Rows, delimiter=delimiter) if delimiter else Lines
