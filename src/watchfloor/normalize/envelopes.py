"""Envelopes: objects in which shippers carry what a product wrote, with what they know of it beside.

===========================  ==========================================  =============================
carried by                   under                                       told by
===========================  ==========================================  =============================
Splunk HEC                   ``event``, an object or text                no field that is not HEC's
Splunk exports               ``_raw``
Azure Diagnostics            ``properties.RawXml``
Beats and Elastic Agent      ``json``, an object                         no field that is not theirs
OpenTelemetry                ``body``, an object or text                 ``resource``, ``timeUnixNano``
Beats, Elastic Agent         ``event.original``, ``message``
Fluent Bit, containers       ``log``                                     ``stream``, ``time``, ``@timestamp``
Logstash, Vector, syslog-ng  ``message``, ``MESSAGE``
CloudWatch Logs, SNS         ``message``, ``@message``, ``Message``
===========================  ==========================================  =============================

An object is taken for an envelope only if no source but the generic ones knows it as it is, and a source knows what it
carries. Whoever can make a shipper carry a text of their choice, whole, can write a record of any product: bind what
ships such texts to its source.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from watchfloor.normalize.coerce import timestamp

Record = dict[str, Any]

_HEC = frozenset({"time", "host", "source", "sourcetype", "index", "fields", "event"})
_BEATS = frozenset(
    {"json", "@timestamp", "@metadata", "agent", "ecs", "event", "host", "input", "log", "message", "tags"}
    | {"data_stream", "elastic_agent", "fields"}
)
_OTEL = frozenset({"resource", "timeUnixNano", "observedTimeUnixNano", "severityNumber"})
_CONTAINER = frozenset({"stream", "time", "@timestamp", "kubernetes", "container_name", "date"})
_TEXTS = ("_raw", "message", "MESSAGE", "Message", "@message")
_TIMES = ("time", "@timestamp", "timeUnixNano", "observedTimeUnixNano", "timestamp", "date", "_time", "Timestamp")
_HOSTS = ("host", "hostname", "HOST", "host.name")
_MIN_TEXT = 8


class Carried(NamedTuple):
    """What an envelope carries, and the rest of it under ``envelope``."""

    payload: Record | str
    envelope: Record

    @property
    def syslog(self) -> Record:
        """What the envelope says of a line, as the envelope of a syslog line would: when, and on which host."""
        said: Record = {}
        if (time := next((time for name in _TIMES if (time := _time(self.envelope.get(name)))), None)) is not None:
            said["timestamp"] = datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds")
        for name in _HOSTS:
            if isinstance(host := self.envelope.get(name), str) and host:
                said["hostname"] = host
                break
        return said


def carried(record: Record) -> Iterator[Carried]:
    """What an object may carry, the likeliest first.

    >>> [one.payload for one in carried({"time": 1767225600, "sourcetype": "okta", "event": {"eventType": "x"}})]
    [{'eventType': 'x'}]
    >>> [one.payload for one in carried({"eventType": "x", "event": {"a": 1}})]
    []
    """
    event = record.get("event")
    if record.keys() <= _HEC and _is_payload(event):
        yield Carried(record["event"], _without(record, "event"))
    elif isinstance(event, dict) and _is_text(event.get("original")):
        yield Carried(event["original"], _without(record, "event", "message"))
    elif record.keys() <= _BEATS and isinstance(record.get("json"), dict) and record["json"]:
        yield Carried(record["json"], _without(record, "json"))
    if not _OTEL.isdisjoint(record) and _is_payload(record.get("body")):
        yield Carried(record["body"], _without(record, "body"))
    if not _CONTAINER.isdisjoint(record) and _is_text(record.get("log")):
        yield Carried(record["log"], _without(record, "log"))
    properties = record.get("properties")
    if isinstance(properties, dict) and _is_text(properties.get("RawXml")):
        yield Carried(properties["RawXml"], record | {"properties": _without(properties, "RawXml", "Description")})
    for name in _TEXTS:
        if _is_text(record.get(name)):
            yield Carried(record[name], _without(record, name))


def _is_payload(value: Any) -> bool:
    return (isinstance(value, dict) and bool(value)) or _is_text(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= _MIN_TEXT


def _without(record: Record, *names: str) -> Record:
    return {name: value for name, value in record.items() if name not in names}


def _time(value: Any) -> int | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return timestamp(value)
    return timestamp(value)
