"""A Windows event as XML, in the shape that JSON exports of event logs have.

Attributes are under ``#attributes``, the text of an element that has any under ``#text``; an element that is there more
than once is a list; ``<Data Name="X">`` is an attribute X of its parent, and a list ``Data`` if it has no name.
"""

import re
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLParser

from watchfloor.errors import RecordError

_EVENT = re.compile(r"<Event[\s>]")
_MAX_DEPTH = 32
_MAX_ELEMENTS = 4096
_MAX_BYTES = 4 << 20
_ENTITY = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_NO_CHARACTER = re.compile(
    r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    r"|&#(?:[xX]0*(?:[0-8BbCcEeFf]|1[0-9A-Fa-f]|[Ff]{3}[EeFf])|0*(?:[0-8]|1[124-9]|2\d|3[01]));"
)


def is_event(text: str) -> bool:
    """Whether a text begins like an event."""
    return _EVENT.match(text) is not None


def read_event(text: str) -> dict[str, Any]:
    """The record of an event.

    >>> read_event("<Event><System><EventID>1</EventID></System><EventData><Data Name='A'>b</Data></EventData></Event>")
    {'Event': {'System': {'EventID': 1}, 'EventData': {'A': 'b'}}}

    Raises:
        RecordError: It is no XML, declares entities, or is larger than any event.
    """
    if len(text) > _MAX_BYTES:
        raise RecordError(f"an XML event longer than {_MAX_BYTES >> 20} MiB")
    # Entities are what makes a small document large, and events have none.
    if _ENTITY.search(text):
        raise RecordError("an XML event that declares entities")
    parser = XMLParser(target=_Counted())  # noqa: S314
    try:
        # XML knows no control characters, and event logs do.
        parser.feed(_NO_CHARACTER.sub("\ufffd", text))
        root = parser.close()
    except ParseError as error:
        raise RecordError(f"broken XML: {error}") from error
    value = _value(root)
    return {"Event": value if isinstance(value, dict) else {}}


class _Counted:
    """Builds elements, not more and not deeper than an event has."""

    def __init__(self) -> None:
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._count = 0
        self._root: Element | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._count += 1
        if self._count > _MAX_ELEMENTS or len(self._open) >= _MAX_DEPTH:
            raise RecordError(f"an XML event with more than {_MAX_ELEMENTS:,} elements, or deeper than {_MAX_DEPTH}")
        element = Element(tag.rpartition("}")[2], attributes)
        if self._open:
            self._open[-1].append(element)
        self._open.append(element)
        self._texts.append([])

    def end(self, _tag: str) -> None:
        """It ends."""
        self._root = self._open.pop()
        self._root.text = "".join(self._texts.pop()) or None

    def data(self, data: str) -> None:
        """Some of its text."""
        if self._open:
            self._texts[-1].append(data)

    def close(self) -> Element:
        """The root."""
        if self._root is None:
            raise RecordError("broken XML: no element")
        return self._root


def _value(element: Element) -> Any:
    children: dict[str, Any] = {}
    for child in element:
        _add(children, child)
    attributes = {name.rpartition("}")[2]: text for name, text in element.attrib.items()}
    text = (element.text or "").strip() if len(element) else element.text
    if not attributes and not children:
        return text if text is None or element.tag == "Data" else _number(text)
    made: dict[str, Any] = {"#attributes": attributes} if attributes else {}
    if text and not children:
        made["#text"] = _number(text)
    return made | children


def _add(children: dict[str, Any], child: Element) -> None:
    name = child.tag
    if name == "Data" and set(child.attrib) == {"Name"} and not len(child):
        name, value = child.attrib["Name"], child.text
        if name in children:
            name = "Data"
    else:
        value = _value(child)
    if name not in children:
        children[name] = value
    elif isinstance(children[name], list):
        children[name].append(value)
    else:
        children[name] = [children[name], value]


def _number(text: str) -> Any:
    plain = text.isascii() and text.isdigit() and len(text) < 16
    return int(text) if plain and (text == "0" or not text.startswith("0")) else text
