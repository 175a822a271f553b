r"""A Falcon record with what its paths and Sigma's fields need: one uid, and texts in the form that rules write.

A sensor's event names a parent by its bare file name (``explorer.exe``), a hash by its kind alone, and a key of the
registry by its kernel path; rules write ``\explorer.exe``, ``SHA256=…`` and ``HKLM\…``.
"""

import re
from typing import Any

_INTEGRITY = {"0": "Untrusted", "4096": "Low", "8192": "Medium", "8448": "Medium", "12288": "High", "16384": "System"}
_HASHES = (("SHA256", "SHA256HashData"), ("SHA1", "SHA1HashData"), ("MD5", "MD5HashData"))
_NO_HASH = frozenset({"", "0"})
_HIVES = (("\\REGISTRY\\MACHINE", "HKLM"), ("\\REGISTRY\\USER", "HKU"))
_TIMES = ("ContextTimeStamp", "_time", "Time")
_SECONDS = re.compile(r"\d{9,11}(?:\.\d{1,9})?")
_UIDS = (
    ("aid", "id"),
    ("composite_id", "updated_timestamp"),
    ("metadata.customerIDString", "metadata.eventType", "metadata.offset", "metadata.eventCreationTime"),
)


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with ``uid``, when it ``happened``, and what the event of a sensor says in the form of rules."""
    uid = next((text for paths in _UIDS if (text := _joined(record, paths))), None)
    made: dict[str, Any] = {"uid": uid} if uid else {}
    time = next((text for name in _TIMES if (text := _text(record, name)) and _SECONDS.fullmatch(text)), None)
    if time:
        made["happened"] = float(time)
    if "event_simpleName" in record:
        made |= {name: text for name, text in _sensor(record).items() if text}
    return record | made


def _joined(record: dict[str, Any], paths: tuple[str, ...]) -> str | None:
    parts = [_at(record, path) for path in paths]
    return ":".join(map(str, parts)) if all(isinstance(part, str | int) and str(part) for part in parts) else None


def _at(record: dict[str, Any], path: str) -> Any:
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _sensor(record: dict[str, Any]) -> dict[str, str | None]:
    slash = "\\" if record.get("event_platform") == "Win" else "/"
    key, value = _text(record, "RegObjectName"), _text(record, "RegValueName")
    for kernel, hive in _HIVES:
        if key and key.upper().startswith(kernel):
            key = hive + key[len(kernel) :]
    pairs = [(name, _text(record, field)) for name, field in _HASHES]
    hashes = [f"{name}={digest}" for name, digest in pairs if digest and digest.strip("0") not in _NO_HASH]
    return {
        "parent_image": _rooted(_text(record, "ParentBaseFileName"), slash),
        "context_image": _rooted(_text(record, "ContextBaseFileName"), slash),
        "hashes": ",".join(hashes),
        "integrity": _INTEGRITY.get(_text(record, "IntegrityLevel") or ""),
        "registry_path": f"{key}\\{value}" if key and value else key,
        "task_command": " ".join(filter(None, (_text(record, "TaskExecCommand"), _text(record, "TaskExecArguments")))),
    }


def _rooted(name: str | None, slash: str) -> str | None:
    return name if not name or slash in name else slash + name


def _text(record: dict[str, Any], name: str) -> str | None:
    value = record.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
