"""Tells text from bytes that are none: pictures, archives, encrypted data."""

import codecs
import re

NOT_TEXT = "neither JSON nor text"
MARK = codecs.BOM_UTF8

_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\v\f\r\x1b") + b"\x7f"
"""Characters that text has no use for; terminals are told colours with an escape, and logs keep what they were told."""
_ANY_CONTROL = re.compile(b"[" + re.escape(_CONTROLS) + b"]")
_MOST = 1 / 3
_MOST_BROKEN = 1 / 20
"""Of random bytes, one in nine is a control character."""


def has_controls(data: bytes) -> bool:
    """Whether there is a control character: what has none is text."""
    return _ANY_CONTROL.search(data) is not None


def is_text(line: bytes) -> bool:
    r"""Whether a line is text: it may hold some control characters, but not many, and fewer if it is not UTF-8.

    A line that somebody put a few of them into, so that nobody reads it, is still a line.

    >>> is_text("caf\xe9 \x00 closed".encode()), is_text(b"\x89PNG\x1a\x00\x0d"), is_text("Zoë".encode("utf-16-le"))
    (True, False, False)
    """
    controls = len(line) - len(line.translate(None, _CONTROLS))
    if controls <= len(line) * _MOST_BROKEN:
        return True
    return controls < len(line) * _MOST and _is_utf8(line)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
