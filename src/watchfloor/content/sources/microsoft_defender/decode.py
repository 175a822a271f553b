r"""A Defender record with its fields at the top, one uid, and texts in the form that Sigma's rules write.

A row of advanced hunting arrives inside the envelope of the streaming API, as a row of a Sentinel table, or alone. It
names hashes and the parts of an account one by one, and the registry's hives in full; rules write ``SHA256=…``,
``CORP\alice`` and ``HKLM\…``.
"""

from typing import Any

import orjson

_HUNTING = "AdvancedHunting-"
_HASHES = ("SHA1", "MD5", "SHA256")
_HIVES = (
    ("HKEY_LOCAL_MACHINE", "HKLM"),
    ("HKEY_CURRENT_USER", "HKCU"),
    ("HKEY_USERS", "HKU"),
    ("HKEY_CLASSES_ROOT", "HKCR"),
)
_MAC = ("/Users/", "/Applications/", "/System/", "/Library/", "/private/")
_UIDS = (
    ("table", "DeviceId", "Timestamp", "ReportId"),
    ("id", "lastUpdateDateTime"),
    ("id", "lastUpdateTime"),
    ("alertId", "lastUpdatedTime"),
    ("incidentId", "lastUpdateTime"),
    ("id", "createdDateTime"),
)


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record; a hunting row has ``table``, ``platform`` and what rules name."""
    record = _incident(record) or record
    row = _row(record)
    if row is not None:
        more = _opened(row.get("AdditionalFields"))
        if users := _loaded(row.get("LoggedOnUsers")):
            more["LoggedOnUsers"] = users
        record = row | more | {name: text for name, text in _derived(row).items() if text}
    uid = next((text for names in _UIDS if (text := _joined(record, names))), None)
    return record | ({"uid": uid} if uid else {})


def _incident(record: dict[str, Any]) -> dict[str, Any] | None:
    """An incident with its ``shape``; one that comes with one of its alerts is that alert, ``incident`` beside it."""
    of_graph = "displayName" in record and "createdDateTime" in record and "providerAlertId" not in record
    if not of_graph and not {"incidentId", "incidentName", "createdTime"} <= record.keys():
        return None
    alert = record.get("alerts")
    if isinstance(alert, dict) and "title" in alert:
        rest = {name: value for name, value in record.items() if name != "alerts"}
        shape = "alert of the Graph" if "providerAlertId" in alert else "alert"
        evidence = [alert[name] for name in ("entities", "evidence") if isinstance(alert.get(name), dict)]
        return alert | ({"evidence": evidence} if evidence else {}) | {"incident": rest, "shape": shape}
    return record | {"shape": "incident"}


def _row(record: dict[str, Any]) -> dict[str, Any] | None:
    category, properties = record.get("category"), record.get("properties")
    if isinstance(category, str) and category.startswith(_HUNTING) and isinstance(properties, dict):
        envelope = {name: value for name, value in record.items() if name != "properties"}
        return properties | {"table": category.removeprefix(_HUNTING), "envelope": envelope}
    if "ActionType" not in record and "AlertId" not in record:
        return None
    return record | {"table": _text(record, "Type") or _table(_text(record, "ActionType") or "")}


def _opened(text: Any) -> dict[str, Any]:
    """The further fields of a row as an object, where they came as text."""
    return {} if (opened := _loaded(text)) is None else {"AdditionalFields": opened}


def _loaded(text: Any) -> Any:
    if not isinstance(text, str) or not text.startswith(("{", "[{")):
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _table(action: str) -> str:
    """The table that a row without its name is of."""
    if action in {"LogonSuccess", "LogonFailed", "LogonAttempted"}:
        return "DeviceLogonEvents"
    starts = (
        ("Process", "DeviceProcessEvents"),
        ("ImageLoaded", "DeviceImageLoadEvents"),
        ("File", "DeviceFileEvents"),
    )
    more = (("Registry", "DeviceRegistryEvents"), ("Connection", "DeviceNetworkEvents"))
    return next((table for start, table in (*starts, *more) if action.startswith(start)), "DeviceEvents")


def _derived(row: dict[str, Any]) -> dict[str, str | None]:
    paths = [_text(row, name) or "" for name in ("FolderPath", "InitiatingProcessFolderPath")]
    unix = [path for path in paths if path.startswith("/")]
    platform = "macos" if any(path.startswith(_MAC) for path in unix) else "linux" if unix else "windows"
    return {
        "platform": platform,
        "hashes": ",".join(f"{name}={digest}" for name in _HASHES if (digest := _text(row, name))),
        "user": _account(row, "Account") or _account(row, "InitiatingProcessAccount"),
        "registry_path": _registry_path(row),
        "registry_data": _registry_data(row),
    }


def _account(row: dict[str, Any], prefix: str) -> str | None:
    name, domain = _text(row, f"{prefix}Name"), _text(row, f"{prefix}Domain")
    return f"{domain}\\{name}" if name and domain else name


def _registry_path(row: dict[str, Any]) -> str | None:
    key, value = _text(row, "RegistryKey"), _text(row, "RegistryValueName")
    for name, short in _HIVES:
        if key and key.startswith(name):
            key = short + key[len(name) :]
    return f"{key}\\{value}" if key and value else key


def _registry_data(row: dict[str, Any]) -> str | None:
    """The value as Sysmon writes it, which rules look for."""
    data = _text(row, "RegistryValueData")
    if (_text(row, "RegistryValueType") or "").lower() == "dword" and data and data.isascii() and data.isdigit():
        return f"DWORD (0x{int(data[:10]):08x})"
    return data


def _joined(record: dict[str, Any], names: tuple[str, ...]) -> str | None:
    parts = [_text(record, name) for name in names]
    return ":".join(filter(None, parts)) if all(parts) else None


def _text(record: dict[str, Any], name: str) -> str | None:
    value = record.get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
