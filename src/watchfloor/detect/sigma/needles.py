"""What a value must hold for a test to be true of it: bytes to search for, many tests at once.

Values are searched folded, in UTF-8, with an :data:`EDGE` before and after each, so that beginnings and ends are
searched for like any other text. A needle that is found does not make the test true; none found makes it false.
"""

from watchfloor.detect.sigma.condition import Glob, Regex, Test
from watchfloor.detect.sigma.folding import fold
from watchfloor.detect.sigma.regex_texts import regex_texts

EDGE = b"\xff"
"""Stands before and after a value; no byte of UTF-8."""

MAX_NEEDLE = 64
"""The longest needle, in bytes: a longer text is as rare as its beginning."""

Needles = frozenset[bytes]


def needles(test: Test) -> Needles | None:
    r"""Bytes of which a value that satisfies the test holds at least one; ``None`` if there are none to search for.

    >>> from watchfloor.detect.sigma.globs import Wildcard, glob
    >>> needles(glob([Wildcard.MANY, "\\CMD.exe"]))
    frozenset({b'\\cmd.exe\xff'})
    >>> needles(Regex("[a-z]+")) is None
    True
    """
    match test:
        case Glob():
            needle = max(_of_glob(test), key=len, default=None)
            return None if needle is None else frozenset({needle})
        case Regex(pattern, flags):
            texts = regex_texts(pattern, flags)
            return None if texts is None else frozenset(one.encode()[:MAX_NEEDLE] for one in texts)
        case _:
            return None


def _of_glob(test: Glob) -> list[bytes]:
    """The texts of a pattern, each with the edges of the value that it touches."""
    found = []
    last = len(test.segments) - 1
    for number, segment in enumerate(test.segments):
        for place, text in enumerate(segment):
            encoded = (fold(text) if test.cased else text).encode()
            starts = EDGE if number == 0 and place == 0 else b""
            ends = EDGE if number == last and place == len(segment) - 1 else b""
            if encoded or (starts and ends):
                found.append(_clipped(starts + encoded + ends, starts))
    return found


def _clipped(needle: bytes, starts: bytes) -> bytes:
    if len(needle) <= MAX_NEEDLE:
        return needle
    return needle[:MAX_NEEDLE] if starts else needle[-MAX_NEEDLE:]
