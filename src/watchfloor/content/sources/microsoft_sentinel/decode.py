"""A Sentinel alert or incident in one shape: names as its tables have them, nested JSON texts opened, one uid.

The tables write ``Title``, the interface ``properties.title`` and ``createdTimeUtc``, its library for Python ``title``
and ``created_time_utc``; entities refer to each other by number (``{"$ref": "5"}``), which becomes the entity itself.
"""

from typing import Any

import orjson

_TEXTS = (
    "Entities",
    "ExtendedProperties",
    "Techniques",
    "SubTechniques",
    "AdditionalData",
    "Owner",
    "Labels",
    "AlertIds",
)
_UIDS = (
    ("SystemAlertId", "TimeGenerated"),
    ("SystemAlertId", "EndTime"),
    ("IncidentName", "LastModifiedTime"),
    ("IncidentName", "TimeGenerated"),
)
_RENAMED = {"AlertDisplayName": "DisplayName"}


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The alert or incident with its parts as objects."""
    if "incident_number" in record:
        record = _of_library(record)
    properties = record.get("properties")
    if isinstance(properties, dict):
        record = _of_interface(record, properties)
    opened = {name: _opened(record[name]) for name in _TEXTS if isinstance(record.get(name), str)}
    made = {**record, **opened}
    if isinstance(made.get("Entities"), list):
        made["Entities"] = _joined_entities(made["Entities"])
    uid = next((":".join(made[name] for name in names) for names in _UIDS if _are_texts(made, names)), None)
    return made | ({"uid": uid} if uid else {})


def _of_library(record: dict[str, Any]) -> dict[str, Any]:
    """What the library gives as the interface writes it."""
    own = ("id", "name", "type", "etag")
    properties = {_camel(name): value for name, value in record.items() if name not in own}
    if isinstance(data := properties.get("additionalData"), dict):
        properties["additionalData"] = {_camel(name): value for name, value in data.items()}
    return {name: record[name] for name in own if name in record} | {"properties": properties}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(one.capitalize() for one in others)


def _of_interface(record: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    named = {name[:1].upper() + name[1:].removesuffix("Utc"): value for name, value in properties.items()}
    named = {_RENAMED.get(name, name): value for name, value in named.items()}
    rest = {name: value for name, value in record.items() if name != "properties"}
    name = record.get("name")
    if "SystemAlertId" in named:
        return named | {"AlertSeverity": named.get("Severity"), "resource": rest}
    return named | {"IncidentName": name, "resource": rest}


def _opened(text: str) -> Any:
    if not text.startswith(("{", "[")):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _joined_entities(entities: list[Any]) -> list[Any]:
    by_id = {one.get("$id"): one for one in entities if isinstance(one, dict) and isinstance(one.get("$id"), str)}

    def joined(value: Any) -> Any:
        ref = value.get("$ref") if isinstance(value, dict) else None
        return by_id.get(ref, value) if isinstance(ref, str) else value

    return [{name: joined(value) for name, value in one.items()} if isinstance(one, dict) else one for one in entities]


def _are_texts(record: dict[str, Any], names: tuple[str, ...]) -> bool:
    return all(isinstance(record.get(name), str) and record[name] for name in names)
