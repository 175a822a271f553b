"""An ECS document alone and nested, with the operating system under one name and a whole command line."""

from typing import Any

from watchfloor.event import nest

_SYSTEMS = {"macos": "macos", "darwin": "macos", "windows": "windows", "linux": "linux"}


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The document out of its search hit, dotted names as objects, with ``system`` where it says one."""
    source = record.get("_source")
    made = dict(source) if isinstance(source, dict) else dict(record)
    if any("." in name for name in made):
        made = nest(made)
    found = [_at(made, "host", "os"), _at(made, "observer", "os")]
    named = (str(system.get(name)).lower() for system in found for name in ("type", "platform", "family", "name"))
    system = next((_SYSTEMS[name] for name in named if name in _SYSTEMS), None)
    process = _at(made, "process")
    arguments = process.get("args")
    if not process.get("command_line") and isinstance(arguments, list):
        made["process"] = {**process, "command_line": " ".join(str(one) for one in arguments)}
    return made | ({"system": system} if system else {})


def _at(record: dict[str, Any], *path: str) -> dict[str, Any]:
    value: Any = record
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
