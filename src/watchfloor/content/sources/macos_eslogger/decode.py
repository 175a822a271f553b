"""Events of ``eslogger`` with what rules ask for spelled out: which event, the whole command line, the path."""

from typing import Any

_PATHS = ("target", "file", "source", "dir", "executable", "existing_file")


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with its event's name under ``kind``, what it says under ``of``, ``command`` and ``target_path``."""
    event = record.get("event")
    if not isinstance(event, dict) or len(event) != 1:
        return record
    ((kind, content),) = event.items()
    made = {key: value for key, value in record.items() if key != "event"}
    made["kind"] = kind
    made["of"] = content if isinstance(content, dict) else {}
    arguments = made["of"].get("args")
    if isinstance(arguments, list):
        made["command"] = " ".join(str(one) for one in arguments)
    made["target_path"] = _target(made["of"])
    return made


def _target(content: dict[str, Any]) -> str | None:
    """The path that an event is about: of what is new, where it is put."""
    made = content.get("destination")
    if isinstance(made, dict):
        if (existing := _path(made.get("existing_file"))) is not None:
            return existing
        fresh = made.get("new_path")
        if isinstance(fresh, dict) and (folder := _path(fresh.get("dir"))) is not None:
            return f"{folder.rstrip('/')}/{fresh.get('filename')}"
    return next((path for path in (_path(content.get(name)) for name in _PATHS) if path is not None), None)


def _path(value: Any) -> str | None:
    path = value.get("path") if isinstance(value, dict) else None
    return path if isinstance(path, str) else None
