"""A finding of AWS Security Hub out of the event that EventBridge delivers it in."""

from typing import Any


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The finding alone: an event of imported findings holds one; of a custom action, the first one.

    Raises:
        ValueError: The event holds no finding.
    """
    detail = record.get("detail")
    if not isinstance(detail, dict) or "detail-type" not in record:
        return record
    findings = detail.get("findings")
    if not isinstance(findings, list) or not findings or not isinstance(findings[0], dict):
        raise ValueError("detail.findings holds no finding")
    finding: dict[str, Any] = findings[0]
    return finding if len(findings) == 1 else {**finding, "further": findings[1:]}


def keeps_texts(_record: dict[str, Any]) -> bool:
    """What is unwrapped stays as it is."""
    return True
