"""Where syslog messages begin and end in a stream (RFC 6587): counted octets, or a line each.

Which of the two a sender uses shows in its first bytes: a count, a blank and ``<``.
"""

import re
from collections.abc import Callable
from typing import Protocol

from watchfloor.ingest.limits import size_text

_TRAILER = b"\r\0"
_COUNT = re.compile(rb"([1-9][0-9]{0,8}) ")
_COUNTED = re.compile(rb"[1-9][0-9]{0,8} <")
_MAYBE_COUNTED = re.compile(rb"(?:[1-9][0-9]{0,8} ?)?")
_BETWEEN = re.compile(rb"[\r\n\0]*+")

OnDrop = Callable[[str], None]
"""Told why a message is left out."""


class Framing(Protocol):
    """Cuts one connection's bytes into messages; holds no more than one that is not whole yet."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The messages that the next bytes complete."""
        ...

    def close(self) -> list[bytes]:
        """The sender has ended: the messages that were whole all the same."""
        ...

    @property
    def pending(self) -> bool:
        """Whether a message has begun and not ended."""
        ...

    @property
    def broken(self) -> str:
        """Why there is no telling where the next message begins, if so; nothing more is read then."""
        ...


class AnyFraming:
    """Recognises the framing, and hands over."""

    def __init__(self, most: int, on_drop: OnDrop) -> None:
        self._most = most
        self._on_drop = on_drop
        self._head = b""
        self._framing: Framing | None = None

    def feed(self, chunk: bytes) -> list[bytes]:
        """See :class:`Framing`."""
        if self._framing is None:
            self._head += chunk
            if _MAYBE_COUNTED.fullmatch(self._head):
                return []
            chunk = self._begin()
        assert self._framing is not None  # noqa: S101 - begun above
        return self._framing.feed(chunk)

    def close(self) -> list[bytes]:
        """See :class:`Framing`."""
        if self._framing is None:
            return self._framed(self._begin())
        return self._framing.close()

    @property
    def pending(self) -> bool:
        """See :class:`Framing`."""
        return self._framing.pending if self._framing else bool(self._head)

    @property
    def broken(self) -> str:
        """See :class:`Framing`."""
        return self._framing.broken if self._framing else ""

    def _begin(self) -> bytes:
        counted = _COUNTED.match(self._head)
        self._framing = Counted(self._most, self._on_drop) if counted else Lines(self._most, self._on_drop)
        head, self._head = self._head, b""
        return head

    def _framed(self, chunk: bytes) -> list[bytes]:
        assert self._framing is not None  # noqa: S101 - begun by the caller
        return self._framing.feed(chunk) + self._framing.close()


class Lines:
    """One message a line; carriage returns and NUL bytes at its end belong to the framing, and empty lines too."""

    broken = ""

    def __init__(self, most: int, on_drop: OnDrop) -> None:
        self._most = most
        self._on_drop = on_drop
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """See :class:`Framing`."""
        first, newline, rest = chunk.partition(b"\n")
        self._hold(first)
        if not newline:
            return []
        lines = [self._release()] if self._size else []
        if rest:
            lines += rest.split(b"\n")
            self._hold(lines.pop())
        return self._whole(lines)

    def close(self) -> list[bytes]:
        """See :class:`Framing`."""
        return self._whole([self._release()])

    @property
    def pending(self) -> bool:
        """See :class:`Framing`."""
        return self._size > 0

    def _hold(self, piece: bytes) -> None:
        """Keep the beginning of a line; of one that is too long, only that it is."""
        self._size += len(piece)
        if self._size <= self._most + len(_TRAILER):
            self._held.append(piece)
            if len(self._held) > 64:
                self._held = [b"".join(self._held)]
        else:
            self._held = []

    def _release(self) -> bytes:
        line = b"".join(self._held)
        if self._size > self._most + len(_TRAILER):
            self._on_drop(_too_long(self._most))
            line = b""
        self._held, self._size = [], 0
        return line

    def _whole(self, lines: list[bytes]) -> list[bytes]:
        messages = [message for line in lines if (message := line.rstrip(_TRAILER))]
        if messages and max(map(len, messages)) > self._most:
            for message in messages:
                if len(message) > self._most:
                    self._on_drop(_too_long(self._most))
            return [message for message in messages if len(message) <= self._most]
        return messages


class Counted:
    """Each message behind its length; line breaks and NUL bytes between messages are passed over."""

    def __init__(self, most: int, on_drop: OnDrop) -> None:
        self._most = most
        self._on_drop = on_drop
        self._data = bytearray()
        self._needed = 0
        """How much data there must be before it is worth looking at."""
        self._skip = 0
        self.broken = ""

    def feed(self, chunk: bytes) -> list[bytes]:
        """See :class:`Framing`."""
        passed = min(self._skip, len(chunk))
        self._skip -= passed
        self._data += chunk[passed:] if passed else chunk
        if len(self._data) < self._needed:
            return []
        self._needed = 0
        messages: list[bytes] = []
        at = 0
        while (end := self._message(at, messages)) is not None:
            at = end
        del self._data[: _BETWEEN.match(self._data, at).end()]  # type: ignore[union-attr]
        return messages

    def close(self) -> list[bytes]:
        """See :class:`Framing`."""
        if self._data:
            self._on_drop("cut off inside a message")
        return []

    @property
    def pending(self) -> bool:
        """See :class:`Framing`."""
        return bool(self._data) or self._skip > 0

    def _message(self, at: int, messages: list[bytes]) -> int | None:
        """Read the message at ``at``; where to go on, or None if that takes more bytes."""
        data = self._data
        at = _BETWEEN.match(data, at).end()  # type: ignore[union-attr]
        count = _COUNT.match(data, at)
        if count is None:
            if _MAYBE_COUNTED.fullmatch(data, at) is None:
                self.broken = "no count where a message should begin"
            return None
        start, size = count.end(), int(count[1])
        if size > self._most:
            self._on_drop(_too_long(self._most))
            self._skip = max(start + size - len(data), 0)
            return min(start + size, len(data))
        if start + size > len(data):
            self._needed = start + size - at
            return None
        messages.append(bytes(data[start : start + size]))
        return start + size


def _too_long(most: int) -> str:
    return f"longer than {size_text(most)}"
