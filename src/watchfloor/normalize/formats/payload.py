"""What a text record holds: an envelope and a payload, and what the payload is by its structure."""

import re
from typing import Any

import msgspec
import orjson

from watchfloor.normalize.formats.cef import read_cef
from watchfloor.normalize.formats.event_xml import is_event, read_event
from watchfloor.normalize.formats.leef import read_leef
from watchfloor.normalize.formats.message import is_message, read_message
from watchfloor.normalize.formats.pairs import read_pairs
from watchfloor.normalize.formats.syslog import syslog_envelope

Record = dict[str, Any]

_COOKIE = "@cee:"
_STARTS = {"C": read_cef, "L": read_leef}
_EMBEDDED = re.compile(r"(?:CEF|LEEF):\s?\d")
_EMBEDDED_WITHIN = 256
"""How far behind a device's own header a CEF or LEEF header may begin."""


class Text(msgspec.Struct, frozen=True, gc=False):
    """A text record: its line, the payload behind the envelope, and the envelope, if there is one."""

    line: str
    message: str
    syslog: Record | None = None

    def record(self, fields: Record) -> Record:
        """A record of fields, with the envelope beside them."""
        if self.syslog is not None:
            fields["syslog"] = self.syslog
        return fields

    @property
    def plain(self) -> Record:
        """The record of a text that nobody knows more of."""
        return self.record({"message": self.message})


def read_text(raw: bytes, ingested_at: int) -> Text:
    r"""The text of a raw record; what is not UTF-8 is written as ``\xff``, so that different names stay different."""
    line = raw.decode("utf-8", "backslashreplace")
    envelope = syslog_envelope(line, ingested_at)
    return Text(line, line) if envelope is None else Text(line, envelope.message, envelope.syslog)


def read_structure(text: Text) -> Record | None:
    """The record of a payload that has a structure; None if it is plain text.

    Raises:
        RecordError: It has one, and is broken or too large.
    """
    payload = text.message.lstrip()
    if payload.startswith(("{", _COOKIE)):
        found = _json_object(payload)
    elif payload.startswith("<") and is_event(payload):
        found = read_event(payload)
    else:
        found = _of_device(payload) or read_pairs(payload)
    return None if found is None else text.record(found)


def _of_device(payload: str) -> Record | None:
    if payload[:1] in _STARTS and (found := _STARTS[payload[0]](payload)):
        return found
    if embedded := _EMBEDDED.search(payload, 0, _EMBEDDED_WITHIN):
        inner = payload[embedded.start() :]
        return _STARTS[inner[0]](inner)
    return None


def _json_object(payload: str) -> Record | None:
    try:
        found = orjson.loads(payload.removeprefix(_COOKIE))
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def read_document(raw: bytes) -> Record | None:
    """The record of text that is not a line: a Windows event as XML, or a mail; None if it is neither.

    Raises:
        RecordError: It is, and is broken or too large.
    """
    if raw.startswith(b"<") and is_event(raw[:64].decode("ascii", "replace")):
        return read_event(raw.decode("utf-8", "replace"))
    return read_message(raw) if b"\n" in raw and is_message(raw) else None
