"""What a LEEF event is about, by the keys that it has; its time, whose form the event says or devices agree on."""

import re
from datetime import UTC, datetime
from typing import Any

_LOGIN = re.compile(r"log(?:on|in)|sign-?in|authenticat", re.IGNORECASE)
_FORMATS = ("%b %d %Y %H:%M:%S", "%b %d %Y %H:%M:%S.%f", "%b %d %Y %H:%M:%S.%f %Z", "%b %d %Y %H:%M:%S %Z")


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with ``shape`` (``login``, ``network`` or ``other``) and ``time``."""
    made = dict(record)
    what = f"{record.get('cat')} {record.get('event_id')}"[:1024]
    if _LOGIN.search(what) and ("usrName" in record or "identUserName" in record or "accountName" in record):
        made["shape"] = "login"
    else:
        made["shape"] = "network" if "src" in record and ("dst" in record or "dstPort" in record) else "other"
    if isinstance(made.get("devTime"), str):
        made["time"] = _time(made.pop("devTime"))
    return made


def _time(text: str) -> Any:
    if not text[:1].isalpha():
        return text
    for form in _FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).isoformat()
        except ValueError:
            continue
    return text
