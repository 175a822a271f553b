"""Frames records that stand one a line: NDJSON, whatever else may stand between.

A line counts as a record if it begins and ends like an object. A line that is a wrapper or an array gives its elements.
"""

import re

import orjson

from watchfloor.ingest.frame import NOT_JSON, SEPARATOR, Item, Record, Refuse, too_long, unreadable
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.values import Values
from watchfloor.ingest.wrappers import may_be_wrapper

_PADDING = b" \t\r\n\0\xef\xbb\xbf"
"""Blanks, NUL bytes that a crash left behind, and the byte order mark of a file that was appended."""
_ARRAY = re.compile(rb"\[\s*+[{\]]")
_SEVERAL = b"}{"
_LAYOUT_ON_LINES = (b"{", b"[")


class Lines:
    """A framer for one record a line."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._line = 1
        self._held: list[bytes] = []
        """The beginning of a line, in pieces."""
        self._size = 0
        self._refused: Refuse | None = None
        self._values: Values | None = None
        """Reads the rest of the file, once it turned out not to be one record a line."""

    def feed(self, chunk: bytes) -> list[Item]:
        """Take the next bytes; give the lines that they complete."""
        if self._values:
            return self._values.feed(chunk)
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            return self._hold(tail)
        items: list[Item] = []
        if self._refused:
            first, newline, head = head.partition(b"\n")
            items.append(self._refused.add(first).item())
            self._refused = None
            self._line += 1
            if not newline:
                return items + self._hold(tail)
        block = b"".join((*self._held, head))
        self._held, self._size = [], 0
        if not block.strip(b"\n"):
            self._line += len(block) + 1
            return items + self._hold(tail)
        lines = block.split(b"\n")
        for number, line in enumerate(lines):
            if not line:
                self._line += 1
                continue
            text = line.strip()
            long = len(line) > self._limits.record_bytes
            if self._holds_others(line) if long else text in _LAYOUT_ON_LINES:
                rest = b"\n".join((*lines[number:], tail))
                return items + self._hand_over(rest)
            if long:
                items.append(too_long(self._limits, self._line).add(line).item())
            else:
                self._frame(text, items)
            self._line += 1
        return items + self._hold(tail)

    def close(self, broken: str | None) -> list[Item]:
        """The bytes are over: the last line may lack its line break."""
        if self._values:
            return self._values.close(broken)
        if self._refused:
            return [self._refused.item(broken)]
        text = b"".join(self._held).strip()
        items: list[Item] = []
        if broken is None or _is_json(text):
            self._frame(text, items)
            text = b""
        if broken:
            items.append(unreadable(broken, self._line, text))
        return items

    def _hold(self, piece: bytes) -> list[Item]:
        """Keep the beginning of a line, no more of it than a record may have."""
        if self._refused:
            self._refused.add(piece)
            return []
        self._held.append(piece)
        self._size += len(piece)
        if self._size <= self._limits.record_bytes:
            return []
        start = b"".join(self._held)
        if self._holds_others(start):
            return self._hand_over(start)
        self._refused = too_long(self._limits, self._line).add(start)
        self._held, self._size = [], 0
        return []

    def _hand_over(self, rest: bytes) -> list[Item]:
        self._held = []
        self._values = Values(self._limits, line=self._line)
        return self._values.feed(rest)

    def _holds_others(self, line: bytes) -> bool:
        """Whether a line over the limit, of which at least so much is given, holds records rather than being one."""
        text = line[: self._limits.record_bytes + 1].lstrip()
        return may_be_wrapper(text) or _ARRAY.match(text) is not None

    def _frame(self, text: bytes, items: list[Item]) -> None:
        if not text:
            return
        if not (text.startswith(b"{") and text.endswith(b"}")):
            self._frame_odd(text, items)
        elif _SEVERAL in text or may_be_wrapper(text):
            self._frame_inner(text, items)
        else:
            items.append(Record(text, self._line))

    def _frame_odd(self, text: bytes, items: list[Item]) -> None:
        inner = text.strip(_PADDING)
        if inner.startswith(b"{") and inner.endswith(b"}") and inner != text:
            self._frame(inner, items)
        elif _ARRAY.match(inner):
            self._frame_inner(inner, items)
        elif inner.startswith(b"{"):
            items.append(unreadable("broken JSON: the line ends inside a record", self._line, text))
        elif not SEPARATOR.match(inner):
            items.append(unreadable(NOT_JSON, self._line, text))

    def _frame_inner(self, text: bytes, items: list[Item]) -> None:
        inner = Values(self._limits, line=self._line)
        items += inner.feed(text)
        items += inner.close(None)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
