"""An audit event of an Atlassian product with who, what and whom under one set of names, as far as it says them.

Jira, Confluence, the organization's admin log and the audit files of Data Center each have a shape of their own.
"""

import re
from typing import Any

_LOGIN = re.compile(r"(?:[?&](?:user)?name=|/users/)([^&#/?]+)$")
_QUOTED = re.compile(rb"%([0-9A-Fa-f]{2})")
_MAX_ADDRESS = 2048

Record = dict[str, Any]


def decode(record: Record) -> Record:
    """The record with ``audit``: action, actor, object, user (if it is about one), address."""
    if isinstance(record.get("type"), dict) and "auditType" not in record:
        # The interface that reads the audit log of Data Center has another name for what was done than its files have.
        record = {**record, "auditType": record["type"]}
    shapes = ((_of_organization, "attributes"), (_of_data_center, "auditType"), (_of_jira, "authorAccountId"))
    of = next((shape for shape, name in shapes if name in record), None)
    of = of or (_of_confluence if "author" in record else _of_jira)
    return {**record, "audit": {name: value for name, value in of(record).items() if value not in (None, "")}}


def _of_organization(record: Record) -> Record:
    attributes = _dict(record.get("attributes"))
    objects = [{**one, **_dict(one.get("attributes"))} for one in _dicts(attributes.get("context"))]
    people = [one for one in objects if one.get("type") in {"user", "users"}]
    others = [one for one in objects if one not in people] + _dicts(attributes.get("container"))
    return {
        "product": "Atlassian organization",
        "action": attributes.get("action"),
        "actor": _dict(attributes.get("actor")),
        "address": _dict(attributes.get("location")).get("ip"),
        "user": next(iter(people), None),
        "object": next(({**one, **_dict(one.get("attributes"))} for one in others), None),
        "time": attributes.get("time"),
        "summary": attributes.get("action"),
    }


def _of_data_center(record: Record) -> Record:
    kind, objects = _dict(record.get("auditType")), _dicts(record.get("affectedObjects"))
    author, system, time = _dict(record.get("author")), record.get("system"), record.get("timestamp")
    if login := _LOGIN.search(str(author.get("uri") or "")[:_MAX_ADDRESS]):
        # Confluence and Jira have under "name" how somebody is called.
        author = {**author, "name": _unquoted(login[1]), "full_name": author.get("name")}
    if isinstance(system, str) and isinstance(author.get("id"), str):
        # Each installation counts its users from one.
        author = {**author, "id": f"{_host(system)}:{author['id']}"}
    people = [one for one in objects if str(one.get("type")).upper() == "USER"]
    return {
        "product": system,
        "action": kind.get("action"),
        "category": kind.get("category"),
        "actor": author,
        "address": record.get("source"),
        "user": next(iter(people), None),
        "object": next((one for one in objects if one not in people), None),
        "time": time.get("epochSecond") if isinstance(time, dict) else time,
        "summary": kind.get("action"),
    }


def _of_jira(record: Record) -> Record:
    items = [_dict(record.get("objectItem")), *_dicts(record.get("associatedItems"))]
    items = [{**one, "type": one.get("typeName")} for one in items if one]
    people = [one for one in items if str(one["type"]).upper() == "USER"]
    return {
        "product": "Jira",
        "action": record.get("summary"),
        "category": record.get("category"),
        "actor": {"id": record.get("authorAccountId") or record.get("authorKey")},
        "address": record.get("remoteAddress"),
        "user": next(iter(people), None),
        "object": next((one for one in items if one not in people), None),
        "time": record.get("created"),
        "summary": record.get("summary"),
    }


def _of_confluence(record: Record) -> Record:
    author = _dict(record.get("author"))
    items = [_dict(record.get("affectedObject")), *_dicts(record.get("associatedObjects"))]
    items = [{**one, "type": one.get("objectType")} for one in items if one.get("name")]
    people = [one for one in items if str(one["type"]).upper() == "USER"]
    return {
        "product": "Confluence",
        "action": record.get("summary"),
        "category": record.get("category"),
        "actor": {"id": author.get("accountId") or author.get("userKey"), "name": author.get("displayName")},
        "address": record.get("remoteAddress"),
        "user": next(iter(people), None),
        "object": next((one for one in items if one not in people), None),
        "time": record.get("creationDate"),
        "summary": record.get("summary"),
    }


def _unquoted(text: str) -> str:
    raw = _QUOTED.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode())
    return raw.decode("utf-8", "replace")


def _host(address: str) -> str:
    return address.removeprefix("https://").removeprefix("http://")


def _dict(value: Any) -> Record:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[Record]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
