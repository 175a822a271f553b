"""The JSON object of a record."""

import json
from typing import Any

import orjson

from watchfloor.errors import RecordError


def decode_json(raw: bytes) -> dict[str, Any]:
    """The JSON object of a record.

    Text that JSON allows but UTF-8 does not (lone surrogates) is kept with U+FFFD in its place.

    Raises:
        RecordError: It is not one JSON object in UTF-8.
    """
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        record = _decode_leniently(raw, error)
    if not isinstance(record, dict):
        raise RecordError(f"not a JSON object but {type(record).__name__}")
    return record


def _decode_leniently(raw: bytes, first: orjson.JSONDecodeError) -> Any:
    try:
        return _without_surrogates(json.loads(raw.decode("utf-8")))
    except UnicodeDecodeError as error:
        raise RecordError(f"invalid UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"invalid JSON: {first.msg} at column {first.colno}") from error


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):  # noqa: PLR0124 - NaN
        return None
    return str(value) if isinstance(value, int) and value.bit_length() > 64 else value
