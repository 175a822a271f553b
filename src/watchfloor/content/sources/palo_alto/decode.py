"""Logs of PAN-OS under the names of its columns, with times in a form that is read anywhere.

They come as columns, as JSON objects of the Strata Logging Service (once Cortex Data Lake), and in CEF, of that service
or of a firewall. Who signed in from where, a system log has in its text alone.
"""

import re
from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]

_TIMES = {"receive_time": "received", "generated_time": "generated", "start": "started"}
_TIME = re.compile(r"(\d{4})[/-](\d\d)[/-](\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?)")
_PRECISE = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d)")
_ACCOUNT = re.compile(r"(?:for user|for|[Uu]ser) \'?([^\s\'.,]+(?:\.[^\s\'.,]+)*)\'?")
_ADDRESS = re.compile(r"(?:[Ff]rom:?|initiated by:|[^-]\bip) ([0-9A-Fa-f:.]{2,44}[0-9A-Fa-f])")
_REASON = re.compile(r"Reason: ([^.]{1,200})")

_TYPES = frozenset(
    {
        "TRAFFIC",
        "THREAT",
        "URL",
        "FILE",
        "SYSTEM",
        "CONFIG",
        "GLOBALPROTECT",
        "USERID",
        "HIPMATCH",
        "AUTHENTICATION",
        "DNS",
    }
    | {"DECRYPTION", "CORRELATION", "IPTAG", "TUNNEL", "GTP", "SCTP", "AUDIT", "WILDFIRE", "DATA"}
)
_COLUMNS = {
    "LogType": "type",
    "Subtype": "subtype",
    "SubType": "subtype",
    "DeviceSN": "serial",
    "LogSourceID": "serial",
    "DeviceName": "device_name",
    "LogSourceName": "device_name",
    "TimeReceived": "receive_time",
    "LogTime": "receive_time",
    "TimeGenerated": "generated_time",
    "EventTime": "generated_time",
    "SessionStartTime": "start",
    "SequenceNo": "seqno",
    "SourceAddress": "src",
    "SourceIP": "src",
    "DestinationAddress": "dst",
    "DestinationIP": "dst",
    "NATSource": "nat_src",
    "NATDestination": "nat_dst",
    "SourcePort": "sport",
    "DestinationPort": "dport",
    "SourceUser": "src_user",
    "User": "src_user",
    "DestinationUser": "dst_user",
    "Rule": "rule",
    "RuleUUID": "rule_uuid",
    "Application": "app",
    "VirtualLocation": "vsys",
    "FromZone": "from_zone",
    "ToZone": "to_zone",
    "InboundInterface": "inbound_if",
    "OutboundInterface": "outbound_if",
    "SessionID": "session_id",
    "Protocol": "proto",
    "Action": "action",
    "Bytes": "bytes",
    "BytesSent": "bytes_sent",
    "BytesReceived": "bytes_received",
    "PacketsTotal": "packets",
    "PacketsSent": "pkts_sent",
    "PacketsReceived": "pkts_received",
    "SessionDuration": "elapsed",
    "SessionEndReason": "session_end_reason",
    "URLCategory": "category",
    "SourceLocation": "src_location",
    "DestinationLocation": "dst_location",
    "URL": "misc",
    "FileName": "misc",
    "FileType": "file_type",
    "FileHash": "file_digest",
    "ThreatName": "threat_id",
    "ThreatID": "threat_id",
    "ThreatCategory": "threat_category",
    "VendorSeverity": "severity",
    "Severity": "severity",
    "DirectionOfAttack": "direction",
    "HTTPMethod": "http_method",
    "UserAgent": "user_agent",
    "Referer": "referrer",
    "EventName": "event_id",
    "EventID": "event_id",
    "EventIDValue": "event_id",
    "EventDescription": "description",
    "Description": "description",
    "EventStatus": "status",
    "Stage": "stage",
    "AuthMethod": "auth_method",
    "TunnelType": "tunnel_type",
    "SourceRegion": "src_region",
    "EndpointDeviceName": "machine_name",
    "PublicIPv4": "public_ip",
    "PublicIPv6": "public_ipv6",
    "PrivateIPv4": "private_ip",
    "PrivateIPv6": "private_ipv6",
    "HostID": "host_id",
    "EndpointOSType": "client_os",
    "EndpointOSVersion": "client_os_version",
    "ConnectionError": "error",
    "Portal": "portal",
    "HipMatchName": "hip",
    "HipMatchType": "hip_type",
    "MappingDataSource": "data_source",
    "MappingDataSourceType": "data_source_type",
    "ConfigChangeAdmin": "admin",
    "EventComponent": "object",
    "EventResult": "result",
    "EventCommand": "command",
    "ServerNameIndication": "sni",
    "TLSVersion": "tls_version",
    "ErrorMessage": "error",
}
"""Columns by their names in the Strata Logging Service."""

