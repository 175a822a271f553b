"""An Azure Monitor record in one shape: nested JSON texts opened, and the resource provider under ``provider``.

Sign-ins, directory audits and risk detections as Microsoft Graph returns them are what diagnostic settings export as
``properties``: they are put there, under the names that the export has around them, with their id under ``graph``.
Azure's management interface returns the activity log with names under ``value``; a workspace has all of these as rows
whose columns begin with a capital letter.
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
_COLUMNS = {"IPAddress": "ipAddress", "LocationDetails": "location", "AADOperationType": "operationType"}
_TABLES = {"SigninLogs": "SignInLogs", "AuditLogs": "AuditLogs"}
_TOP = ("operationName", "resultType", "resultDescription", "correlationId", "resourceId")
_RISKS = ("riskEventType", "riskLastUpdatedDateTime")
_AMERICAN = re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M")


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record; ``properties`` and ``identity`` are objects even where an exporter wrote them as text."""
    if "TimeGenerated" in record:
        record = _of_workspace(record)
    elif "eventTimestamp" in record:
        record = _of_management(record)
    elif "operationName" not in record:
        if any(name in record for name in _RISKS):
            return _risk(record)
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


def _risk(record: dict[str, Any]) -> dict[str, Any]:
    times = (record.get(name) for name in ("detectedDateTime", "activityDateTime", "riskLastUpdatedDateTime"))
    is_detection = "riskEventType" in record
    made = _exported(
        record,
        time=next((time for time in times if time is not None), None),
        category="UserRiskEvents" if is_detection else "RiskyUsers",
        operationName=record.get("riskEventType") or "Risky user",
        callerIpAddress=record.get("ipAddress"),
    )
    # The id of a risky user is the user's: it stands in each record of how risky they are.
    return made if is_detection else {**made, "graph": None}


def _of_management(record: dict[str, Any]) -> dict[str, Any]:
    """An entry of the activity log as the management interface returns it."""
    plain = {name: _name(value) for name, value in record.items()}
    request, properties = record.get("httpRequest"), record.get("properties")
    return {
        **plain,
        "time": record["eventTimestamp"],
        "resultType": plain.get("status"),
        "callerIpAddress": request.get("clientIpAddress") if isinstance(request, dict) else None,
        "identity": {"authorization": record.get("authorization"), "claims": record.get("claims")},
        "properties": {**(properties if isinstance(properties, dict) else {}), "caller": record.get("caller")},
    }


def _name(value: Any) -> Any:
    """The name itself of ``{"value": "Administrative", "localizedValue": "…"}``."""
    is_named = isinstance(value, dict) and "value" in value and value.keys() <= {"value", "localizedValue"}
    return value["value"] if is_named else value


def _of_workspace(record: dict[str, Any]) -> dict[str, Any]:
    """A row of the tables AzureActivity, SigninLogs, AuditLogs and those of other sign-ins."""
    row = {
        _COLUMNS.get(name) or name[:1].lower() + name[1:]: _opened(value) if isinstance(value, str) else value
        for name, value in record.items()
    }
    if "operationNameValue" in row:
        return {
            **row,
            "time": row["timeGenerated"],
            "operationName": row["operationNameValue"],
            "category": row.get("categoryValue"),
            "resultType": row.get("activityStatusValue"),
            "resourceId": row.get("_ResourceId") or row.get("resourceId"),
            "identity": {"authorization": row.get("authorization"), "claims": row.get("claims")},
            "properties": {"caller": row.get("caller"), "more": row.get("properties")},
        }
    table = str(row.get("type") or "")
    return {
        **{name: row.get(name) for name in _TOP},
        "time": row.get("activityDateTime") or row.get("createdDateTime") or row["timeGenerated"],
        "category": _TABLES.get(table) or table.removeprefix("AAD") or row.get("category"),
        "tenantId": row.get("aADTenantId"),
        "properties": row,
    }


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
    if not text.startswith(("{", "[")):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
