"""QRadar Log Event Extended Format: ``LEEF:2.0|vendor|product|version|event|delimiter|key=value…``.

The header's fields go by the names ``leef_version``, ``device_vendor``, ``device_product``, ``device_version`` and
``event_id``; attributes keep theirs. Attributes of version 1.0 are between tabs; 2.0 may name another delimiter, as a
character or as ``x5E``.
"""

import re
from typing import Any

from watchfloor.errors import RecordError
from watchfloor.normalize.formats.limits import MAX_PAIRS

START = "LEEF:"
_HEADER = re.compile(r"LEEF:\s?([12](?:\.\d)?)\|([^|]*+)\|([^|]*+)\|([^|]*+)\|([^|]*+)\|")
_DELIMITER = re.compile(r"(?:(0?[xX][0-9A-Fa-f]{1,4})|([^\w\s=])|(\t)|)\|")
_NAMES = ("leef_version", "device_vendor", "device_product", "device_version", "event_id")
_KEY = re.compile(r"[\w.@$-]{1,128}")


def read_leef(text: str) -> dict[str, Any] | None:
    r"""The fields of a text that begins with a LEEF header; None if it does not.

    >>> read_leef("LEEF:2.0|Example|Wall|1.0|deny|^|src=192.0.2.7^usrName=alice")
    ... # doctest: +NORMALIZE_WHITESPACE
    {'leef_version': '2.0', 'device_vendor': 'Example', 'device_product': 'Wall', 'device_version': '1.0',
     'event_id': 'deny', 'src': '192.0.2.7', 'usrName': 'alice'}

    Raises:
        RecordError: It has more attributes than any product writes.
    """
    header = _HEADER.match(text)
    if header is None:
        return None
    record: dict[str, Any] = dict(zip(_NAMES, header.groups(), strict=True))
    at, delimiter = header.end(), "\t"
    if header[1].startswith("2") and (found := _DELIMITER.match(text, at)):
        at = found.end()
        delimiter = chr(int(found[1].lstrip("0").lstrip("xX"), 16)) if found[1] else found[2] or "\t"
    pairs = text[at:].split(delimiter, MAX_PAIRS)
    if len(pairs) > MAX_PAIRS:
        raise RecordError(f"more than {MAX_PAIRS:,} pairs")
    for pair in pairs:
        key, equals, value = pair.strip().partition("=")
        if equals and _KEY.fullmatch(key):
            record.setdefault(key if key not in _NAMES else f"attribute_{key}", value)
    return record
