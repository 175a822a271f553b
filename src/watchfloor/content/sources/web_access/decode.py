"""Requests in the names of the W3C extended format, whichever format a server writes."""

from datetime import datetime
from typing import Any

_NAMES = {"ip": "c-ip", "user": "cs-username", "status": "sc-status", "bytes": "sc-bytes", "port": "s-port"}


def decode(record: dict[str, Any]) -> dict[str, Any]:
    """The record with ``occurred``, ``uri`` (path and query), ``user_agent`` and ``referrer``."""
    return _of_line(record) if "request" in record else _of_row(record)


def _of_line(record: dict[str, Any]) -> dict[str, Any]:
    made = {_NAMES.get(name, name): value for name, value in record.items() if name != "message" and value != "-"}
    made["occurred"] = int(datetime.strptime(made.pop("when"), "%d/%b/%Y:%H:%M:%S %z").timestamp() * 1000)
    if "agent" in made:
        made["user_agent"] = made.pop("agent")
    method, _, rest = made.pop("request", "").partition(" ")
    uri, _, version = rest.rpartition(" ")
    if not uri:
        uri, version = rest, ""
    if uri:
        made |= {"cs-method": method, "cs-version": version} | _uri(uri)
    elif method:
        # What is no request, a scanner's or another protocol's, is kept as it is.
        made["uri"] = method
    return made


def _of_row(record: dict[str, Any]) -> dict[str, Any]:
    made = dict(record)
    made["occurred"] = f"{made.pop('date', '')}T{made.pop('time', '')}Z"
    for theirs, ours in (("cs(User-Agent)", "user_agent"), ("cs(Referer)", "referrer")):
        if theirs in made:
            # IIS writes a plus for a blank.
            made[ours] = str(made.pop(theirs)).replace("+", " ")
    query = made.get("cs-uri-query")
    made["uri"] = f"{made.get('cs-uri-stem', '')}?{query}" if query else made.get("cs-uri-stem")
    made["url"] = made["uri"]
    return made


def _uri(uri: str) -> dict[str, str]:
    path, question, query = uri.partition("?")
    made = {"uri": uri, "url": uri, "cs-uri-stem": path}
    return made | {"cs-uri-query": query} if question else made
