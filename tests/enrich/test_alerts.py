"""Whom and what an alert is about: it says so in its evidences."""

from typing import Any

import orjson
import pytest
from tests.enrich.conftest import Tag

from watchfloor.enrich import IDENTITY, Enricher, IdentityGraph, learn
from watchfloor.operator import Reference
from watchfloor.testing.events import batch_of

ALICE = {"uid": "00uALICE", "name": "alice@example.com"}


def alert(*evidences: Any, **fields: Any) -> dict[str, Any]:
    rest = orjson.dumps({"evidences": evidences}).decode()
    return {"source": "okta_system_log", "class_uid": 2004, "rest": rest, **fields}


def tagged(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Enricher().process(batch_of(*rows)).to_pylist()
    return found


@pytest.mark.parametrize("class_uid", [2004, 2006])
def test_an_alert_is_about_whom_its_evidences_name(class_uid: int) -> None:
    evidence = {
        "user": ALICE,
        "src_endpoint": {"ip": "203.0.113.9"},
        "device": {"hostname": "WS-17"},
    }
    (row,) = tagged(alert(evidence, class_uid=class_uid))
    assert row["entity.user"] == "user:alice@example.com"
    assert row["entity.address"] == "address:203.0.113.9"
    assert row["entity.host"] == "host:ws-17"


def test_what_an_alert_says_itself_counts_and_is_not_mixed_with_its_evidences() -> None:
    said = {"user.uid": "00uBO", "src_endpoint.ip": "198.51.100.7"}
    (row,) = tagged(alert({"user": ALICE, "src_endpoint": {"ip": "203.0.113.9"}}, **said))
    assert row["entity.user"] == "user:okta:00uBO"
    assert row["entity.address"] == "address:198.51.100.7"


def test_the_first_evidence_that_names_somebody_counts_whole() -> None:
    (row,) = tagged(alert({"data": {}}, {"user": {"name": "bo@example.com"}}, {"user": ALICE}))
    assert row["entity.user"] == "user:bo@example.com"


def test_other_events_have_evidences_for_themselves() -> None:
    (row,) = tagged(alert({"user": ALICE}, class_uid=3002))
    assert row["entity.user"] is None


@pytest.mark.parametrize("evidences", [None, "x", 1, {}, [None], ["x"], [{"user": "alice"}], [{"user": {"uid": 7}}]])
def test_odd_evidences_name_nobody(evidences: Any) -> None:
    rest = orjson.dumps({"evidences": evidences}).decode()
    (row,) = tagged({**alert(), "rest": rest})
    assert row["entity.user"] is None


def test_an_alert_shows_which_names_are_one_person() -> None:
    graph = IdentityGraph()
    learn(graph, batch_of(alert({"user": ALICE})))
    assert len(graph.links_of("user:alice@example.com")) == 1


def test_whom_an_alert_is_about_is_not_lost_where_its_evidences_are_not_at_hand() -> None:
    batch = batch_of(alert({"user": ALICE, "device": {"hostname": "WS-17"}}))
    again = Enricher(Reference(1, {IDENTITY: {"host:ws-17": "host:ws-17.example.com"}}))
    (row,) = again.process(Enricher().process(batch).drop_columns(["rest"])).to_pylist()
    assert (row["entity.user"], row["entity.host"]) == ("user:alice@example.com", "host:ws-17.example.com")


def test_a_threat_that_okta_found_names_the_user(tag: Tag) -> None:
    (row,) = tag(
        {
            "eventType": "security.threat.detected",
            "published": "2026-03-17T08:00:00Z",
            "uuid": "1",
            "actor": {"id": "203.0.113.9", "type": "IP", "alternateId": "unknown"},
            "client": {"ipAddress": "203.0.113.9"},
            "target": [{"id": "00uALICE", "type": "User", "alternateId": "alice@example.com"}],
        }
    )
    assert (row["entity.actor"], row["entity.user"]) == (None, "user:alice@example.com")
