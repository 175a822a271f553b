"""What a CEF event is about, by the keys that it has; its times as one form."""

import re
from datetime import UTC, datetime
from typing import Any

_TIMES = ("rt", "end", "start", "deviceReceiptTime", "endTime", "startTime")
_FORMATS = (
    "%a %b %d %H:%M:%S %Y",
    "%b %d %Y %H:%M:%S",
    "%b %d %Y %H:%M:%S.%f",
    "%b %d %Y %H:%M:%S %Z",
    "%b %d %Y %H:%M:%S.%f %Z",
)
_LOGIN = re.compile(r"\b(?:log(?:on|in|ged (?:on|in)|ged in)|sign-?in|authenticat\w+|MFA)\b", re.IGNORECASE)


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with ``shape`` (``login``, ``web``, ``network`` or ``other``), and times in a readable form."""
    made = dict(record)
    for name in _TIMES:
        if isinstance(made.get(name), str) and made[name][:1].isalpha():
            made[name] = _time(made[name])
    made["shape"] = _shape(made)
    return made


def _shape(record: dict[str, Any]) -> str:
    what = f"{record.get('name')} {record.get('cat')} {record.get('device_event_class_id')}"
    if _LOGIN.search(what[:1024]) and ("duser" in record or "suser" in record):
        return "login"
    if "request" in record:
        return "web"
    return "network" if "src" in record and ("dst" in record or "dpt" in record) else "other"


def _time(text: str) -> Any:
    for form in _FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).isoformat()
        except ValueError:
            continue
    return text
