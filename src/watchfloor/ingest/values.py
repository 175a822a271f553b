"""Frames JSON in any layout: objects one after the other, over many lines or on one, arrays of them, and wrappers.

The whole is never held: a record is given as soon as it ends, so the array of a file may be larger than memory. A
record that is cut off costs itself and what cannot be told apart from it (see :mod:`watchfloor.ingest.resume`); where
reading cannot go on, one item says where it stopped.
"""

import re

import msgspec

from watchfloor.ingest.element import Element, add_beside, add_whole
from watchfloor.ingest.frame import NOT_JSON, SEPARATOR, Items, Refuse, too_long, unreadable
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.resume import MAX_INDENT, Layout, Nesting, NextLine, Sibling
from watchfloor.ingest.structure import ARRAY, END_ARRAY, OBJECT, Stop, Structure
from watchfloor.ingest.window import Window
from watchfloor.ingest.wrappers import has_array_name, is_wrapper

_GAP = re.compile(rb"[ \t\r\n,]*+")
_BLANK = re.compile(rb"[ \t\r\n]*+")
_SCALAR = re.compile(rb'"(?:[^"\\\n]++|\\[^\n])*+("?)|[^\s,\]\[{}"]++|')
_FIRST_KEY = re.compile(rb'\{\s*"[^"\\]{1,64}"')
_MIN_BULK_BYTES = 4096
"""Below this, finding the end of one element after the other is as fast."""

_RECORD_OPEN = "JSON record without an end"
_ARRAY_OPEN = "array of records without an end"


