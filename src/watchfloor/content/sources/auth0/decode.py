"""An event of an Auth0 tenant with its fields at the top: log streams wrap it in ``data``."""

from typing import Any


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The event alone."""
    data = record.get("data")
    if not isinstance(data, dict) or "type" not in data:
        return record
    return {**data, **{name: value for name, value in record.items() if name != "data" and name not in data}}


def keeps_texts(_record: dict[str, Any]) -> bool:
    """What is unwrapped stays as it is."""
    return True
