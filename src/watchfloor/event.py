"""The one event model: an OCSF event as a row of an Arrow batch.

A batch of events is a :class:`pyarrow.RecordBatch`. Its columns are

* ``tenant`` and ``source`` (the name of the log source's content folder),
* the hot OCSF attributes, flat and dotted (``actor.user.uid``): :data:`HOT`,
* ``rest``: every other mapped attribute, as one JSON object with dotted keys,
* ``unmapped``: what the mapping did not take, as one JSON object in the vendor's own shape,
* ``entity.*``: resolved entity ids, one column a role: :data:`ENTITY_ROLES`,
* ``tags``: what enrichment found out (see docs/enrichment.md); no log can write there,
* ``ordered_at``: the time to order by where ``time`` cannot be that, for a clock that is off; else null,
* ``origin.path``, ``origin.line``, ``origin.index``, ``origin.ordinal``: where the record came from, and what tells it
  apart there (see :data:`RAW_SCHEMA`), ``ingested_at``: when,
* ``raw``: the bytes of the record as delivered,
* while it runs through detection, ``native.NAME`` columns: the vendor fields that loaded rules name (see
  :mod:`watchfloor.normalize.native`). They never reach the lake.

Times are milliseconds since the epoch, UTC, as in OCSF.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import orjson
import pyarrow as pa

OCSF_VERSION = "1.8.0"

RAW_SCHEMA = pa.schema(
    [
        pa.field("tenant", pa.string(), nullable=False),
        pa.field("raw", pa.binary(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("index", pa.int32()),
        pa.field("ordinal", pa.int64(), nullable=False),
        pa.field("ingested_at", pa.int64(), nullable=False),
        pa.field("source", pa.string()),
    ]
)
"""A batch of raw records, JSON or text, one a row. ``path`` carries ``!member`` inside archives, ``line`` is 1-based
(in an .evtx the record's position), ``index`` is the position inside an array such as ``Records``, ``ordinal`` tells
identical records apart and is the same when one is delivered again: in a file, it counts them from 0. ``source`` is the
log source that a record arrived as; else it is recognised."""

_STRING = pa.string()
_INT = pa.int64()
_FLOAT = pa.float64()
_BOOL = pa.bool_()

HOT: dict[str, pa.DataType] = {
    "time": _INT,
    "class_uid": _INT,
    "category_uid": _INT,
    "activity_id": _INT,
    "type_uid": _INT,
    "severity_id": _INT,
    "status_id": _INT,
    "status_detail": _STRING,
    "message": _STRING,
    "metadata.uid": _STRING,
    "metadata.event_code": _STRING,
    "metadata.log_name": _STRING,
    "metadata.product.name": _STRING,
    "metadata.product.vendor_name": _STRING,
    "actor.user.uid": _STRING,
    "actor.user.uid_alt": _STRING,
    "actor.user.name": _STRING,
    "actor.user.email_addr": _STRING,
    "actor.user.domain": _STRING,
    "actor.user.type_id": _INT,
    "actor.user.credential_uid": _STRING,
    "actor.app_uid": _STRING,
    "actor.session.uid": _STRING,
    "session.uid": _STRING,
    "actor.session.issuer": _STRING,
    "actor.process.file.path": _STRING,
    "actor.process.cmd_line": _STRING,
    "actor.process.pid": _INT,
    "actor.process.uid": _STRING,
    "user.uid": _STRING,
    "user.uid_alt": _STRING,
    "user.name": _STRING,
    "user.email_addr": _STRING,
    "user.domain": _STRING,
    "user.type_id": _INT,
    "group.uid": _STRING,
    "group.name": _STRING,
    "device.hostname": _STRING,
    "device.uid": _STRING,
    "device.ip": _STRING,
    "src_endpoint.ip": _STRING,
    "src_endpoint.port": _INT,
    "src_endpoint.hostname": _STRING,
    "src_endpoint.location.country": _STRING,
    "src_endpoint.location.region": _STRING,
    "src_endpoint.location.city": _STRING,
    "src_endpoint.location.lat": _FLOAT,
    "src_endpoint.location.long": _FLOAT,
    "src_endpoint.autonomous_system.number": _INT,
    "src_endpoint.autonomous_system.name": _STRING,
    "dst_endpoint.ip": _STRING,
    "dst_endpoint.port": _INT,
    "dst_endpoint.hostname": _STRING,
    "process.file.path": _STRING,
    "process.cmd_line": _STRING,
    "process.pid": _INT,
    "process.uid": _STRING,
    "process.parent_process.file.path": _STRING,
    "process.parent_process.cmd_line": _STRING,
    "process.parent_process.uid": _STRING,
    "file.path": _STRING,
    "file.name": _STRING,
    "module.file.path": _STRING,
    "reg_key.path": _STRING,
    "reg_value.path": _STRING,
    "reg_value.name": _STRING,
    "reg_value.data": _STRING,
    "query.hostname": _STRING,
    "job.name": _STRING,
    "job.cmd_line": _STRING,
    "win_service.name": _STRING,
    "win_service.cmd_line": _STRING,
    "driver.file.path": _STRING,
    "email.from": _STRING,
    "email.subject": _STRING,
    "api.operation": _STRING,
    "api.service.name": _STRING,
    "api.response.error": _STRING,
    "cloud.account.uid": _STRING,
    "cloud.provider": _STRING,
    "cloud.region": _STRING,
    "http_request.user_agent": _STRING,
    "is_mfa": _BOOL,
    "logon_type_id": _INT,
    "auth_protocol_id": _INT,
}
"""Attributes with a column of their own: those that detections, identity resolution, cases and searches read."""

ENTITY_ROLES = ("actor", "user", "host", "peer", "address", "app", "resource")
"""``actor`` did it, ``user`` is the account it was done to, ``host`` is where, ``peer`` the machine at the other end,
``address`` the remote address, ``app`` the OAuth client or service, ``resource`` the bucket, mailbox or role."""

EVENT_SCHEMA = pa.schema(
    [
        pa.field("tenant", _STRING, nullable=False),
        pa.field("source", _STRING, nullable=False),
        *(pa.field(name, kind) for name, kind in HOT.items()),
        *(pa.field(f"entity.{role}", _STRING) for role in ENTITY_ROLES),
        pa.field("tags", pa.list_(_STRING)),
        pa.field("ordered_at", _INT),
        pa.field("rest", _STRING),
        pa.field("unmapped", _STRING),
        pa.field("origin.path", _STRING, nullable=False),
        pa.field("origin.line", _INT, nullable=False),
        pa.field("origin.index", pa.int32()),
        pa.field("origin.ordinal", _INT),
        pa.field("ingested_at", _INT, nullable=False),
        pa.field("raw", pa.binary(), nullable=False),
    ]
)

IDENTITY = pa.schema(
    [
        EVENT_SCHEMA.field(name)
        for name in ("tenant", "source", "time", "metadata.uid", "origin.path", "origin.line", "origin.index")
    ]
)
"""The columns that say which event it is and nothing of what happened."""

LIGHT = tuple(name for name in EVENT_SCHEMA.names if name not in {"raw", "rest", "unmapped", "origin.ordinal"})
"""The columns that detections with state get: those that a long history is read with."""

NATIVE = "native."
"""Prefix of the vendor-field columns that a batch carries only between normalization and detection."""


class Entity(msgspec.Struct, frozen=True, order=True):
    """Somebody or something that events are about.

    ``id`` is unique within a tenant and starts with its type: ``user:alice@example.com``, ``host:ws-17``.
    """

    type: str
    id: str
    name: str


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a record was read: a path, its 1-based line and, inside an array, its index."""

    path: str
    line: int
    index: int | None = None


def event_uid(source: str, raw: bytes, ordinal: int) -> str:
    """The deterministic uid of a record whose vendor gives none.

    Five equal records of one delivery stay five (``ordinal`` tells them apart); a redelivery gives the same uids.

    >>> event_uid("windows", b"{}", 0) == event_uid("windows", b"{}", 0)
    True
    >>> event_uid("windows", b"{}", 0) == event_uid("windows", b"{}", 1)
    False
    """
    digest = hashlib.blake2b(raw, digest_size=16, person=b"watchfloor-event")
    digest.update(f"\0{source}\0{ordinal}".encode())
    return digest.hexdigest()


def entity_of(entity_id: str) -> Entity:
    """The entity that an id names, with the id's own text as its name.

    >>> entity_of("user:alice@example.com").type
    'user'
    """
    kind, _, name = entity_id.partition(":")
    return Entity(kind, entity_id, name)


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """A nested object from dotted keys.

    A key that is both a leaf and a branch keeps the branch, in whichever order they come: a schema has no such
    attribute, so the leaf is noise. An object at such a key adds what the branch lacks.

    >>> nest({"actor.user.name": "alice", "actor.user": "alice", "time": 1})
    {'actor': {'user': {'name': 'alice'}}, 'time': 1}
    """
    out: dict[str, Any] = {}
    for key, value in flat.items():
        *branches, leaf = key.split(".")
        node = out
        for branch in branches:
            child = node.get(branch)
            if not isinstance(child, dict):
                child = node[branch] = {}
            node = child
        there = node.get(leaf)
        if not isinstance(there, dict):
            node[leaf] = value.copy() if isinstance(value, dict) else value
        elif isinstance(value, dict):
            node[leaf] = {**value, **there}
    return out


def to_ocsf(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """The whole OCSF events of a batch, one nested object a row."""
    return map(ocsf_of, batch.to_pylist())


def ocsf_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The whole OCSF event of one row of :data:`EVENT_SCHEMA`.

    Resolved entities, tags and the origin come back as OCSF ``enrichments``, the tenant as ``metadata.tenant_uid``,
    when it was ingested as ``metadata.processed_time``: ``metadata.logged_time`` is what the vendor says of its own.
    """
    flat = {name: row[name] for name in HOT if row.get(name) is not None}
    if row.get("rest"):
        flat.update(orjson.loads(row["rest"]))
    flat["metadata.tenant_uid"] = row["tenant"]
    flat["metadata.processed_time"] = row["ingested_at"]
    event = nest(flat)
    if row.get("unmapped"):
        event["unmapped"] = orjson.loads(row["unmapped"])
    event["raw_data"] = row["raw"].decode("utf-8", "replace")
    event["raw_data_size"] = len(row["raw"])
    event["enrichments"] = [*event.get("enrichments", ()), *_enrichments(row)]
    return event


def _enrichments(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    place = f"{row['origin.path']}:{row['origin.line']}"
    origin = {"path": row["origin.path"], "line": row["origin.line"], "source": row["source"]}
    if row.get("origin.index") is not None:
        origin["index"] = row["origin.index"]
        place += f"[{row['origin.index']}]"
    yield {"name": "origin", "value": place, "type": "watchfloor", "data": origin}
    for role in ENTITY_ROLES:
        if entity_id := row.get(f"entity.{role}"):
            yield {"name": f"entity.{role}", "value": entity_id, "type": "watchfloor", "data": {"id": entity_id}}
    for tag in row.get("tags") or ():
        name, _, value = tag.partition("=")
        yield {"name": name, "value": value, "type": "watchfloor", "data": {"tag": tag}}
    if (ordered_at := row.get("ordered_at")) is not None:
        yield {"name": "ordered_at", "value": str(ordered_at), "type": "watchfloor", "data": {"time": ordered_at}}
