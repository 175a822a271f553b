"""Lines of ``key=value``: logfmt, and what firewalls write.

A value may stand in quotation marks, with a backslash before a mark or a backslash in it; else it goes up to the next
blank, and a comma or semicolon before that blank is none of it. A key without a value is true, as logfmt has it.
"""

import re
from typing import Any

from watchfloor.errors import RecordError
from watchfloor.normalize.formats.limits import MAX_PAIRS

_KEY = r"[A-Za-z_][\w.@/-]{0,127}"
_START = re.compile(_KEY + r"=")
_PAIR = re.compile(r"[\s,;]*+(" + _KEY + r")(?:=(?:\"((?:[^\"\\]|\\.)*+)(\"|\Z)|(\S*+))|(?=[\s,;]|\Z))", re.DOTALL)
_SIMPLE = re.compile(r"(" + _KEY + r")=(?:\"([^\"\\]*+)\"|([^\s\",;]*+))(?=\s|\Z)\s*+")
_ALL_SIMPLE = re.compile(r"(?:" + _SIMPLE.pattern + r")++")
_END = re.compile(r"[\s,;]*+\Z")
_ESCAPE = re.compile(r"\\([\"\\])")
_FEWEST = 3
"""A sentence may have a word with an equals sign in it, or two."""


def read_pairs(text: str) -> dict[str, Any] | None:
    r"""The pairs of a text that is nothing else, at least three of them; None if it is not.

    >>> read_pairs('date=2026-03-03 devname="fw \\"1\\"" srcip=192.0.2.7, dry_run')
    {'date': '2026-03-03', 'devname': 'fw "1"', 'srcip': '192.0.2.7', 'dry_run': True}
    >>> read_pairs("login of alice failed, rhost=192.0.2.7") is None
    True

    Raises:
        RecordError: It has more pairs than any product writes.
    """
    if not _START.match(text):
        return None
    if _ALL_SIMPLE.fullmatch(text):
        found = _SIMPLE.findall(text)
        if len(found) > MAX_PAIRS:
            raise RecordError(f"more than {MAX_PAIRS:,} pairs")
        # Of a key that is there twice, the first counts.
        record = {key: quoted or plain for key, quoted, plain in reversed(found)}
        return dict(reversed(record.items())) if len(record) >= _FEWEST else None
    record, end = pairs_of(text)
    whole = _END.match(text, end) is not None
    return record if whole and sum(value is not True for value in record.values()) >= _FEWEST else None


def pairs_of(text: str) -> tuple[dict[str, Any], int]:
    """The pairs that a text begins with, and where they end; of a key that is there twice, the first counts.

    Raises:
        RecordError: It has more pairs than any product writes.
    """
    record: dict[str, Any] = {}
    at = 0
    for count, found in enumerate(_matches(text)):
        if count >= MAX_PAIRS:
            raise RecordError(f"more than {MAX_PAIRS:,} pairs")
        key, quoted, _, plain = found.groups()
        if key not in record:
            record[key] = _value(quoted, plain)
        at = found.end()
    return record, at


def _matches(text: str) -> Any:
    at = 0
    while found := _PAIR.match(text, at):
        yield found
        at = found.end()


def _value(quoted: str | None, plain: str | None) -> Any:
    if quoted is not None:
        return _ESCAPE.sub(r"\1", quoted) if "\\" in quoted else quoted
    return True if plain is None else plain.rstrip(",;")
