"""Writes the binary XML of Windows event records (MS-EVEN6, section 2.2.12).

One template with typed substitutions a record, defined where it is first used; names are written in place.
"""

import struct
from collections.abc import Sequence
from uuid import UUID

import msgspec

_FRAGMENT = b"\x0f\x01\x01\x00"
_OPEN, _CLOSE_START, _CLOSE_EMPTY, _END_ELEMENT = 0x01, b"\x02", b"\x03", b"\x04"
_VALUE, _ATTRIBUTE, _TEMPLATE, _SUBSTITUTION, _END = 0x05, 0x06, 0x0C, 0x0D, b"\0"
_MORE = 0x40
"""Set on an element that has attributes, and on an attribute that another one follows."""
_STRING = 0x01
_NO_DEPENDENCY = 0xFFFF
_MAX_VALUE = 0xFFFF


class Value(msgspec.Struct, frozen=True):
    """A typed value of a record: the type's number in the format and its bytes."""

    kind: int
    data: bytes


class Element(msgspec.Struct, frozen=True):
    """An element: literal or typed attributes, and either one content or child elements."""

    name: str
    attributes: tuple[tuple[str, "Value | str"], ...] = ()
    content: "Value | str | tuple[Element, ...]" = ()


def string(text: str) -> Value:
    """A string value."""
    return Value(_STRING, _utf16(text))


def uint8(number: int) -> Value:
    """An unsigned byte."""
    return Value(0x04, struct.pack("<B", number))


def uint16(number: int) -> Value:
    """An unsigned 16-bit number."""
    return Value(0x06, struct.pack("<H", number))


def uint32(number: int) -> Value:
    """An unsigned 32-bit number."""
    return Value(0x08, struct.pack("<I", number))


def uint64(number: int) -> Value:
    """An unsigned 64-bit number."""
    return Value(0x0A, struct.pack("<Q", number))


def guid(value: UUID) -> Value:
    """A GUID."""
    return Value(0x0F, value.bytes_le)


def filetime(ticks: int) -> Value:
    """A time in units of 100 ns since 1601-01-01, UTC."""
    return Value(0x11, struct.pack("<Q", ticks))


def sid(text: str) -> Value:
    """A security identifier, from its ``S-1-5-…`` text."""
    _, revision, authority, *rest = text.split("-")
    head = struct.pack("<BB", int(revision), len(rest)) + int(authority).to_bytes(6, "big")
    return Value(0x13, head + b"".join(struct.pack("<I", int(part)) for part in rest))


def hex64(number: int) -> Value:
    """A 64-bit number that is shown in hexadecimal."""
    return Value(0x15, struct.pack("<Q", number))


def fragment(root: Element, *, template_id: int, at: int) -> bytes:
    """The binary XML of a record whose data starts ``at`` bytes into its chunk: one template and its values.

    Raises:
        ValueError: A value is longer than the format allows.
    """
    return _Writer(at).fragment(root, template_id)


class _Writer:
    """Appends tokens; the format addresses names and templates by their offset in the chunk."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._out = bytearray()
        self._values: list[Value] = []

    def fragment(self, root: Element, template_id: int) -> bytes:
        self._out += _FRAGMENT
        self._put("<BBI", _TEMPLATE, 1, template_id)
        self._here()
        self._put("<I16s", 0, struct.pack("<I12x", template_id))
        size = self._open_size()
        self._out += _FRAGMENT
        self._element(root)
        self._out += _END
        self._close_size(size)
        self._put("<I", len(self._values))
        for value in self._values:
            if len(value.data) > _MAX_VALUE:
                raise ValueError(f"a value of {len(value.data):,} bytes, longer than 65,535 bytes")
            self._put("<HBx", len(value.data), value.kind)
        for value in self._values:
            self._out += value.data
        self._out += _END
        return bytes(self._out)

    def _element(self, element: Element) -> None:
        self._put("<BH", _OPEN | (_MORE if element.attributes else 0), _NO_DEPENDENCY)
        size = self._open_size()
        self._name(element.name)
        if element.attributes:
            self._attributes(element.attributes)
        if element.content == ():
            self._out += _CLOSE_EMPTY
        else:
            self._out += _CLOSE_START
            self._content(element.content)
            self._out += _END_ELEMENT
        self._close_size(size)

    def _attributes(self, attributes: Sequence[tuple[str, Value | str]]) -> None:
        size = self._open_size()
        for number, (name, value) in enumerate(attributes, 1):
            self._put("<B", _ATTRIBUTE | (_MORE if number < len(attributes) else 0))
            self._name(name)
            self._content(value)
        self._close_size(size)

    def _content(self, content: "Value | str | tuple[Element, ...]") -> None:
        if isinstance(content, Value):
            self._put("<BHB", _SUBSTITUTION, len(self._values), content.kind)
            self._values.append(content)
        elif isinstance(content, str):
            text = _utf16(content)
            self._put("<BBH", _VALUE, _STRING, len(text) // 2)
            self._out += text
        else:
            for child in content:
                self._element(child)

    def _name(self, name: str) -> None:
        text = _utf16(name)
        self._here()
        self._put("<IHH", 0, _hash(text), len(text) // 2)
        self._out += text + b"\0\0"

    def _here(self) -> None:
        """An offset that points right behind itself: what it names follows in place."""
        self._put("<I", self._at + len(self._out) + 4)

    def _put(self, layout: str, *values: object) -> None:
        self._out += struct.pack(layout, *values)

    def _open_size(self) -> int:
        self._put("<I", 0)
        return len(self._out)

    def _close_size(self, start: int) -> None:
        struct.pack_into("<I", self._out, start - 4, len(self._out) - start)


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _hash(text: bytes) -> int:
    value = 0
    for unit in struct.unpack(f"<{len(text) // 2}H", text):
        value = (value * 65599 + unit) & 0xFFFFFFFF
    return value & 0xFFFF
