"""Frames mail: a message as a mail program saves it (.eml) is one record, a mailbox (mbox) has one for each message."""

import re

from watchfloor.ingest.frame import Items, Refuse, too_long, unreadable
from watchfloor.ingest.limits import Limits

HEAD_BYTES = 16 << 10
"""How much of a message's headers is looked at to tell that it is one."""

_MAILBOX = re.compile(rb"From [^\r\n]{3,998}\d{4}\r?\n[!-9;-~]{1,76}:")
"""The line before each message of a mailbox, with its sender and time, and the first header (RFC 4155)."""
_NEXT = re.compile(rb"\r?\n\r?\n(?=" + _MAILBOX.pattern + rb")")
_NEXT_BYTES = 2048
_FIRST = re.compile(
    rb"(?:Return-Path|Received|Delivered-To|X-[\w-]+|ARC-[\w-]+|DKIM-Signature|Authentication-Results|From|To|Cc|Date"
    rb"|Subject|Message-ID|MIME-Version|Reply-To|Sender|Content-Type|Received-SPF|Thread-[\w-]+|List-[\w-]+):",
    re.IGNORECASE,
)
_HEADER = re.compile(rb"[!-9;-~]{1,76}:[^\n]*+\n|[ \t][^\n]*+\n")
_NEEDED = re.compile(rb"^From:", re.IGNORECASE | re.MULTILINE)
_PROOF = re.compile(
    rb"^(?:Date|Message-ID|Received|MIME-Version|Subject|To|Return-Path):", re.IGNORECASE | re.MULTILINE
)
_BLANK = re.compile(rb"\n\r?\n")
_PROOFS = 2


def begins_mailbox(head: bytes) -> bool | None:
    """Whether text that begins with ``head`` is a mailbox; None if it takes more of it to tell."""
    if _MAILBOX.match(head):
        return True
    return None if len(head) < _NEXT_BYTES and head.startswith(b"From ") and head.count(b"\n") < 2 else False


def begins_message(head: bytes) -> bool | None:
    r"""Whether text that begins with ``head`` is a message; None if it takes more of it to tell.

    It begins with headers that mail has (RFC 5322), who it is from among them.

    >>> begins_message(b"From: a@example.com\nTo: b@example.com\nDate: Tue, 3 Mar 2026 09:00:00 +0000\n\nHello\n")
    True
    >>> begins_message(b"Date: today\nall is well\n\n")
    False
    """
    if not _FIRST.match(head):
        return False
    head = head[:HEAD_BYTES]
    end = _BLANK.search(head)
    if end is None and len(head) < HEAD_BYTES:
        return None
    return is_message(head[: end.start() + 1] if end else head[: head.rfind(b"\n") + 1])


def is_message(headers: bytes) -> bool:
    """Whether lines, each with its line break, are the headers of a message."""
    at = 0
    while found := _HEADER.match(headers, at):
        at = found.end()
    return at == len(headers) and _NEEDED.search(headers) is not None and len(_PROOF.findall(headers)) >= _PROOFS


class Message:
    """A framer for one message: its record is the whole file."""

    def __init__(self, limits: Limits, items: Items) -> None:
        self._limits = limits
        self._items = items
        self._pieces: list[bytes] = []
        self._size = 0
        self._refused: Refuse | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        if self._refused:
            self._refused.add(chunk)
            return
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._size > self._limits.record_bytes:
            self._refused = too_long(self._limits, 1)
            for piece in self._pieces:
                self._refused.add(piece)
            self._pieces = []

    def close(self, broken: str | None) -> None:
        """The bytes are over: that is the message."""
        if self._refused:
            self._items.unreadable(self._refused.item(broken))
        elif broken:
            self._items.unreadable(unreadable(broken, 1, b"".join(self._pieces)))
        else:
            self._items.record(b"".join(self._pieces), 1)


class Mailbox:
    """A framer for a mailbox: each message is a record, with the line before it."""

    def __init__(self, limits: Limits, items: Items) -> None:
        self._limits = limits
        self._items = items
        self._data = b""
        self._looked = 0
        self._line = 1
        self._refused: Refuse | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; find the messages that they complete."""
        self._data += chunk
        at = 0
        while found := _NEXT.search(self._data, max(at, self._looked)):
            self._end(self._data[at : found.start()])
            self._line += self._data.count(b"\n", at, found.end())
            at = self._looked = found.end()
        self._data = self._data[at:]
        if len(self._data) > self._limits.record_bytes + _NEXT_BYTES:
            self._refused = self._refused or too_long(self._limits, self._line)
            self._refused.add(self._data[:-_NEXT_BYTES])
            self._line += self._data.count(b"\n", 0, -_NEXT_BYTES)
            self._data = self._data[-_NEXT_BYTES:]
        self._looked = max(len(self._data) - _NEXT_BYTES, 0)

    def close(self, broken: str | None) -> None:
        """The bytes are over: the last message ends here."""
        if broken and not self._refused:
            self._items.unreadable(unreadable(broken, self._line, self._data))
        else:
            self._end(self._data, broken)

    def _end(self, message: bytes, broken: str | None = None) -> None:
        if self._refused:
            self._items.unreadable(self._refused.add(message).item(broken))
            self._refused = None
        elif len(message) > self._limits.record_bytes:
            self._items.unreadable(too_long(self._limits, self._line).add(message).item())
        elif message.strip():
            self._items.record(message, self._line)
