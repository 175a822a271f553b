"""An Azure Monitor record in one shape: nested JSON texts opened, and the resource provider under ``provider``."""

import re
from typing import Any

import orjson

_PROVIDER = re.compile(r"^([a-z0-9]+(?:\.[a-z0-9]+)+)/", re.IGNORECASE)
_TEXTS = ("properties", "identity")


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record; ``properties`` and ``identity`` are objects even where an exporter wrote them as text."""
    opened = {name: _opened(record[name]) for name in _TEXTS if isinstance(record.get(name), str)}
    operation = record.get("operationName")
    match = _PROVIDER.match(operation) if isinstance(operation, str) else None
    return record | opened | ({"provider": match[1].lower()} if match else {})


def _opened(text: str) -> Any:
    if not text.startswith("{"):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
