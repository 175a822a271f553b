"""Events of Elastic's agents out of their search hit, with the operating system under one name and a whole command."""

from typing import Any

_SYSTEMS = {"macos": "macos", "darwin": "macos", "windows": "windows"}


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The event alone, with ``system`` (linux, macos or windows) and ``process.command_line``."""
    source = record.get("_source")
    made = dict(source) if isinstance(source, dict) else dict(record)
    system = _at(made, "host", "os")
    named = [str(system.get(name)).lower() for name in ("type", "platform", "family", "name")]
    made["system"] = next((_SYSTEMS[one] for one in named if one in _SYSTEMS), "linux")
    process = _at(made, "process")
    arguments = process.get("args")
    if not process.get("command_line") and isinstance(arguments, list):
        made["process"] = {**process, "command_line": " ".join(str(one) for one in arguments)}
    return made


def _at(record: dict[str, Any], *path: str) -> dict[str, Any]:
    value: Any = record
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
