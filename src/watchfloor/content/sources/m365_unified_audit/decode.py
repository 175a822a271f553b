"""Unfolds the unified audit log: the audit data of an export, names of any case, and lists of named values.

``Parameters: [{"Name": "ForwardTo", "Value": "x"}]`` becomes ``Parameters: {"ForwardTo": "x"}``, so that a rule and a
mapping can name ``Parameters.ForwardTo``, and a rule that searches ``Parameters`` for a name or a value finds both.
"""

from typing import Any

import orjson

_NAMED_VALUES = (
    "Parameters",
    "ExtendedProperties",
    "ModifiedProperties",
    "DeviceProperties",
    "OperationProperties",
    "ExtraProperties",
)
_NAMES = (
    "Actor",
    "ActorIpAddress",
    "AppId",
    "ApplicationId",
    "ClientAppId",
    "ClientIP",
    "ClientIPAddress",
    "ClientInfoString",
    "CreationTime",
    "EventData",
    "ExtendedProperties",
    "Id",
    "Item",
    "ItemType",
    "LogonError",
    "LogonType",
    "LogonUserSid",
    "MailboxGuid",
    "MailboxOwnerUPN",
    "ModifiedProperties",
    "ObjectId",
    "Operation",
    "OperationProperties",
    "OrganizationId",
    "OrganizationName",
    "Parameters",
    "RecordType",
    "ResultStatus",
    "SessionId",
    "SiteUrl",
    "SourceFileName",
    "Target",
    "TargetUserOrGroupName",
    "UserAgent",
    "UserId",
    "UserKey",
    "UserType",
    "Workload",
)
# Some collectors deliver all names in lower case.
_CANONICAL = {name.lower(): name for name in _NAMES}


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The audit record with its named values as objects.

    Raises:
        ValueError: The ``AuditData`` of an export is not a JSON object.
    """
    if isinstance(shipped := record.get("o365audit"), dict):  # as Filebeat puts it
        record = shipped
    if "AuditData" in record:
        record = _of_export(record)
    elif "Operation" not in record and "operation" in record:
        record = {_CANONICAL.get(name, name): value for name, value in record.items()}
    folded = {name: fold(record[name]) or None for name in _NAMED_VALUES if isinstance(record.get(name), list)}
    return {**record, **folded} if folded else record


def _of_export(record: dict[str, Any]) -> dict[str, Any]:
    audit = record["AuditData"]
    if isinstance(audit, str):
        audit = orjson.loads(audit)
    if not isinstance(audit, dict):
        raise ValueError("AuditData is not a JSON object")  # noqa: TRY004 - a record's fault, not a programming error
    return {**audit, "export": {name: value for name, value in record.items() if name != "AuditData"}}


def fold(pairs: list[Any]) -> Any:
    """A list of named values as one object; a name that comes twice has a list; any other list stays as it is."""
    made: dict[str, Any] = {}
    for pair in pairs:
        name = pair.get("Name", pair.get("Key")) if isinstance(pair, dict) else None
        if not isinstance(name, str):
            return pairs
        rest = {key: value for key, value in pair.items() if key not in {"Name", "Key"}}
        value = rest["Value"] if rest.keys() == {"Value"} else rest or None
        if name in made:
            earlier = made[name]
            value = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        made[name] = value
    return made
