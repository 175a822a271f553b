"""A GitLab audit event in one shape: what the interface and streams put under ``details`` beside the rest."""

from typing import Any


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The event with ``details``, its ``action`` as text, and ``event_name``."""
    details = record.get("details")
    made = dict(record)
    of = details if isinstance(details, dict) else record
    # The log of a self-managed instance has no details: it is one flat object.
    made["details"] = of if of is not record else {}
    names = (at.get(field) for field in ("event_name", "event_type") for at in (record, of))
    name = next((one for one in names if one and one != "audit_operation"), None)
    made["event_name"] = name if isinstance(name, str) else None
    action = of.get("custom_message") or next(
        (of[one] for one in ("add", "remove", "change", "with") if of.get(one)), None
    )
    word = next((one for one in ("add", "remove", "change") if of.get(one)), None)
    message = of.get("custom_message")
    if isinstance(message, str):
        made["action"] = message
    elif isinstance(action, str):
        made["action"] = f"{word} {action}" if word else action
    return made
