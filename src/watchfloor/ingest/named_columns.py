r"""Frames logs whose columns a line names: each row becomes one JSON object.

* Zeek's own format: lines that begin with ``#`` name the separator, the log, its fields and their types. Values become
  what Zeek's JSON has: numbers, booleans, lists; what is unset is left out; ``_path`` is the log's name.
* W3C extended (IIS, proxies): ``#Fields:`` names the columns. Values are texts; ``-`` is left out.
* A first line of names between blanks (AWS VPC flow logs): the same, with that line as the header. If what follows has
  no row for each name, it was a line of text like the others.
"""

import re
from typing import Any

import orjson

from watchfloor.ingest.frame import Framer, Items, Refuse, too_long, unreadable
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.lines import Lines

ZEEK_START, W3C_STARTS = b"#separator ", (b"#Software:", b"#Version:", b"#Fields:", b"#Date:", b"#Remark:")
_W3C_FIELD = re.compile(r'"((?:[^"]++|"")*+)"|(\S++)')
_HEX = re.compile(r"\\x([0-9a-fA-F]{2})")
_NAME = re.compile(rb"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_DIGIT = re.compile(rb"\d")
_FEWEST_NAMES = 4
_OTHER_NUMBER = "another number of fields than the header"
_NO_HEADER = "a row before the names of its columns"
_MOST_NAMES = 1000


def is_names(line: bytes) -> bool:
    """Whether a line is names of columns between blanks.

    >>> is_names(b"version account-id interface-id srcaddr"), is_names(b"the quick brown fox")
    (True, False)
    """
    names = line.split()
    several = _FEWEST_NAMES <= len(names) == len(set(names)) and len(names) <= _MOST_NAMES and b"-" in line
    return several and all(map(_NAME.fullmatch, names))


class _Rows:
    """Cuts lines, keeps their numbers and bounds; what a line means is for the others."""

    def __init__(self, limits: Limits, items: Items) -> None:
        self._limits = limits
        self._items = items
        self._line = 1
        self._held = b""
        self._refused: Refuse | None = None
        self._names: list[str] = []

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; find the rows that they complete."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._end(line)
        if self._refused:
            self._refused.add(rest)
            return
        self._held += rest
        if len(self._held) > self._limits.record_bytes:
            self._refused, self._held = too_long(self._limits, self._line).add(self._held), b""

    def close(self, broken: str | None) -> None:
        """The bytes are over: the last row may lack its line break."""
        if self._refused:
            self._items.unreadable(self._refused.item(broken))
        elif broken:
            self._items.unreadable(unreadable(broken, self._line, self._held))
        else:
            self._end(b"")

    def _end(self, line: bytes) -> None:
        if self._refused:
            self._items.unreadable(self._refused.add(line).item())
            self._refused = None
        else:
            line, self._held = self._held + line, b""
            text = line.rstrip(b"\r")
            if len(line) > self._limits.record_bytes:
                self._items.unreadable(too_long(self._limits, self._line).add(line).item())
            elif text.startswith(b"#"):
                self._directive(text[1:].decode("utf-8", "replace"))
            elif text.strip():
                self._row(text)
        self._line += 1

    def _directive(self, text: str) -> None:
        raise NotImplementedError

    def _row(self, row: bytes) -> None:
        raise NotImplementedError

    def _record(self, row: bytes, fields: list[Any], record: dict[str, Any]) -> None:
        if len(fields) == len(self._names) > 0:
            self._items.record(orjson.dumps(record), self._line)
        elif self._names:
            detail = f" ({len(fields)}, not {len(self._names)})"
            self._items.unreadable(unreadable(_OTHER_NUMBER, self._line, row, detail=detail))
        else:
            self._items.unreadable(unreadable(_NO_HEADER, self._line, row))


class ZeekRows(_Rows):
    """A framer for a log in Zeek's own format."""

    def __init__(self, limits: Limits, items: Items) -> None:
        super().__init__(limits, items)
        self._separator = "\t"
        self._directives = {"set_separator": ",", "empty_field": "(empty)", "unset_field": "-", "path": ""}
        self._read: list[Any] = []

    def _directive(self, text: str) -> None:
        if text.startswith("separator "):
            self._separator = _unescape(text.removeprefix("separator ").strip()) or "\t"
            return
        name, *values = text.split(self._separator)
        if name == "fields":
            self._names = values[:_MOST_NAMES]
            self._read = [_text] * len(self._names)
        elif name == "types":
            self._read = [self._reader(kind) for kind in values[: len(self._names)]]
            self._read += [_text] * (len(self._names) - len(self._read))
        elif name in self._directives and values:
            self._directives[name] = _unescape(values[0])

    def _row(self, row: bytes) -> None:
        fields = row.decode("utf-8", "replace").split(self._separator)
        unset, path = self._directives["unset_field"], self._directives["path"]
        record: dict[str, Any] = {"_path": path} if path else {}
        for name, read, field in zip(self._names, self._read, fields, strict=False):
            if field != unset:
                record[name] = read(field)
        self._record(row, fields, record)

    def _reader(self, kind: str) -> Any:
        if kind.startswith(("set[", "vector[")):
            one, mark, empty = (
                self._reader(kind.partition("[")[2].rstrip("]")),
                *map(self._directives.__getitem__, ("set_separator", "empty_field")),
            )
            return lambda field: [] if field == empty else [one(part) for part in field.split(mark)]
        if kind == "string":
            empty = self._directives["empty_field"]
            return lambda field: "" if field == empty else _text(field)
        return _READERS.get(kind, _text)


def _text(field: str) -> str:
    return _unescape(field) if "\\x" in field else field


def _unescape(text: str) -> str:
    r"""Text without Zeek's escapes.

    >>> _unescape(r"a\x09b\xc3\xa9")
    'a\tbé'
    """
    if "\\x" not in text:
        return text
    latin = _HEX.sub(
        lambda found: chr(0xDC00 + int(found[1], 16)) if int(found[1], 16) > 127 else chr(int(found[1], 16)), text
    )
    return latin.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _integer(field: str) -> Any:
    return int(field) if field.isascii() and field.lstrip("-").isdigit() and len(field) < 20 else field


def _number(field: str) -> Any:
    try:
        return float(field)
    except ValueError:
        return field


_READERS = {
    "bool": lambda field: {"T": True, "F": False}.get(field, field),
    "count": _integer,
    "int": _integer,
    "port": _integer,
    "double": _number,
    "interval": _number,
    "time": _number,
}


class W3cRows(_Rows):
    """A framer for a log in the W3C extended format."""

    def __init__(self, limits: Limits, items: Items) -> None:
        super().__init__(limits, items)
        self._date = ""

    def _directive(self, text: str) -> None:
        name, _, value = text.partition(":")
        if name == "Fields":
            self._names = value.split()[:_MOST_NAMES]
        elif name == "Date":
            self._date = value.split()[0] if value.split() else ""

    def _row(self, row: bytes) -> None:
        text = row.decode("utf-8", "replace")
        if '"' in text:
            fields = [
                found[1].replace('""', '"') if found[2] is None else found[2] for found in _W3C_FIELD.finditer(text)
            ]
        else:
            fields = text.split("\t" if "\t" in text else None)
        record = {name: field for name, field in zip(self._names, fields, strict=False) if field != "-"}
        if self._date and "date" not in self._names:
            record["date"] = self._date
        self._record(row, fields, record)


class SpacedRows(_Rows):
    """A framer for rows below a line of names; it hands over if that line turns out to be text."""

    def __init__(self, limits: Limits, items: Items) -> None:
        super().__init__(limits, items)
        self._seen = b""
        self._sure = False
        self._lines: Framer | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; find the rows that they complete."""
        if self._lines:
            self._lines.feed(chunk)
        elif self._sure:
            super().feed(chunk)
        else:
            self._seen += chunk
            self._decide(closing=False)

    def close(self, broken: str | None) -> None:
        """The bytes are over."""
        if not self._sure and not self._lines:
            self._decide(closing=True)
        if self._lines:
            self._lines.close(broken)
        else:
            super().close(broken)

    def _decide(self, *, closing: bool) -> None:
        body = self._seen.lstrip()
        header, _, rest = body.partition(b"\n")
        most = self._limits.record_bytes
        blank = len(rest[: most + 1]) - len(rest[: most + 1].lstrip())
        row, newline, _ = rest[blank:].partition(b"\n")
        if not (newline or closing or len(row) > most or blank > most):
            return
        seen, self._seen = self._seen, b""
        numbers = len(row) <= most and _DIGIT.search(row) is not None
        if numbers and len(row.split()) == len(header.split()):
            self._sure = True
            super().feed(seen)
        else:
            self._lines = Lines(self._limits, self._items)
            self._lines.feed(seen)

    def _directive(self, text: str) -> None:
        self._row(b"#" + text.encode())

    def _row(self, row: bytes) -> None:
        fields = row.decode("utf-8", "replace").split()
        if not self._names or fields == self._names:
            self._names = fields
        elif len(fields) == len(self._names):
            named = zip(self._names, fields, strict=True)
            self._record(row, fields, {name: field for name, field in named if field != "-"})
        else:
            self._items.record(row, self._line)
