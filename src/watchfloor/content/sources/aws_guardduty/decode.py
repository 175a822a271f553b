"""A GuardDuty finding in one shape: out of its EventBridge envelope, names as the service writes them (``accountId``).

The API and the SDKs write the same names with a capital first letter, and tags and lists alike.
"""

from typing import Any


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The finding alone, each name beginning with a small letter."""
    detail = record.get("detail")
    finding = detail if isinstance(detail, dict) and "detail-type" in record else record
    return _lowered(finding) if "AccountId" in finding or "SchemaVersion" in finding else finding


def keeps_texts(_record: dict[str, Any]) -> bool:
    """Names change, texts do not."""
    return True


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _lowered(item) for name, item in value.items()}
    return [_lowered(item) for item in value] if isinstance(value, list) else value