class Values:
    """A framer for JSON that is not one record a line."""

    def __init__(self, limits: Limits, items: Items, *, line: int = 1) -> None:
        self._limits = limits
        self._items = items
        self._window = Window(line)
        self._layout = Layout()
        self._array: Nesting | None = None
        self._wrapper: Element | None = None
        """The wrapper that the array is in."""
        self._open: Element | None = None
        self._lost: Refuse | None = None
        """A broken record, and what follows up to where reading goes on."""
        self._sibling: Sibling = NextLine()
        self._bulk_tried = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; find the records that they complete."""
        self._window.feed(chunk)
        self._bulk_tried = False
        while self._step():
            pass

    def close(self, broken: str | None) -> None:
        """The bytes are over: what is incomplete becomes one item."""
        rest = self._window.rest()
        if self._lost:
            self._give_up(self._lost.add(rest), broken or self._sibling.stopped)
        elif self._open:
            self._items.unreadable(self._open.refuse(broken or _RECORD_OPEN).add(rest).item())
        elif self._array or broken or rest.strip():
            reason = broken or (_ARRAY_OPEN if self._array else NOT_JSON)
            self._items.unreadable(unreadable(reason, self._window.line(self._window.kept), rest.strip()))

    def _step(self) -> bool:
        """Go on by one token; False if that takes more bytes."""
        if self._lost:
            return self._recover(self._lost)
        if self._open:
            return self._scan(self._open)
        return self._between()

    def _between(self) -> bool:
        window = self._window
        end = _GAP.match(window.data, window.at).end()  # type: ignore[union-attr]
        gap = window.data[window.at : end]
        self._layout.gap(gap, self._array)
        window.done(end)
        if window.waits(end):
            return False
        byte = window.data[end]
        if self._array is None:
            return self._top(byte)
        if byte == END_ARRAY:
            return self._end_array()
        if byte == OBJECT:
            return self._bulk(self._array) or self._element(self._array, gap)
        return self._element(self._array, gap) if byte == ARRAY else self._scalar(self._array)

    def _top(self, byte: int) -> bool:
        if byte == OBJECT:
            return self._begin(None, Structure(watch=has_array_name))
        if byte == ARRAY:
            after = self._first_after(self._window.at + 1)
            if after is None:
                return False
            if after in {b"{", b"]"}:
                return self._enter(b"[", None)
        return self._lose(Refuse(NOT_JSON, self._window.line(self._window.at)), NextLine())

    def _first_after(self, at: int) -> bytes | None:
        """The first byte from ``at`` on that is not blank: none if it is too far, None if it has not arrived."""
        window = self._window
        end = _BLANK.match(window.data, at).end()  # type: ignore[union-attr]
        if end - window.kept > self._limits.record_bytes:
            return b""
        return None if window.waits(end) else window.data[end : end + 1]

    def _begin(self, index: int | None, structure: Structure) -> bool:
        self._open = Element(self._window.line(self._window.at), index, structure)
        return True

    def _enter(self, head: bytes, wrapper: Element | None) -> bool:
        """An array of records begins here; ``head`` is what was passed up to it."""
        self._layout.passed(head)
        self._array, self._wrapper, self._open = Nesting(), wrapper, None
        self._window.done(self._window.at + 1)
        return True

    def _end_array(self) -> bool:
        self._window.done(self._window.at + 1)
        self._open, self._array, self._wrapper = self._wrapper, None, None
        if self._open:
            self._open.structure.skip_array()
            self._open.before += b"null"
        return True

    def _element(self, array: Nesting, gap: bytes) -> bool:
        key = _FIRST_KEY.match(self._window.data, self._window.at)
        if array.marker is None and array.index and gap and key:
            array.marker = b"}" + gap + key[0]
        return self._begin(array.index, Structure())

    def _scalar(self, array: Nesting) -> bool:
        """Pass something else than an object or array: a number, a string, or what does not belong there."""
        window = self._window
        found = _SCALAR.match(window.data, window.at)
        text, quote = found[0], found[1]  # type: ignore[index]
        line = window.line(window.at)
        if len(text) > self._limits.record_bytes:
            return self._lose(too_long(self._limits, line, array.index), self._layout.sibling(array))
        end = window.at + len(text)
        if quote != b'"' and (window.waits(end) or window.data[end:] == b"\\"):
            return False
        if not text or quote == b"":
            refused = Refuse(NOT_JSON, line, array.index, ": in an array of records")
            return self._lose(refused, self._layout.sibling(array))
        add_whole(self._items, text, line, array.index, self._limits)
        return self._passed(text, end)

    def _bulk(self, array: Nesting) -> bool:
        """Read at once all elements up to the last place that looks like a boundary.

        Decoding proves the boundary: up to it, the bytes are a list of whole values, which they could not be if it were
        inside one.
        """
        if self._bulk_tried or array.marker is None:
            return False
        self._bulk_tried = True
        window = self._window
        cut = window.data.rfind(array.marker, window.at) + 1
        if cut - window.at < _MIN_BULK_BYTES:
            return False
        try:
            elements = _ELEMENTS.decode(b"[" + window.data[window.at : cut] + b"]")
        except (msgspec.DecodeError, RecursionError):
            return False
        for element in elements:
            raw = bytes(element)
            start = window.data.index(raw, window.at)
            self._layout.gap(window.data[window.at : start], array)
            add_whole(self._items, raw, window.line(start), array.index, self._limits)
            self._passed(raw, start + len(raw))
        return True

    def _scan(self, value: Element) -> bool:
        window = self._window
        stop, window.at = value.structure.scan(window.data, window.at)
        if stop is Stop.END:
            return self._end(value)
        if stop is Stop.ARRAY:
            return self._judge(value)
        self._measure(value)
        if stop is Stop.BROKEN:
            return self._lose(value.refuse(f"broken JSON: {value.structure.reason}"), self._layout.sibling(self._array))
        if value.refused:
            value.refused.add(window.forget(MAX_INDENT + 1))
        return False

    def _measure(self, value: Element) -> None:
        size = len(value.before) + self._window.at - self._window.kept
        if value.refused is None and size > self._limits.record_bytes:
            value.refused = too_long(self._limits, value.line, value.index).add(value.before)
            value.structure.watch = None

    def _judge(self, value: Element) -> bool:
        """The scan stands before an array with the name of an array of records: is it one?"""
        before = value.before + self._window.seen()
        after = self._first_after(self._window.at + 1)
        if after is None:
            return False
        wraps = after in {b"{", b"]"} and len(before) <= self._limits.record_bytes
        if wraps and is_wrapper(before, value.structure.depth):
            value.before = before
            value.wraps = True
            return self._enter(before, value)
        value.structure.watch = None
        return True

    def _end(self, value: Element) -> bool:
        raw = value.before + self._window.seen()
        self._open = None
        if value.refused:
            self._items.unreadable(value.refused.add(self._window.seen()).item())
        elif value.wraps and len(raw) <= self._limits.record_bytes:
            add_beside(self._items, raw, value.line)
        else:
            add_whole(self._items, raw, value.line, value.index, self._limits)
        return self._passed(raw, self._window.at)

    def _passed(self, raw: bytes, end: int) -> bool:
        if self._array:
            self._array.index += 1
        self._layout.passed(raw)
        self._window.done(end)
        return True

    def _lose(self, refused: Refuse, sibling: Sibling) -> bool:
        """What is being read is broken at the current position; look for its next sibling from there on."""
        self._lost, self._sibling, self._open = refused, sibling, None
        self._window.at = max(self._window.kept, self._window.at - sibling.overlap)
        return True

    def _recover(self, lost: Refuse) -> bool:
        window = self._window
        found = self._sibling.find(window.data, window.at)
        end = found if found >= 0 else max(window.kept, len(window.data) - self._sibling.overlap)
        lost.add(window.data[window.kept : end])
        window.done(end)
        if found < 0:
            return False
        self._give_up(lost, None)
        self._lost = None
        if self._sibling.array is not self._array:
            self._array = self._wrapper = None
        elif self._array:
            self._array.index += 1
        return True

    def _give_up(self, lost: Refuse, broken: str | None) -> None:
        item = lost.item(broken)
        if not SEPARATOR.match(item.raw):
            self._items.unreadable(item)


_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
