"""A flow under the names of the documentation, which some shippers write with underscores."""

from typing import Any


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The flow; whole numbers are such."""
    if "interface_id" not in record:
        return record
    return {name.replace("_", "-"): _whole(value) for name, value in record.items()}


def keeps_texts(_record: dict[str, Any]) -> bool:
    """Names change, values do not but for the form of numbers."""
    return True


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
