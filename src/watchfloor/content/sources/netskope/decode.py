"""Netskope's events under the names of its REST interface.

The Log Shipper of Cloud Exchange writes them in Elastic's schema, nested under ``netskope``; transactions are lines of
columns.
"""

from typing import Any

Record = dict[str, Any]

_ABSENT = frozenset({"", "null", "None", "-", "unknown"})
_ACTIONS = frozenset({"allow", "allow_default", "block", "alert", "useralert", "bypass", "isolate", "redirect"})
_NAMES = {
    "activity.name": "activity",
    "alert.is_present": "alert",
    "is_alert": "alert",
    "alert.name": "alert_name",
    "alert.type": "alert_type",
    "alarm.name": "alert_name",
    "app.name": "app",
    "app.session.id": "app_session_id",
    "audit.log.event": "audit_log_event",
    "device.name": "device",
    "device.type": "device",
    "dlp.incident.id": "dlp_incident_id",
    "dlp.rule.name": "dlp_rule",
    "dlp.rule.count": "dlp_rule_count",
    "dlp.profile": "dlp_profile",
    "dlp.file": "dlp_file",
    "event_type": "record_type",
    "incident.id": "incident_id",
    "ip.protocol": "ip_protocol",
    "malware.name": "malware_name",
    "malware.severity": "malware_severity",
    "ns_device_uid": "nsdeviceuid",
    "object.name": "object",
    "object.type": "object_type",
    "object.id": "object_id",
    "organization.unit": "organization_unit",
    "policy.name": "policy",
    "policy.id": "policy_id",
    "severity.level": "severity_level",
    "shared.with": "shared_with",
    "traffic.type": "traffic_type",
    "transaction.id": "transaction_id",
    "user.ip": "userip",
}
"""Under ``netskope.alerts`` and ``netskope.events``."""

_ECS = {
    "@timestamp": "timestamp",
    "event.id": "_id",
    "event.action": "action",
    "source.ip": "srcip",
    "source.port": "srcport",
    "source.geo.country_iso_code": "src_country",
    "source.geo.region_name": "src_region",
    "source.geo.city_name": "src_location",
    "source.geo.location.lat": "src_latitude",
    "source.geo.location.lon": "src_longitude",
    "destination.ip": "dstip",
    "destination.port": "dstport",
    "destination.domain": "dsthost",
    "client.bytes": "client_bytes",
    "server.bytes": "server_bytes",
    "file.name": "object",
    "file.path": "file_path",
    "file.size": "file_size",
    "file.hash.md5": "md5",
    "threat.indicator.file.hash.md5": "md5",
    "threat.indicator.file.hash.sha256": "sha256",
    "host.hostname": "hostname",
    "network.protocol": "protocol",
    "user_agent.name": "browser",
    "user_agent.os.name": "os",
    "user.email.1": "user",
    "user.email.2": "userkey",
    "user.email.3": "ur_normalized",
    "user.email.4": "from_user",
}
"""Beside ``netskope``."""

_COLUMNS = {
    "c-ip": "srcip",
    "s-ip": "dstip",
    "cs-username": "user",
    "cs-method": "http_method",
    "cs-user-agent": "user_agent",
    "sc-status": "http_status",
    "cs-host": "domain",
    "cs-uri-port": "dstport",
    "cs-referer": "referer",
    "cs-bytes": "client_bytes",
    "sc-bytes": "server_bytes",
    "bytes": "numbytes",
    "x-cs-app": "app",
    "x-cs-access-method": "access_method",
    "x-cs-session-id": "app_session_id",
    "x-s-country": "dst_country",
    "x-c-country": "src_country",
    "x-c-region": "src_region",
    "x-c-location": "src_location",
    "x-c-latitude": "src_latitude",
    "x-c-longitude": "src_longitude",
    "x-c-os": "os",
    "x-c-browser": "browser",
    "x-c-device": "device",
    "x-cs-site": "site",
    "x-cs-timestamp": "timestamp",
    "x-cs-userip": "userip",
    "x-cs-traffic-type": "traffic_type",
    "x-category": "category",
    "x-type": "type",
    "x-transaction-id": "transaction_id",
    "x-policy-action": "action",
}
"""Of transactions."""


def decode(record: Record) -> Record:
    """The record with Netskope's names at the top."""
    if isinstance(record.get("netskope"), dict):
        return _of_shipper(record)
    return _of_transaction(record) if "x-cs-timestamp" in record else record


def _of_shipper(record: Record) -> Record:
    kinds = record["netskope"]
    inner = next((one for name in ("alerts", "events") if isinstance(one := kinds.get(name), dict)), {})
    outer = {name: value for name, value in record.items() if name != "netskope"}
    made: Record = {}
    for names, part in ((_NAMES, inner), (_ECS, outer)):
        for path, value in _leaves(part, ""):
            if not _is_absent(value):
                made.setdefault(names.get(path, path.replace(".", "_")), value)
    if "alerts" in kinds:
        made.setdefault("alert", "yes")
    if made.get("record_type") == "application":
        made["type"] = made.get("type") or "application"
    return made


def _of_transaction(record: Record) -> Record:
    made = {_COLUMNS.get(name, name): value for name, value in record.items() if not _is_absent(value)}
    further = made.pop("further", None)
    if isinstance(further, list) and "action" not in made:
        action = next((one for one in further if isinstance(one, str) and one in _ACTIONS), None)
        made |= {"action": action} if action else {}
    host, query = record.get("cs-host"), record.get("cs-uri-query")
    scheme, path = record.get("cs-uri-scheme"), record.get("cs-uri")
    if not _is_absent(scheme) and not _is_absent(host):
        made["url"] = f"{scheme}://{host}{'/' if _is_absent(path) else path}{'' if _is_absent(query) else f'?{query}'}"
    return made


def _is_absent(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value in _ABSENT)


def _leaves(value: Record, prefix: str) -> Any:
    for name, one in value.items():
        if isinstance(one, dict):
            yield from _leaves(one, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", one
