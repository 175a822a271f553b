"""An Azure Monitor record in one shape: nested JSON texts opened, and the resource provider under ``provider``."""

import re
from datetime import UTC, datetime
from typing import Any

import orjson

_PROVIDER = re.compile(r"^([a-z0-9]+(?:\.[a-z0-9]+)+)/", re.IGNORECASE)
_TEXTS = ("properties", "identity")
_AMERICAN = re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M")


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record; ``properties`` and ``identity`` are objects even where an exporter wrote them as text."""
    opened = {name: _opened(record[name]) for name in _TEXTS if isinstance(record.get(name), str)}
    operation = record.get("operationName")
    match = _PROVIDER.match(operation) if isinstance(operation, str) else None
    return record | opened | ({"provider": match[1].lower()} if match else {}) | _time(record.get("time"))


def _time(time: Any) -> dict[str, str]:
    """The time in ISO 8601 where it is as the risk logs write it: ``3/24/2026 2:42:35 PM``, in UTC."""
    if not isinstance(time, str) or not _AMERICAN.fullmatch(time):
        return {}
    return {"time": datetime.strptime(time, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC).isoformat()}


def _opened(text: str) -> Any:
    if not text.startswith("{"):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
