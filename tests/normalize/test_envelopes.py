"""What a shipper carries is the record of its product, with what the shipper knows beside it."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.event import to_ocsf
from watchfloor.normalize import Normalizer, load_sources
from watchfloor.normalize.envelopes import carried
from watchfloor.testing.sources import raw_batch

SOURCES = load_sources()[0]
OKTA = {
    "uuid": "one",
    "published": "2026-01-01T00:00:00Z",
    "eventType": "user.session.start",
    "displayMessage": 'A "quoted" name \\ path',
    "actor": {"id": "00u1", "type": "User", "alternateId": "alice@example.com"},
    "outcome": {"result": "SUCCESS"},
}
TEXT = orjson.dumps(OKTA).decode()
SYSLOG = "<38>1 2026-01-01T00:00:00Z web-1 okta - - - " + TEXT


def events(*records: Any, source: str | None = None) -> list[dict[str, Any]]:
    raws = [one if isinstance(one, bytes) else orjson.dumps(one) for one in records]
    normalized = Normalizer(SOURCES, source=source).process(raw_batch(raws))
    assert normalized.dead_letters == []
    return list(to_ocsf(normalized.events))


@pytest.mark.parametrize(
    "record",
    [
        {"time": 1767225600.5, "host": "hf-1", "sourcetype": "okta", "event": OKTA},
        {"event": TEXT},
        {"event": SYSLOG},
        {"preview": False, "result": 1, "_raw": TEXT},
        {"resource": {"service.name": "x"}, "timeUnixNano": "1767225600000000000", "body": OKTA},
        {"timeUnixNano": "1767225600000000000", "body": TEXT},
        {"@timestamp": "2026-01-01T00:00:01Z", "agent": {"type": "filebeat"}, "message": TEXT},
        {
            "@timestamp": "2026-01-01T00:00:01Z",
            "ecs": {"version": "8.11"},
            "event": {"original": TEXT, "kind": "event"},
        },
        {"@timestamp": "2026-01-01T00:00:01Z", "input": {"type": "http_endpoint"}, "json": OKTA},
        {"log": TEXT + "\n", "stream": "stdout", "time": "2026-01-01T00:00:01Z"},
        {"id": "1", "timestamp": 1767225600000, "message": TEXT},
        {"Type": "Notification", "Message": TEXT},
        {"event": orjson.dumps({"log": TEXT, "stream": "stdout"}).decode()},
    ],
)
def test_the_event_is_that_of_the_record_itself_and_nothing_is_lost(record: dict[str, Any]) -> None:
    plain, shipped = events(OKTA, record)
    assert shipped["raw_data"] == orjson.dumps(record).decode()
    envelope = shipped.get("unmapped", {}).pop("envelope", {})
    for name in ("raw_data", "raw_data_size", "enrichments", "unmapped"):
        known, unknown = plain.pop(name, None), shipped.pop(name, None)
        if name == "unmapped":
            assert {key: value for key, value in (unknown or {}).items() if key != "syslog"} == (known or {})
    assert shipped == plain
    assert set(envelope) <= set(record)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            {"time": 1767225600.5, "host": "web-1", "event": "sshd: a line"},
            {"timestamp": "2026-01-01T00:00:00.500+00:00", "hostname": "web-1"},
        ),
        ({"time": "1767225600", "event": "a line without more"}, {"timestamp": "2026-01-01T00:00:00.000+00:00"}),
        (
            {"timeUnixNano": "1767225600000000000", "body": "a line without more"},
            {"timestamp": "2026-01-01T00:00:00.000+00:00"},
        ),
        ({"time": [], "host": {"name": "x"}, "event": "a line without more"}, {}),
    ],
)
def test_a_line_gets_the_time_and_host_that_its_envelope_knows(record: dict[str, Any], said: dict[str, Any]) -> None:
    (one,) = carried(record)
    assert one.syslog == said


def test_an_object_that_a_product_wrote_is_no_envelope() -> None:
    inside = {**OKTA, "message": TEXT.replace("one", "forged"), "body": TEXT, "timeUnixNano": "1"}
    (event,) = events(inside)
    assert event["metadata"]["uid"] == "okta_system_log:one"


def test_what_is_carried_by_a_bound_input_is_of_its_source_or_stays_what_it_is() -> None:
    (event,) = events({"event": OKTA}, source="okta_system_log")
    assert event["metadata"]["uid"] == "okta_system_log:one"
    refused = Normalizer(SOURCES, source="aws_cloudtrail").process(raw_batch([orjson.dumps({"event": OKTA})]))
    assert refused.events.num_rows == 0
    assert [one.reason for one in refused.dead_letters] == ["no readable time"]


def test_envelopes_in_envelopes_end() -> None:
    record: Any = OKTA
    for _ in range(50):
        record = {"event": orjson.dumps(record).decode()} if len(orjson.dumps(record)) < 100_000 else {"event": record}
    found = Normalizer(SOURCES).process(raw_batch([orjson.dumps(record)]))
    assert [one.reason for one in found.dead_letters] == ["no source recognises this record"]


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["event", "time", "host", "message", "body", "log", "_raw", "resource", "stream", "@timestamp"])


@given(st.dictionaries(names, json, max_size=5))
def test_no_object_breaks_it(record: dict[str, Any]) -> None:
    for one in carried(record):
        assert isinstance(one.syslog, dict)
    Normalizer(SOURCES).process(raw_batch([orjson.dumps(record, option=orjson.OPT_PASSTHROUGH_SUBCLASS)]))