_CEF = {
    "rt": "TimeReceived",
    "start": "TimeGenerated",
    "deviceExternalId": "DeviceSN",
    "dvchost": "DeviceName",
    "externalId": "SequenceNo",
    "src": "SourceAddress",
    "dst": "DestinationAddress",
    "c6a2": "SourceAddress",
    "c6a3": "DestinationAddress",
    "sourceTranslatedAddress": "NATSource",
    "destinationTranslatedAddress": "NATDestination",
    "spt": "SourcePort",
    "dpt": "DestinationPort",
    "suser": "SourceUser",
    "duser": "DestinationUser",
    "app": "Application",
    "deviceInboundInterface": "InboundInterface",
    "deviceOutboundInterface": "OutboundInterface",
    "proto": "Protocol",
    "act": "Action",
    "in": "BytesReceived",
    "out": "BytesSent",
    "request": "URL",
    "fname": "FileName",
    "requestMethod": "HTTPMethod",
    "requestClientApplication": "UserAgent",
    "shost": "EndpointDeviceName",
    "msg": "EventDescription",
}
"""The names in the Strata Logging Service of what CEF has keys for; of the others it writes them after ``PanOS``."""


def decode(record: Record) -> Record:
    """The record with ``received``, ``generated`` and ``started`` in ISO 8601; they are in the firewall's own time."""
    if "device_vendor" in record:
        record = _of_cef(record)
    if "LogType" in record:
        record = _of_service(record)
    made = {name: value for name, value in record.items() if value}
    for theirs, ours in _TIMES.items():
        if found := _TIME.fullmatch(str(made.get(theirs))):
            made[ours] = f"{found[1]}-{found[2]}-{found[3]}T{found[4]}"
        elif theirs in made:
            made[ours] = _of_words(str(made[theirs]))
        made.pop(theirs, None)
    _more_precisely(made)
    if made.get("type") == "SYSTEM" and isinstance(made.get("description"), str):
        text = made["description"][:2048]
        named = (("account", _ACCOUNT), ("address", _ADDRESS), ("reason", _REASON))
        made |= {name: found[1] for name, pattern in named if (found := pattern.search(text))}
    return made


def _of_words(text: str) -> str:
    """``Mar 01 2026 21:20:13``, as CEF writes times."""
    try:
        return datetime.strptime(text, "%b %d %Y %H:%M:%S").replace(tzinfo=UTC).isoformat()
    except ValueError:
        return text


def _more_precisely(made: Record) -> None:
    """Since PAN-OS 10, a line has when its log was generated a second time, with fractions and the zone."""
    beyond = made.get("added")
    texts = [made.get("high_res_time"), *(beyond if isinstance(beyond, list) else ())]
    precise = next((text for text in texts if isinstance(text, str) and _PRECISE.fullmatch(text)), None)
    if precise:
        made["generated"] = precise


def _of_cef(record: Record) -> Record:
    kinds = (str(record.get("device_event_class_id") or ""), str(record.get("name") or ""))
    # The service has the type first, a firewall the subtype.
    log, subtype = kinds if kinds[0].upper() in _TYPES else (kinds[1], kinds[0])
    made: Record = {"LogType": log.upper(), "Subtype": subtype}
    labels = record.get("labels")
    for name, value in (*record.items(), *(labels.items() if isinstance(labels, dict) else ())):
        if value not in (None, ""):
            made.setdefault(_CEF.get(name, name.removeprefix("PanOS").replace(" ", "")), value)
    if made.get("Severity") is None:
        made.pop("severity", None)
    return {name: value for name, value in made.items() if name != "labels"}


def _of_service(record: Record) -> Record:
    made: Record = {}
    for name, value in record.items():
        if value in (None, "", "null"):
            continue
        column = _COLUMNS.get(name)
        if column is None or column in made:
            made[name] = value
        else:
            made[column] = value
    for name in ("action", "severity"):
        if isinstance(made.get(name), str):
            made[name] = made[name].lower()
    return made
