"""Finds where a JSON object or array ends, in bytes that arrive in pieces.

Only the structure is followed: brackets, strings and escapes. Compiled patterns jump from bracket to bracket. An
opening bracket where JSON allows none, a closing bracket of the wrong kind and a line break inside a string are errors:
they show that a record was cut off and that the next one has begun.
"""

import re
from collections.abc import Callable
from enum import Enum

OBJECT, END_OBJECT, ARRAY, END_ARRAY = b"{}[]"
_QUOTE, _BACKSLASH, _COLON, _COMMA = b'"\\:,'
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"(?:[^"\\\n]++|\\[^\n])*+"[^"{}\[\]]*+)*+')
_IN_STRING = re.compile(rb'(?:[^"\\\n]++|\\[^\n])*+')
_CLOSES = {END_OBJECT: OBJECT, END_ARRAY: ARRAY}
_WATCHED = (bytes([OBJECT]), bytes([OBJECT, OBJECT]))

MAX_DEPTH = 1 << 20
"""Bounds the memory for open brackets; far beyond what any JSON decoder accepts."""


class Stop(Enum):
    """Why a scan stopped."""

    MORE = "the bytes are used up"
    END = "the value ends here"
    ARRAY = "an array that is watched for begins here"
    BROKEN = "the bytes from here on do not belong to the value"


Watch = Callable[[bytes, int], bool]
"""Told what stands before an array, and how many objects deep (1 or 2) it is: whether to stop there."""

_WATCH_BYTES = 64
"""How much of what stands before an array the watch is told."""


class Structure:
    """The open brackets of one value, scanned so far."""

    def __init__(self, *, watch: Watch | None = None) -> None:
        self.watch = watch
        self.reason = ""
        """What is wrong, after :attr:`Stop.BROKEN`."""
        self._open = bytearray()
        self._in_string = False
        self._last = 0

    @property
    def depth(self) -> int:
        """How many brackets are open."""
        return len(self._open)

    def scan(self, data: bytes, at: int) -> tuple[Stop, int]:
        """Scan on from ``at``; a new scan begins at the value's first byte.

        Returns:
            Why it stopped and where: behind the value at its end, before the byte in question otherwise. A scan that
            wants more bytes or was stopped at an array goes on from there.
        """
        if self._in_string:
            at = self._string(data, at)
            if self._in_string:
                return self._pause(data, at)
        while True:
            start, at = at, _TO_BRACKET.match(data, at).end()  # type: ignore[union-attr]
            if at == len(data):
                self._remember(data[start:at])
                return Stop.MORE, at
            byte = data[at]
            if byte in _CLOSES:
                stop = self._close(byte)
            else:
                self._remember(data[start:at])
                if byte == _QUOTE:
                    self._in_string = True
                    return self._pause(data, self._string(data, at + 1))
                stop = self._enter(data, at)
            if stop:
                return stop, at + (stop is Stop.END)
            at += 1

    def skip_array(self) -> None:
        """The array that the scan stopped at was read by somebody else; scan on behind it."""
        self._last = END_ARRAY

    def _pause(self, data: bytes, at: int) -> tuple[Stop, int]:
        """Inside a string that does not end in these bytes."""
        if at == len(data) or (data[at] == _BACKSLASH and at + 1 == len(data)):
            return Stop.MORE, at
        self.reason = "line break inside a string"
        return Stop.BROKEN, at

    def _string(self, data: bytes, at: int) -> int:
        at = _IN_STRING.match(data, at).end()  # type: ignore[union-attr]
        if data[at : at + 1] == b'"':
            self._in_string = False
            self._last = _QUOTE
            at += 1
        return at

    def _remember(self, passed: bytes) -> None:
        passed = passed.rstrip()
        if passed:
            self._last = passed[-1]

    def _close(self, byte: int) -> Stop | None:
        if not self._open or self._open[-1] != _CLOSES[byte]:
            self.reason = f"{chr(byte)} closes nothing"
            return Stop.BROKEN
        self._open.pop()
        self._last = byte
        return None if self._open else Stop.END

    def _enter(self, data: bytes, at: int) -> Stop | None:
        byte = data[at]
        if byte == ARRAY and self.watch and self._open in _WATCHED:
            before = data[max(at - _WATCH_BYTES, 0) : at]
            if self.watch(before, self.depth):
                return Stop.ARRAY
        if self._open and not self._may_open(self._open[-1]):
            return Stop.BROKEN
        self._open.append(byte)
        self._last = byte
        return None

    def _may_open(self, inside: int) -> bool:
        if len(self._open) >= MAX_DEPTH:
            self.reason = f"nested deeper than {MAX_DEPTH:,}"
            return False
        self.reason = "a record begins inside another one"
        return self._last == _COLON if inside == OBJECT else self._last in {ARRAY, _COMMA}


def is_one_value(line: bytes) -> bool:
    """Whether the bytes are exactly one object or array, as far as structure goes.

    >>> is_one_value(b'{"a": "}"} '), is_one_value(b'{"a": {'), is_one_value(b'{} {}')
    (True, False, False)
    """
    stop, end = Structure().scan(line, 0)
    return stop is Stop.END and not line[end:].strip()
