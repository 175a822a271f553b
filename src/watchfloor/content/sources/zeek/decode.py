"""Zeek's JSON in one shape: field names as Zeek writes them (``id.orig_h`` is one name), ``_path`` always there."""

from collections.abc import Iterator
from typing import Any

_GROUPS = ("id", "certificate", "times", "data_channel", "seen", "version", "san", "basic_constraints")
_UNDERSCORED = {f"{group}_": f"{group}." for group in ("id", "certificate", "times", "data_channel")}

_SIGNS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (stream, frozenset(fields.split()))
    for stream, fields in (
        ("conn", "conn_state"),
        ("dns", "trans_id rejected"),
        ("dns", "query qtype_name"),
        ("http", "method uri trans_depth status_code"),
        ("http", "trans_depth request_body_len"),
        ("ssl", "established"),
        ("files", "fuid seen_bytes"),
        ("smb_mapping", "share_type"),
        ("smb_files", "action times.modified"),
        ("dce_rpc", "operation endpoint"),
        ("ssh", "auth_attempts"),
        ("ssh", "client server version"),
        ("kerberos", "request_type"),
        ("ntlm", "domainname username"),
        ("ntlm", "server_nb_computer_name"),
        ("rdp", "security_protocol"),
        ("rdp", "cookie"),
        ("smtp", "helo"),
        ("ftp", "reply_code command"),
        ("dhcp", "msg_types"),
        ("ntp", "stratum ref_id"),
        ("tunnel", "tunnel_type"),
        ("notice", "note msg"),
        ("intel", "seen.indicator"),
        ("x509", "certificate.serial"),
        ("weird", "name notice"),
        ("dpd", "analyzer failure_reason"),
        ("analyzer", "analyzer_name failure_reason"),
        ("software", "software_type"),
        ("syslog", "facility message"),
        ("snmp", "get_requests"),
        ("sip", "request_from"),
        ("irc", "command value addl"),
        ("irc", "nick command"),
        ("dnp3", "fc_request"),
        ("stats", "pkts_proc bytes_recv"),
        ("capture_loss", "ts_delta percent_lost"),
        ("known_services", "port_num port_proto"),
        ("traceroute", "src dst proto"),
    )
)
"""Fields that only one log has, for records that do not say which log they are of; the first that fits counts."""


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with flat names, ``_path``, and the URL of a request under ``url``."""
    flat = dict(_flat(record))
    stream = flat.get("_path") or flat.pop("@stream", None)
    if not isinstance(stream, str):
        stream = next((name for name, fields in _SIGNS if fields <= flat.keys()), None)
    if stream is not None:
        # A log that an exporter cuts into short and long ones says so behind its name.
        flat["_path"] = stream.removesuffix("_red")
    if stream == "http" and isinstance(flat.get("uri"), str):
        flat["url"] = _url(flat)
    return flat


def _flat(record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if key in _GROUPS and isinstance(value, dict):
            for name, inner in value.items():
                yield f"{key}.{name}", inner
            continue
        prefix = next((one for one in _UNDERSCORED if key.startswith(one)), None)
        yield (_UNDERSCORED[prefix] + key[len(prefix) :] if prefix else key), value


def _url(record: dict[str, Any]) -> dict[str, Any]:
    """What rules on proxies and web servers look at; a proxy's client writes the whole URL, others the path alone."""
    uri, host = record["uri"], record.get("host")
    path, _, query = uri.partition("?")
    whole = uri if "://" in uri or not isinstance(host, str) else f"http://{host}{uri}"
    name = path.rsplit("/", 1)[-1]
    extension = name.rsplit(".", 1)[-1] if "." in name else None
    return {"whole": whole, "path": path, "query": query or None, "extension": extension}
