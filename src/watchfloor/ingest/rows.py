"""Frames CSV with a header: each row becomes one JSON object, with the header's names and the fields as strings."""

import re

import orjson

from watchfloor.ingest.frame import Items, Refuse, too_long, unreadable
from watchfloor.ingest.limits import Limits

_DELIMITERS = (b",", b";", b"\t")
_NAME = re.compile(r"[A-Za-z_@][\w .()/#@$-]{0,127}")
TYPE_LINE = b"#TYPE "
"""How the line begins that PowerShell's Export-Csv writes above the header."""
_OPEN_QUOTED = re.compile(rb'"(?:[^"]++|"")*+\Z')


class Grammar:
    """RFC 4180 with any delimiter: quoted fields may span lines, a quote inside them is doubled."""

    def __init__(self, delimiter: bytes) -> None:
        mark = re.escape(delimiter)
        quoted, plain = rb'"(?:[^"]++|"")*+"', rb'[^"\r\n' + mark + rb"][^\r\n" + mark + rb"]*+"
        one = rb"(?:" + quoted + rb"|" + plain + rb"|)"
        self.row = re.compile(one + rb"(?:" + mark + one + rb")*+")
        """Matches as much as is well-formed: the whole row, if a line break follows."""
        self._field = re.compile(rb"(" + one + rb")" + mark)
        self._delimiter = delimiter

    def fields(self, row: bytes) -> list[str]:
        """The fields of a row without its line break; bytes that are not UTF-8 are replaced.

        >>> Grammar(b",").fields(b'a,"b ""c"", d",')
        ['a', 'b "c", d', '']
        """
        return [_text(found[1]) for found in self._field.finditer(row + self._delimiter)]


def _text(field: bytes) -> str:
    if field.startswith(b'"'):
        field = field[1:-1].replace(b'""', b'"')
    return field.decode("utf-8", "replace")


def csv_delimiter(line: bytes) -> bytes | None:
    """The delimiter of a CSV file with this first line; None if it is no header.

    A header is at least two different names of ordinary characters.

    >>> csv_delimiter(b'RecordId,CreationDate,AuditData')
    b','
    >>> csv_delimiter(b"Jan 1 00:00:00 host sshd: hello, world") is None
    True
    """
    line = line.rstrip(b"\r")
    for delimiter in _DELIMITERS:
        grammar = Grammar(delimiter)
        if not grammar.row.fullmatch(line):
            continue
        names = grammar.fields(line)
        if len(set(names)) == len(names) > 1 and all(_NAME.fullmatch(name) for name in names):
            return delimiter
    return None


class Rows:
    """A framer for CSV; its first row is the header."""

    def __init__(self, limits: Limits, items: Items, *, delimiter: bytes) -> None:
        self._limits = limits
        self._items = items
        self._grammar = Grammar(delimiter)
        self._names: list[str] = []
        self._data = b""
        self._line = 1
        self._enough = 0
        """How much data there must be before it is worth looking for the end of a row again."""
        self._refused: Refuse | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; find the rows that they complete."""
        self._data += chunk
        if len(self._data) >= self._enough:
            self._rows()

    def close(self, broken: str | None) -> None:
        """The bytes are over: the last row may lack its line break."""
        self._rows()
        if broken is None and self._data:
            self._data += b"\n"
            self._rows()
        if self._refused:
            self._items.unreadable(self._refused.add(self._data).item(broken))
        elif broken or self._data:
            reason = broken or "broken CSV: a quoted field without an end"
            self._items.unreadable(unreadable(reason, self._line, self._data.rstrip(b"\n")))

    def _rows(self) -> None:
        at = 0
        while at < len(self._data):
            end = self._skip(self._refused, at) if self._refused else self._row(at)
            if end is None:
                break
            self._line += self._data.count(b"\n", at, end)
            at = end
        self._data = self._data[at:]
        self._enough = 2 * len(self._data)

    def _row(self, at: int) -> int | None:
        """Read the row at ``at``; returns where to go on, or None if that takes more bytes."""
        end = self._grammar.row.match(self._data, at).end()  # type: ignore[union-attr]
        after = self._data[end : end + 2]
        waits = not after or after == b"\r" or _OPEN_QUOTED.match(self._data, end) is not None
        if (len(self._data) if waits else end) - at > self._limits.record_bytes:
            return self._refuse(too_long(self._limits, self._line), at, at + self._limits.record_bytes)
        if waits:
            return None
        if after[:1] == b"\n" or after == b"\r\n":
            self._emit(self._data[at:end])
            return end + len(after[: after.index(b"\n") + 1])
        return self._refuse(Refuse("broken CSV: text beside a quoted field", self._line), at, end)

    def _refuse(self, refused: Refuse, at: int, end: int) -> int:
        self._refused = refused.add(self._data[at:end])
        return end

    def _skip(self, refused: Refuse, at: int) -> int:
        """Pass the rest of the line that a refused row ends on."""
        end = self._data.find(b"\n", at)
        if end < 0:
            refused.add(self._data[at:])
            return len(self._data)
        self._items.unreadable(refused.add(self._data[at:end]).item())
        self._refused = None
        return end + 1

    def _emit(self, row: bytes) -> None:
        if not row.strip() or (not self._names and row.startswith(TYPE_LINE)):
            return
        fields = self._grammar.fields(row)
        if not self._names:
            self._names = fields
        elif len(fields) == len(self._names):
            record = orjson.dumps(dict(zip(self._names, fields, strict=True)))
            self._items.record(record, self._line)
        else:
            detail = f" ({len(fields)}, not {len(self._names)})"
            reason = "another number of fields than the header"
            self._items.unreadable(unreadable(reason, self._line, row, detail=detail))
