"""Frames Windows events as XML: each ``<Event>`` element is a record, one after the other or inside ``<Events>``."""

import re

from watchfloor.ingest.frame import Items, Refuse, too_long, unreadable
from watchfloor.ingest.limits import Limits

_OPEN = re.compile(rb"<Event(?=[\s>])")
_END = re.compile(rb"</Event\s*>|<Event(?=[\s>])")
_NOTHING = re.compile(rb"\s*+(?:(?:<\?xml[^>]*+>|</?Events\b[^>]*+>|<!--(?:[^-]|-(?!->))*+-->)\s*+)*+\Z")
"""What stands around events: the declaration, the element that holds them, comments."""
_TAG = re.compile(rb"(?:\xef\xbb\xbf)?<(?:\?xml\b|Events[\s>]|Event[\s>])")
_LONGEST_TAG = len(b"</Event>") + 64
_NO_END = "XML event without an end"
_NO_EVENT = "not an XML event"
HEAD_BYTES = 4096
"""Where an event must begin in a file that begins with an XML declaration."""


def begins_events(head: bytes) -> bool | None:
    """Whether text that begins with ``head`` is events; None if it takes more of it to tell.

    >>> begins_events(b"<Event xmlns='x'>"), begins_events(b"<34>Oct 11"), begins_events(b"<?xml version='1.0'?>")
    (True, False, None)
    """
    if not _TAG.match(head):
        return None if len(head) < len(b"<Events ") and b"<Events".startswith(head) else False
    if _OPEN.search(head, 0, HEAD_BYTES):
        return True
    return None if len(head) < HEAD_BYTES else False


class EventXml:
    """A framer for such text; what stands between events and is none becomes one item a stretch."""

    def __init__(self, limits: Limits, items: Items) -> None:
        self._limits = limits
        self._items = items
        self._data = b""
        self._at = 0
        """How far the data is done with."""
        self._line = 1
        self._looked = 0
        """How far the end of what begins there was looked for."""
        self._refused: Refuse | None = None
        self._until = _OPEN
        """What ends the refused bytes."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; find the events that they complete."""
        self._data = self._data[self._at :] + chunk
        self._looked -= self._at
        self._at = 0
        while self._step():
            pass

    def close(self, broken: str | None) -> None:
        """The bytes are over: an event without an end is one item."""
        rest = self._data[self._at :]
        if self._refused:
            self._items.unreadable(self._refused.add(rest).item(broken))
        elif broken or not _NOTHING.match(rest):
            self._give_up(broken or (_NO_END if _OPEN.match(rest.lstrip()) else _NO_EVENT), rest)

    def _step(self) -> bool:
        """Read one event, or pass what is none; False if that takes more bytes."""
        if self._refused:
            return self._pass(self._refused)
        event = _OPEN.match(self._data, self._at)
        wanted = _END if event else _OPEN
        found = wanted.search(self._data, max(self._looked, event.end() if event else 0, self._at))
        closes = found is not None and found[0].startswith(b"</")
        end = len(self._data) - _LONGEST_TAG if found is None else found.end() if closes else found.start()
        if end - self._at > self._limits.record_bytes:
            self._refused, self._until = too_long(self._limits, self._line), wanted
            self._drop(self._at + (len(b"<Event") if event else 0))
            return True
        if found is None:
            self._looked = max(end, 0)
            return False
        text = self._data[self._at : end]
        if closes:
            self._items.record(text, self._line)
        elif event:
            self._give_up(_NO_END, text)
        elif not _NOTHING.match(text):
            self._give_up(_NO_EVENT, text)
        self._drop(end)
        return True

    def _give_up(self, reason: str, text: bytes) -> None:
        line = self._line + text.count(b"\n", 0, len(text) - len(text.lstrip()))
        self._items.unreadable(unreadable(reason, line, text.strip()))

    def _pass(self, refused: Refuse) -> bool:
        found = self._until.search(self._data, self._at)
        end = max(len(self._data) - _LONGEST_TAG, self._at)
        if found:
            end = found.end() if found[0].startswith(b"</") else found.start()
        self._drop(end)
        if found:
            self._items.unreadable(refused.item())
            self._refused = None
        return found is not None

    def _drop(self, end: int) -> None:
        if self._refused:
            self._refused.add(self._data[self._at : end])
        self._line += self._data.count(b"\n", self._at, end)
        self._at = self._looked = end
