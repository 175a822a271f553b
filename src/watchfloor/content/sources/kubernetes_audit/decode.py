"""An audit event of Kubernetes out of the record of Azure Monitor that holds it as text."""

from typing import Any

import orjson

_CATEGORIES = frozenset({"kube-audit", "kube-audit-admin"})


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The audit event; what Azure says of the cluster stands beside it, under ``azure``.

    Raises:
        ValueError: The record of Azure Monitor holds no audit event.
    """
    if not _is_wrapped(record):
        return record
    properties = _opened(record.get("properties"))
    event = _opened(properties.get("log")) if isinstance(properties, dict) else None
    if not isinstance(event, dict):
        raise ValueError("properties.log is not a JSON object")  # noqa: TRY004 - a record's fault, not a programming error
    rest = {name: value for name, value in properties.items() if name != "log"}
    return event | {"azure": record | {"properties": rest}}


def keeps_texts(record: dict[str, Any]) -> bool:
    """An event that nothing wraps stays as it is."""
    return not _is_wrapped(record)


def _is_wrapped(record: dict[str, Any]) -> bool:
    category = record.get("category")
    return isinstance(category, str) and category in _CATEGORIES and "properties" in record


def _opened(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) and value.startswith("{") else value
