"""Events held against indicators: what is seen, where, when it counts, and what must not match."""

from datetime import timedelta
from typing import Any

import pytest

from watchfloor.enrich.indicators import Indicators, indicator_tables
from watchfloor.event import to_ocsf
from watchfloor.indicator import Indicator, Kind, Value
from watchfloor.operator import Reference
from watchfloor.run.alerts import latest
from watchfloor.run.sightings import level_of, sightings
from watchfloor.testing.events import batch_of
from watchfloor.testing.operators import check_operator

TIME = 1_773_700_000_000
DAY = 86_400_000


def one(*values: Value, uid: str = "indicator--1", **more: Any) -> Indicator:
    return Indicator(uid, values, **{"feed": "acme", **more})


def matching(*indicators: Indicator, back: int = 0) -> Indicators:
    return Indicators(Reference(1, indicator_tables(indicators)), back=timedelta(days=back))


def seen(row: dict[str, Any], *indicators: Indicator, back: int = 0) -> list[str]:
    (tags,) = matching(*indicators, back=back).process(batch_of(row)).column("tags").to_pylist()
    return tags or []


@pytest.mark.parametrize(
    ("value", "row", "column"),
    [
        (("address", "198.51.100.7"), {"dst_endpoint.ip": "198.51.100.7"}, "dst_endpoint.ip"),
        (("address", "198.51.100.7"), {"src_endpoint.ip": "::ffff:198.51.100.7"}, "src_endpoint.ip"),
        (("address", "2001:db8::1"), {"src_endpoint.ip": "2001:0DB8::0001"}, "src_endpoint.ip"),
        (("network", "198.51.100.0/24"), {"src_endpoint.ip": "198.51.100.9"}, "src_endpoint.ip"),
        (("network", "2001:db8::/32"), {"src_endpoint.ip": "2001:db8:1::9"}, "src_endpoint.ip"),
        (("domain", "evil.example"), {"query.hostname": "A.b.Evil.Example."}, "query.hostname"),
        (("domain", "evil.example"), {"email.from": "x@mail.evil.example"}, "email.from"),
        (("mail", "x@evil.example"), {"email.from": "X@evil.example"}, "email.from"),
        (("mail", "x@evil.example"), {"rest": '{"email.to":["x@evil.example"]}'}, "rest"),
        (("url", "http://evil.example/a"), {"rest": '{"u":"HTTP://Evil.Example/a#x"}'}, "rest"),
        (("domain", "evil.example"), {"unmapped": '{"link":"https://u:p@www.evil.example:8443/x"}'}, "unmapped"),
        (("address", "198.51.100.7"), {"rest": '{"u":"http://198.51.100.7:80/x"}'}, "rest"),
        (("hash", "ab" * 16), {"rest": f'{{"file.hashes":[{{"value":"{"AB" * 16}"}}]}}'}, "rest"),
        (("hash", "ab" * 32), {"unmapped": f'{{"Hashes":"MD5={"0" * 32},SHA256={"ab" * 32}"}}'}, "unmapped"),
    ],
)
def test_a_value_is_seen_where_events_name_it(value: Value, row: dict[str, Any], column: str) -> None:
    assert seen(row, one(value)) == [f"indicator.{column}=acme:indicator--1"]


@pytest.mark.parametrize(
    ("kind", "value", "row"),
    [
        ("domain", "evil.example", {"query.hostname": "notevil.example"}),
        ("domain", "a.evil.example", {"query.hostname": "evil.example"}),
        ("domain", "evil.example", {"query.hostname": "evil.example." + "x" * 5000}),
        ("network", "198.51.100.0/24", {"src_endpoint.ip": "198.51.101.1"}),
        ("network", "198.51.100.0/24", {"src_endpoint.ip": "not an address"}),
        ("address", "198.51.100.7", {"dst_endpoint.ip": "198.51.100.70"}),
        ("hash", "ab" * 16, {"rest": "ab" * 32}),
        ("url", "http://evil.example/a", {"rest": "http://evil.example/ab"}),
        ("domain", "evil.example", {"rest": "http://evil.example@good.example/"}),
    ],
)
def test_what_only_looks_like_it_is_not_it(kind: Kind, value: str, row: dict[str, Any]) -> None:
    assert seen(row, one((kind, value))) == []


def test_an_indicator_counts_while_it_is_valid_and_looking_back_before() -> None:
    row = {"src_endpoint.ip": "198.51.100.7", "time": TIME}
    value: Value = ("address", "198.51.100.7")
    assert seen(row, one(value, since=TIME, until=TIME + 1))
    assert not seen(row, one(value, until=TIME))
    assert not seen(row, one(value, since=TIME + 10 * DAY))
    assert seen(row, one(value, since=TIME + 10 * DAY), back=10)
    assert not seen(row, one(value, since=TIME + 10 * DAY), back=9)
    assert not seen(row, one(value, revoked=True))


def test_feeds_do_not_shadow_each_other() -> None:
    value: Value = ("address", "198.51.100.7")
    tags = seen({"src_endpoint.ip": "198.51.100.7"}, one(value, until=1, feed="poor"), one(value, feed="good"))
    assert tags == ["indicator.src_endpoint.ip=good:indicator--1"]


def test_the_laws_hold_and_the_event_says_it() -> None:
    batch = batch_of(
        {"src_endpoint.ip": "198.51.100.7", "tags": ["time=future"]}, {"query.hostname": "evil.example"}, {}
    )
    operator = matching(one(("address", "198.51.100.7"), ("domain", "evil.example")))
    check_operator(operator, batch)
    first, second, third = to_ocsf(operator.process(batch))
    assert [e["name"] for e in first["enrichments"]] == ["origin", "time", "indicator.src_endpoint.ip"]
    assert second["enrichments"][-1]["value"] == "acme:indicator--1"
    assert len(third["enrichments"]) == 1
    assert Indicators().process(batch) is batch


def test_hostile_texts_take_no_time_and_no_memory() -> None:
    operator = matching(one(("url", "http://evil.example/"), ("hash", "ab" * 16), ("mail", "a@evil.example")))
    texts = ["a" * 1_000_000, "://" * 300_000, "a@" * 300_000, "0" * 1_000_000, "x" * 64 + "@" * 100_000, "h://" * 9999]
    batch = batch_of(*[{"rest": text, "query.hostname": text, "src_endpoint.ip": text} for text in texts])
    assert operator.process(batch).column("tags").null_count == len(texts)


def test_a_sighting_is_one_finding_for_each_entity_and_day() -> None:
    operator = matching(one(("address", "198.51.100.7"), name="C2 of X", confidence=80))
    rows = [
        {"src_endpoint.ip": "198.51.100.7", "entity.actor": who, "time": TIME + at}
        for who, at in (("user:a", 0), ("user:a", 1000), ("user:b", 0), ("user:a", DAY))
    ]
    findings = latest(sightings(operator.process(batch_of(*rows, {})), operator))
    assert sorted((f.key, len(f.event_uids)) for f in findings) == [("user:a", 1), ("user:a", 2), ("user:b", 1)]
    assert {f.rule.level for f in findings} == {"high"}
    assert findings[0].summary == (
        "src_endpoint.ip is in indicator--1 (C2 of X) of the feed acme, with confidence 80 of 100."
    )


LEVELS = [(None, "low"), (29, "low"), (30, "medium"), (69, "medium"), (70, "high")]


@pytest.mark.parametrize(("confidence", "level"), LEVELS)
def test_the_level_is_the_confidence_of_the_source(confidence: int | None, level: str) -> None:
    assert level_of(one(confidence=confidence)) == level
