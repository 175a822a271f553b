"""Frames records that stand one a line: JSON objects, and lines of text.

A line that begins and ends like an object is a record; one that is a wrapper or an array gives its elements; one that
begins like an object and ends inside it is broken. Any other line of text is a record as it is: which source wrote it
is for normalization to say.
"""

import re
from io import BytesIO
from operator import itemgetter

import orjson

from watchfloor.ingest.characters import MARK, NOT_TEXT, has_controls, is_text
from watchfloor.ingest.frame import SEPARATOR, Items, Refuse, too_long, unreadable
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.values import Values
from watchfloor.ingest.wrappers import HEAD_BYTES, is_ordinary, may_be_wrapper

_PADDING = b" \t\r\n\0\xef\xbb\xbf"
"""Blanks, NUL bytes that a crash left behind, and the byte order mark of a file that was appended."""
_ARRAY = re.compile(rb"\[\s*+[{\]]")
_SEVERAL = re.compile(rb"\}\{")
"""Between two objects. Looking for two bytes, a pattern is three times as fast as ``in``."""
_LAYOUT_ON_LINES = (b"{", b"[")
_TEXT_LOG = 16
"""After so many lines of text, a bracket alone on a line is one more of them: else who can write into a log could make
the rest of it one broken record."""
_ODD_STARTS = frozenset({b"", b"{", b"[", b" ", b"\t", b"\r", b"\n", b"\v", b"\f", b"\0", MARK[:1], b"R"})
"""How lines begin that are looked at one by one; the last is for separators."""
_BREAKS = re.compile(rb"\n*+")

_BLOCK_BYTES = 32 << 10
"""How much is looked at together: enough that it costs little, not so much that each block has an odd line in it."""
_head = itemgetter(slice(HEAD_BYTES))
_start = itemgetter(slice(1))
_end = itemgetter(slice(-1, None))


