"""A Cloudflare record with the name of its dataset, which the record itself does not have."""

from typing import Any

_UIDS = ("ID", "id", "AuditLogID")
"""Entries of the audit log have an id; the id of a request stands in several datasets and events."""

_DATASETS = (
    ("http_requests", ("EdgeStartTimestamp", "ClientRequestHost")),
    ("http_requests", ("EdgeEndTimestamp", "ClientRequestHost")),
    ("firewall_events", ("Datetime", "RayID", "ClientIP", "Source")),
    ("gateway_dns", ("Datetime", "ResolverDecision")),
    ("gateway_http", ("Datetime", "HTTPHost")),
    ("gateway_network", ("Datetime", "Transport")),
    ("dns_logs", ("QueryName", "ColoCode", "SourceIP")),
    ("access_requests", ("AppUUID", "Allowed")),
    ("access_requests", ("app_uid", "allowed")),
    ("device_posture_results", ("PostureCheckName", "PostureCheckType")),
    ("casb_findings", ("AssetExternalID", "FindingTypeID")),
    ("nel_reports", ("LastKnownGoodColoCode", "Phase")),
    ("audit_logs", ("ActionTimestamp", "ActionType")),
    ("audit_logs", ("When", "ActionType")),
    ("audit_logs", ("when", "action")),
)


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with ``dataset`` and, of a firewall event, the whole of what was asked for as ``request_uri``."""
    dataset = next((name for name, fields in _DATASETS if all(field in record for field in fields)), "other")
    made = {**record, "dataset": dataset}
    path, query = record.get("ClientRequestPath"), record.get("ClientRequestQuery")
    if "ClientRequestURI" not in record and isinstance(path, str):
        made["request_uri"] = path + (f"?{query.removeprefix('?')}" if isinstance(query, str) and query else "")
    uid = next((record[name] for name in _UIDS if isinstance(record.get(name), str) and record[name]), None)
    return made | ({"uid": uid} if uid and dataset == "audit_logs" else {})
