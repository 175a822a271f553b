"""Vendor values to OCSF types: what cannot become a valid value becomes ``None`` and stays in ``unmapped``."""

# Else the annotations of inner functions are worked out anew for each one that is made, and that is thousands.
from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from watchfloor.normalize.schema import Attribute, pattern, scalar_type

Coercer = Callable[[Any], Any]

_MAX_MS = 5_000_000_000_000
_MAX_NANOSECONDS = _MAX_MS * 1_000_000
_MAX_DIGITS = len(str(_MAX_NANOSECONDS))
_INT64 = 1 << 63
_OTHER = 99


def text_of(value: Any) -> str | None:
    """A JSON value as text: strings as they are, numbers and booleans as JSON writes them, objects as compact JSON."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return _BOOLEANS[value] if isinstance(value, bool) else str(value)
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer beyond 64 bits, which JSON allows
        return json.dumps(value, separators=(",", ":"), default=str)


def integer(value: Any) -> int | None:
    """An integer from a number or from decimal or hexadecimal text.

    >>> integer("0x3e7"), integer("17"), integer(2.0), integer("x"), integer(True)
    (999, 17, 2, None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else None
    try:
        number = int(value, 16) if isinstance(value, str) and value[:2] in {"0x", "0X"} else int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if -_INT64 <= number < _INT64 else None


def floating(value: Any) -> float | None:
    """A finite float."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def boolean(value: Any) -> bool | None:
    """A boolean from a JSON boolean or the words that vendors write.

    >>> boolean("Yes"), boolean(0), boolean("maybe")
    (True, False, None)
    """
    if isinstance(value, bool):
        return value
    return _WORDS.get(str(value).strip().lower())


_LATEST_MS = 5_000_000_000_000
_BOOLEANS = {True: "true", False: "false"}
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - for times without a zone, which are in UTC
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
_SECONDS = slice(16, 19)
"""Where RFC 3339 text has ``:SS``."""


def _parse_time(value: str) -> int | None:
    if value[4:5] == "-":
        # Most are dates with a time that need no change.
        try:
            return _milliseconds(datetime.fromisoformat(value))
        except (ValueError, OverflowError):
            pass
    return _parse_other_time(value.strip())


@lru_cache(maxsize=4096)
def _parse_other_time(text: str) -> int | None:
    if text.isascii() and text.isdigit():
        return _epoch(int(text)) if len(text) <= _MAX_DIGITS else None
    # RFC 3339 allows the second 60; POSIX time counts a leap second as the first one of the next minute.
    leap = text[_SECONDS] == ":60"
    try:
        moment = datetime.fromisoformat(_trim_fraction(f"{text[:16]}:59{text[19:]}" if leap else text))
        return _milliseconds(moment, leap=leap)
    except (ValueError, OverflowError):
        return None


def _milliseconds(moment: datetime, *, leap: bool = False) -> int | None:
    passed = moment - (_EPOCH_UTC if moment.tzinfo else _EPOCH)
    milliseconds = (passed.days * 86_400 + passed.seconds + leap) * 1000 + (passed.microseconds + 500) // 1000
    # The same bound as for epoch numbers, in the year 2128: later is a broken or hostile clock.
    return milliseconds if 0 <= milliseconds < _LATEST_MS else None


def _trim_fraction(text: str) -> str:
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[: min(digits, 6)]}{tail[digits:]}"


def _epoch(number: float) -> int | None:
    """Seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by size."""
    for factor in (1000, 1, 1 / 1000, 1 / 1_000_000):
        milliseconds = number * factor
        if 0 <= milliseconds < _LATEST_MS:
            return int(milliseconds)
    return None


def timestamp(value: Any) -> int | None:
    """Milliseconds since the epoch from RFC 3339 text (no zone means UTC) or from an epoch number.

    >>> timestamp("2026-03-17T08:30:00.1234567Z"), timestamp("2026-03-17T08:30:00"), timestamp(1773736200)
    (1773736200123, 1773736200000, 1773736200000)
    >>> timestamp("2016-12-31T23:59:60Z") - timestamp("2016-12-31T23:59:59Z"), timestamp("soon"), timestamp(1e308)
    (1000, None, None)
    """
    if isinstance(value, str):
        return _parse_time(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _epoch(value)
    return None


@lru_cache(maxsize=65536)
def address(value: str) -> str | None:
    """An IP address in its canonical text; ports (also behind a ``#``), brackets and IPv4-mapped IPv6 are undone.

    >>> address("[2001:db8::1]:443"), address("198.51.100.7:51234"), address("::ffff:192.0.2.1"), address("host")
    ('2001:db8::1', '198.51.100.7', '192.0.2.1', None)
    >>> address("2001:db8::1#53")
    '2001:db8::1'
    """
    text = value.strip().partition("#")[0]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return str(parsed)


def _ip(value: Any) -> str | None:
    return address(value) if isinstance(value, str) else None


_BY_TYPE: dict[str, Coercer] = {
    "json_t": lambda value: value,
    "timestamp_t": timestamp,
    "ip_t": _ip,
    "float_t": floating,
    "boolean_t": boolean,
}


@lru_cache(maxsize=4096)
def coercer(attribute: Attribute) -> Coercer:
    """The function that turns a vendor value into a value of the attribute's type, or ``None``."""
    element = _element_coercer(attribute)
    if not attribute.is_array:
        return element

    def many(value: Any) -> list[Any] | None:
        values = value if isinstance(value, list) else [value]
        return [one for one in map(element, values) if one is not None] or None

    return many


def _element_coercer(attribute: Attribute) -> Coercer:
    if attribute.object_name is not None:
        return lambda value: value if isinstance(value, dict) else None
    if attribute.type in _BY_TYPE:
        return _BY_TYPE[attribute.type]
    scalar = scalar_type(attribute.type)
    if scalar.base in {"integer_t", "long_t"}:
        return _enumerated(attribute) if attribute.enum else _ranged(scalar.range)
    of_type = _BY_TYPE.get(scalar.base) or _string(attribute.type)
    return _one_of(attribute.enum, of_type) if attribute.enum else of_type


def _one_of(words: frozenset[str], of_type: Coercer) -> Coercer:
    """One of the words that the schema allows (HTTP's methods), in whichever case it is written."""
    by_case = {word.casefold(): word for word in words}

    def coerce(value: Any) -> str | None:
        text = of_type(value)
        return by_case.get(text.casefold()) if text is not None else None

    return coerce


def _enumerated(attribute: Attribute) -> Coercer:
    allowed = frozenset(int(key) for key in attribute.enum)

    def coerce(value: Any) -> int | None:
        number = integer(value)
        if number is None or number in allowed:
            return number
        return _OTHER if _OTHER in allowed else None

    return coerce


def _ranged(span: tuple[float, float] | None) -> Coercer:
    if span is None:
        return integer
    low, high = span

    def coerce(value: Any) -> int | None:
        number = integer(value)
        return number if number is not None and low <= number <= high else None

    return coerce


def _string(type_name: str) -> Coercer:
    scalar = scalar_type(type_name)
    if scalar.max_length is None and scalar.pattern is None:
        return text_of
    limit, matches = scalar.max_length, pattern(type_name) if scalar.pattern else None

    def coerce(value: Any) -> str | None:
        text = value if value.__class__ is str else text_of(value)
        if text is None or (limit is not None and len(text) > limit) or (matches is not None and not matches(text)):
            return None
        return text

    return coerce
