"""An Azure Monitor record in one shape: nested JSON texts opened, and the resource provider under ``provider``.

Sign-ins and directory audits as Microsoft Graph returns them are what diagnostic settings export as ``properties``:
they are put there, under the names that the export has around them, with their id under ``graph``.
"""

import re
from datetime import UTC, datetime
from typing import Any

import orjson

_PROVIDER = re.compile(r"^([a-z0-9]+(?:\.[a-z0-9]+)+)/", re.IGNORECASE)
_TEXTS = ("properties", "identity")
_SIGN_INS = {
    "nonInteractiveUser": "NonInteractiveUserSignInLogs",
    "servicePrincipal": "ServicePrincipalSignInLogs",
    "managedIdentity": "ManagedIdentitySignInLogs",
}
_AMERICAN = re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M")


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record; ``properties`` and ``identity`` are objects even where an exporter wrote them as text."""
    if "operationName" not in record:
        if "createdDateTime" in record:
            return _sign_in(record)
        if "activityDateTime" in record:
            return _audit(record)
    opened = {name: _opened(record[name]) for name in _TEXTS if isinstance(record.get(name), str)}
    operation = record.get("operationName")
    match = _PROVIDER.match(operation) if isinstance(operation, str) else None
    return record | opened | ({"provider": match[1].lower()} if match else {}) | _time(record.get("time"))


def _sign_in(record: dict[str, Any]) -> dict[str, Any]:
    kinds = record.get("signInEventTypes")
    kind = kinds[0] if isinstance(kinds, list) and kinds else None
    status = record.get("status")
    code = status.get("errorCode") if isinstance(status, dict) else None
    return _exported(
        record,
        time=record["createdDateTime"],
        category=_SIGN_INS.get(kind, "SignInLogs") if isinstance(kind, str) else "SignInLogs",
        operationName="Sign-in activity",
        resultType=None if code is None else str(code),
        identity=record.get("userDisplayName") or record.get("servicePrincipalName"),
        callerIpAddress=record.get("ipAddress"),
        tenantId=record.get("resourceTenantId"),
    )


def _audit(record: dict[str, Any]) -> dict[str, Any]:
    return _exported(
        record,
        time=record["activityDateTime"],
        category="AuditLogs",
        operationName=record.get("activityDisplayName"),
        resultDescription=record.get("resultReason"),
    )


def _exported(record: dict[str, Any], **around: Any) -> dict[str, Any]:
    known = {name: value for name, value in around.items() if value is not None}
    ids = {"graph": {"id": record.get("id")}, "correlationId": record.get("correlationId")}
    return known | ids | {"properties": record}


def _time(time: Any) -> dict[str, str]:
    """The time in ISO 8601 where it is as the risk logs write it: ``3/24/2026 2:42:35 PM``, in UTC."""
    if not isinstance(time, str) or not _AMERICAN.fullmatch(time):
        return {}
    return {"time": datetime.strptime(time, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC).isoformat()}


def _opened(text: str) -> Any:
    if not text.startswith("{"):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
