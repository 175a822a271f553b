"""Frames the log of the Linux audit daemon: the lines of one event, which have its id, are one record.

A program that starts is five lines or so: the call, its arguments, where, the files, the title. The daemon writes them
one after the other; lines between which another event's stand are records of their own.
"""

import re

from watchfloor.ingest.frame import Items, Unreadable
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.lines import Lines

_ID = re.compile(rb"(node=\S{1,255} )?type=[A-Z0-9_\[\]]{1,64} msg=(audit\(\d{1,12}\.\d{1,3}:\d{1,20}\)): ?")
_MOST_LINES = 256
"""Of one record: the kernel writes a line for each file, and for each piece of long arguments."""


def is_audit_line(line: bytes) -> bool:
    """Whether a line is one of the audit daemon's.

    >>> is_audit_line(b"type=CWD msg=audit(1772529245.123:4501): cwd=/"), is_audit_line(b"type=CWD")
    (True, False)
    """
    return _ID.match(line) is not None


class AuditLines:
    """A framer for such a log; what else stands in it is read as lines are."""

    def __init__(self, limits: Limits, items: Items) -> None:
        self._joined = _Joined(limits, items)
        self._lines = Lines(limits, self._joined)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; find the records that they complete."""
        self._lines.feed(chunk)

    def close(self, broken: str | None) -> None:
        """The bytes are over, and so is the event."""
        self._lines.close(broken)
        self._joined.end()


class _Joined(Items):
    """Items that hold the lines of one event until another begins."""

    def __init__(self, limits: Limits, items: Items) -> None:
        super().__init__()
        self._most = limits.record_bytes
        self._items_beyond = items
        self._id: tuple[bytes | None, ...] | None = None
        self._held: list[bytes] = []
        self._size = 0
        self._line = 0

    def record(self, raw: bytes, line: int, index: int | None = None) -> None:
        found = _ID.match(raw)
        if found is None:
            self.end()
            self._items_beyond.record(raw, line, index)
            return
        size, event = self._size + len(raw) + 1, found.groups()
        if event != self._id or size > self._most or len(self._held) == _MOST_LINES:
            self.end()
            self._id, self._line, size = event, line, len(raw)
        self._held.append(raw)
        self._size = size

    def lines(self, raw: list[bytes], first: int) -> None:
        for line, text in enumerate(raw, start=first):
            self.record(text, line)

    def unreadable(self, item: Unreadable) -> None:
        self.end()
        self._items_beyond.unreadable(item)

    def end(self) -> None:
        """Give what is held."""
        if self._held:
            self._items_beyond.record(b"\n".join(self._held), self._line)
        self._id, self._held, self._size = None, [], 0
