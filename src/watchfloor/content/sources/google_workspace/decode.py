"""A Workspace activity in one shape: its first event's name and type at the top, its parameters as an object."""

from typing import Any

_VALUES = ("value", "boolValue", "intValue", "multiValue", "multiIntValue", "messageValue", "multiMessageValue")


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with ``name``, ``type`` and ``parameters``; further events of the same action stay under ``events``.

    Records whose exporter has done so already are left as they are.
    """
    events = record.get("events")
    if isinstance(events, dict):  # a shipper has made one record of each event
        events = [events]
    if not isinstance(events, list) or not events or not isinstance(events[0], dict):
        return record
    first, *others = events
    kept = {name: value for name, value in record.items() if name != "events"}
    flat = kept | first | {"parameters": _parameters(first.get("parameters"))}
    return flat | {"events": others} if others else flat


def _parameters(given: Any) -> Any:
    if not isinstance(given, list):
        return given
    return {str(one.get("name")): _value(one) for one in given if isinstance(one, dict)}


def _value(parameter: dict[str, Any]) -> Any:
    return next((parameter[name] for name in _VALUES if name in parameter), None)
