"""A Salesforce event with its own fields at the top, its type under ``event_type`` and a time that has a zone.

A platform event is wrapped (``payload``, ``event.replayId``), an object of a query tells its type in ``attributes``,
and a row of an event log file has ``EVENT_TYPE`` and, in older files, the compact time ``20260317083000.123``.
"""

import re
from typing import Any

_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?")
_STREAM = re.compile(r"(?:Stream|Store|__e)$")
_TELLING = (
    ("ReportEvent", "DisplayedFieldEntities"),
    ("LoginAsEvent", "DelegatedUsername"),
    ("ApiEvent", "QueriedEntities"),
    ("PermissionSetEvent", "PermissionType"),
    ("LoginEvent", "LoginType"),
    ("LoginHistory", "LoginTime"),
    ("SetupAuditTrail", "Section"),
)


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The event alone."""
    payload = record.get("payload")
    if isinstance(payload, dict):
        record = {**payload, **{name: value for name, value in record.items() if name != "payload"}}
    made = {**record, "event_type": _type(record)}
    compact = record.get("TIMESTAMP")
    if isinstance(compact, str) and (match := _COMPACT.fullmatch(compact)):
        year, month, day, hour, minute, second, fraction = match.groups()
        made["time"] = f"{year}-{month}-{day}T{hour}:{minute}:{second}{fraction or ''}Z"
    return made


def _type(record: dict[str, Any]) -> str:
    attributes = record.get("attributes")
    named = (record.get("EVENT_TYPE"), attributes.get("type") if isinstance(attributes, dict) else None)
    channel = record.get("channel")
    told = next((name for name in named if isinstance(name, str) and name), None)
    if told is None and isinstance(channel, str):
        told = channel.rpartition("/")[2]
    if told:
        return _STREAM.sub("", told)
    return next((name for name, field in _TELLING if field in record), "Event")
