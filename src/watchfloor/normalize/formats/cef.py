"""ArcSight Common Event Format: ``CEF:0|vendor|product|version|class|name|severity|extension``.

The header's fields go by the names ``cef_version``, ``device_vendor``, ``device_product``, ``device_version``,
``device_event_class_id``, ``name`` and ``severity``; the extension's keys keep theirs. A custom field with a label
(``cs1Label=Rule cs1=deny-all``) is there a second time under its label, ``labels.Rule``.
"""

import re
from typing import Any

from watchfloor.errors import RecordError
from watchfloor.normalize.formats.limits import MAX_PAIRS

START = "CEF:"
_HEADER = re.compile(r"CEF:\s?(\d{1,2}(?:\.\d{1,2})?)\|" + r"((?:[^|\\]|\\.)*+)\|" * 6, re.DOTALL)
_NAMES = ("device_vendor", "device_product", "device_version", "device_event_class_id", "name", "severity")
_EQUALS = re.compile(r"(?<!\\)=")
_KEY = re.compile(r"[\w.\[\]-]{1,128}")
_HEADER_ESCAPE = re.compile(r"\\([\\|])")
_ESCAPE = re.compile(r"\\([\\=|nr])")
_ESCAPED = {"n": "\n", "r": "\r"}
_LABEL = "Label"
_OWN = frozenset({"cef_version", *_NAMES, "labels"})


def read_cef(text: str) -> dict[str, Any] | None:
    r"""The fields of a text that begins with a CEF header; None if it does not.

    >>> read_cef(r"CEF:0|Example|Wall|1.0|100|deny \| drop|5|src=192.0.2.7 msg=a\=b c cs1Label=Rule Name cs1=any")
    ... # doctest: +NORMALIZE_WHITESPACE
    {'cef_version': '0', 'device_vendor': 'Example', 'device_product': 'Wall', 'device_version': '1.0',
     'device_event_class_id': '100', 'name': 'deny | drop', 'severity': '5', 'src': '192.0.2.7', 'msg': 'a=b c',
     'cs1Label': 'Rule Name', 'cs1': 'any', 'labels': {'Rule Name': 'any'}}

    Raises:
        RecordError: It has more pairs than any product writes.
    """
    header = _HEADER.match(text)
    if header is None:
        return None
    record: dict[str, Any] = {"cef_version": header[1]}
    for name, value in zip(_NAMES, header.groups()[1:], strict=True):
        record[name] = _HEADER_ESCAPE.sub(r"\1", value) if "\\" in value else value
    _extension(text[header.end() :], record)
    _labels(record)
    return record


def _extension(text: str, record: dict[str, Any]) -> None:
    """A value goes up to the blank before the next key; an equals sign in it should be escaped, and is not always."""
    pieces = _EQUALS.split(text, MAX_PAIRS + 1) if "\\" in text else text.split("=", MAX_PAIRS + 1)
    if len(pieces) > MAX_PAIRS:
        raise RecordError(f"more than {MAX_PAIRS:,} pairs")
    key, value = pieces[0].strip(), None
    if not _KEY.fullmatch(key):
        return
    for piece in pieces[1:-1]:
        before, blank, following = piece.rpartition(" ")
        if blank and (following.isalnum() or _KEY.fullmatch(following)):
            _set(record, key, before if value is None else f"{value}={before}")
            key, value = following, None
        else:
            value = piece if value is None else f"{value}={piece}"
    if len(pieces) > 1:
        _set(record, key, pieces[-1] if value is None else f"{value}={pieces[-1]}")


def _set(record: dict[str, Any], key: str, value: str) -> None:
    value = value.strip()
    if "\\" in value:
        value = _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), value)
    record.setdefault(key if key not in _OWN else f"extension_{key}", value)


def _labels(record: dict[str, Any]) -> None:
    labels = {
        label: record[name.removesuffix(_LABEL)]
        for name, label in record.items()
        if name.endswith(_LABEL) and label and name.removesuffix(_LABEL) in record
    }
    if labels:
        record["labels"] = labels
