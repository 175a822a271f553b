"""A Tailscale flow record as its first connection, with the addresses and ports that stand in one text apart."""

import re
from typing import Any

_END = re.compile(r"\[?([0-9a-fA-F.:]*?[0-9a-fA-F.:])\]?:(\d{1,5})")
_KINDS = ("virtualTraffic", "subnetTraffic", "exitTraffic", "physicalTraffic")


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record; a flow record has ``flow``: kind, source, destination, protocol, bytes."""
    if "nodeId" not in record:
        return record
    for kind in _KINDS:
        flows = record.get(kind)
        if isinstance(flows, list) and flows and isinstance(flows[0], dict):
            return record | {"flow": {"kind": kind, **flows[0], **_ends(flows[0]), "count": len(flows)}}
    return record


def _ends(flow: dict[str, Any]) -> dict[str, Any]:
    ends: dict[str, Any] = {}
    for name in ("src", "dst"):
        text = flow.get(name)
        if isinstance(text, str) and len(text) <= 64 and (match := _END.fullmatch(text)):
            ends[f"{name}_ip"], ends[f"{name}_port"] = match[1], int(match[2])
    return ends
