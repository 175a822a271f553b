"""The parts of a request that S3 writes as one text: its method, path and query; its time; whose account made it."""

import re
from datetime import datetime
from typing import Any

_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with ``time``, ``method``, ``path``, ``query``, ``url``, ``verb``, ``account`` where it has them."""
    made = {name: value for name, value in record.items() if name != "message"}
    made["time"] = int(datetime.strptime(made.pop("when"), "%d/%b/%Y:%H:%M:%S %z").timestamp() * 1000)
    method, _, rest = str(made.pop("request", "")).partition(" ")
    target = rest.rpartition(" ")[0] or rest
    path, _, query = target.partition("?")
    if method and path:
        made |= {"method": method, "path": path}
        if query:
            made["query"] = query
        host = made.get("host_header")
        made["url"] = f"https://{host}{target}" if host and host != "-" else target
    parts = str(made.get("operation")).split(".")
    # REST.GET.OBJECT, BATCH.DELETE.OBJECT, S3.EXPIRE.OBJECT
    made["verb"] = parts[1] if len(parts) > 1 else parts[0]
    if isinstance(made.get("key"), str):
        made["key"] = _ENCODED.sub(_decoded, made["key"])
    if (requester := str(made.get("requester", ""))).startswith("arn:"):
        made["account"] = requester.rpartition(":")[2]
    return made


def _decoded(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "replace")
