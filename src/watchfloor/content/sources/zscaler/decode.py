"""Zscaler's feeds in one shape: the fields by themselves, which log they are of, and a time."""

import re
from datetime import UTC, datetime
from typing import Any

_MOST = 500
_WORDS = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}")
_NONE = frozenset({"", "None", "none", "NA", "N/A"})


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The fields of the event, with ``log`` (``web`` or ``firewall``) and ``occurred``."""
    made = {name: value for name, value in record.items() if name not in {"event", "fields", "message"}}
    event = record.get("event")
    if isinstance(event, dict):
        made |= event
    elif isinstance(record.get("fields"), str):
        pairs = (part.partition("=") for part in record["fields"].split("\t", _MOST)[:_MOST])
        made |= {name: value for name, _, value in pairs if name}
    # What has no value is left out: rules ask for names of threats that are there.
    made = {name: value for name, value in made.items() if not (isinstance(value, str) and value in _NONE)}
    made["log"] = "firewall" if "csip" in made or made.get("sourcetype") == "zscalernss-fw" else "web"
    made["occurred"] = _time(made.pop("datetime", None) or made.pop("time", None))
    return made


def _time(text: Any) -> Any:
    """Zscaler writes UTC, as 2026-03-03 09:14:05 or as Tue Mar  3 09:14:05 2026."""
    if isinstance(text, str) and _WORDS.fullmatch(text):
        return datetime.strptime(text, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC).isoformat()
    return text