class Lines:
    """A framer for one record a line."""

    def __init__(self, limits: Limits, items: Items) -> None:
        self._limits = limits
        self._items = items
        self._line = 1
        self._held: list[bytes] = []
        """The beginning of a line, in pieces."""
        self._size = 0
        self._refused: Refuse | None = None
        self._texts = 0
        """How many lines of text there were since the last record that was none."""
        self._values: Values | None = None
        """Reads the rest of the file, once it turned out not to be one record a line."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; find the lines that they complete."""
        at = self._end_held(chunk) if self._held or self._refused else 0
        while at < len(chunk) and not self._values:
            at = self._block(chunk, at)
        if self._values:
            self._values.feed(chunk[at:])

    def close(self, broken: str | None) -> None:
        """The bytes are over: the last line may lack its line break."""
        if self._values:
            self._values.close(broken)
        elif self._refused:
            self._items.unreadable(self._refused.item(broken))
        else:
            line = b"".join(self._held)
            if broken is None or _is_json(line):
                self._frame(line)
                line = b""
            if broken:
                self._items.unreadable(unreadable(broken, self._line, line.strip()))

    def _end_held(self, chunk: bytes) -> int:
        """Read the rest of the line whose beginning is held; returns where to go on."""
        end = chunk.find(b"\n")
        if end < 0:
            self._hold(chunk)
            return len(chunk)
        if self._refused:
            self._items.unreadable(self._refused.add(chunk[:end]).item())
            self._refused = None
            self._line += 1
        else:
            line = b"".join((*self._held, chunk[: end + 1]))
            self._held, self._size = [], 0
            self._read(line)
        return end + 1

    def _block(self, chunk: bytes, at: int) -> int:
        """Read some lines from ``at`` on, or hold the beginning of one; returns where to go on."""
        start = _BREAKS.match(chunk, at).end()  # type: ignore[union-attr]
        self._line += start - at
        file = BytesIO(chunk)
        file.seek(start)
        lines = file.readlines(_BLOCK_BYTES)
        end = file.tell()
        tail = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        several = _SEVERAL.search(chunk, start, end) is not None
        if not self._read_plain(lines, several=several) and not self._read_texts(lines):
            for line in lines:
                self._read(line)
                start += len(line)
                if self._values:
                    return start
        if tail:
            self._hold(tail)
        return end

    def _read_plain(self, lines: list[bytes], *, several: bool) -> bool:
        """Read lines, if each of them is without doubt one record."""
        if several or sum(map(len, lines)) > self._limits.record_bytes:
            return False
        texts = list(map(bytes.strip, lines))
        if set(map(_end, texts)) != {b"}"} or not all(map(is_ordinary, set(map(_head, texts)))):
            return False
        self._items.lines(texts, self._line)
        self._line += len(texts)
        self._texts = 0
        return True

    def _read_texts(self, lines: list[bytes]) -> bool:
        """Read lines, if each of them is without doubt text."""
        if not _ODD_STARTS.isdisjoint(map(_start, lines)) or sum(map(len, lines)) > self._limits.record_bytes:
            return False
        if has_controls(b"".join(lines)):
            return False
        self._items.lines([line.rstrip(b"\r\n") for line in lines], self._line)
        self._line += len(lines)
        self._texts += len(lines)
        return True

    def _read(self, line: bytes) -> None:
        """Read a line, whatever it is; it comes with its line break."""
        if line == b"\n":
            self._line += 1
            return
        text = line.strip()
        long = len(line) - 1 > self._limits.record_bytes
        if self._holds_others(line) if long else text in _LAYOUT_ON_LINES and self._texts < _TEXT_LOG:
            self._hand_over(line)
            return
        if long:
            self._items.unreadable(too_long(self._limits, self._line).add(line[:-1]).item())
        else:
            self._frame(line)
        self._line += 1

    def _hold(self, piece: bytes) -> None:
        """Keep the beginning of a line, no more of it than a record may have."""
        if self._refused:
            self._refused.add(piece)
            return
        self._held.append(piece)
        self._size += len(piece)
        if self._size <= self._limits.record_bytes:
            return
        start = b"".join(self._held)
        self._held, self._size = [], 0
        if self._holds_others(start):
            self._hand_over(start)
        else:
            self._refused = too_long(self._limits, self._line).add(start)

    def _hand_over(self, start: bytes) -> None:
        self._values = Values(self._limits, self._items, line=self._line)
        self._values.feed(start)

    def _holds_others(self, line: bytes) -> bool:
        """Whether a line over the limit, of which at least so much is given, holds records rather than being one."""
        text = line[: self._limits.record_bytes + 1].lstrip()
        return may_be_wrapper(text) or _ARRAY.match(text) is not None

    def _frame(self, line: bytes) -> None:
        text = line.strip()
        if not text:
            return
        if not (text.startswith(b"{") and text.endswith(b"}")):
            self._frame_odd(line, text)
            return
        self._texts = 0
        if _SEVERAL.search(text) or may_be_wrapper(text):
            self._frame_inner(text)
        else:
            self._items.record(text, self._line)

    def _frame_odd(self, line: bytes, text: bytes) -> None:
        inner = text.strip(_PADDING)
        if inner.startswith(b"{") and inner.endswith(b"}") and inner != text:
            self._frame(inner)
        elif _ARRAY.match(inner) and self._texts < _TEXT_LOG:
            self._frame_inner(inner)
        elif inner.startswith(b"{") and self._texts < _TEXT_LOG:
            reason = "broken JSON: the line ends inside a record"
            self._items.unreadable(unreadable(reason, self._line, text))
        elif not SEPARATOR.match(inner):
            self._frame_text(line.rstrip(b"\r\n\0").lstrip(b"\0").removeprefix(MARK))

    def _frame_text(self, text: bytes) -> None:
        if text and is_text(text):
            self._items.record(text, self._line)
            self._texts += 1
        else:
            self._items.unreadable(unreadable(NOT_TEXT, self._line, text))

    def _frame_inner(self, text: bytes) -> None:
        inner = Values(self._limits, self._items, line=self._line)
        inner.feed(text)
        inner.close(None)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
