"""Whose group a Windows record speaks of."""

from typing import Any

import orjson

from watchfloor.normalize import load_sources
from watchfloor.testing.sources import normalize

SOURCES = {source.name: source for source in load_sources()[0]}


def group_of(computer: str, domain: str, name: str) -> str | None:
    record = {
        "Event": {
            "System": {
                "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
                "EventID": 4732,
                "Channel": "Security",
                "Computer": computer,
                "EventRecordID": 1,
                "TimeCreated": {"#attributes": {"SystemTime": "2026-03-17T08:00:00.000Z"}},
            },
            "EventData": {"TargetDomainName": domain, "TargetUserName": name, "MemberSid": "S-1-5-21-1-2-3-1104"},
        }
    }
    events: list[dict[str, Any]] = normalize(SOURCES["windows_event_log"], [orjson.dumps(record)]).events.to_pylist()
    resource: str | None = events[0]["entity.resource"]
    return resource


def test_each_machine_has_administrators_of_its_own() -> None:
    assert group_of("WS-1.corp.example", "Builtin", "Administrators") == r"resource:group:WS-1\Administrators"
    assert group_of("WS-2", "Builtin", "Administrators") == r"resource:group:WS-2\Administrators"


def test_a_group_of_the_domain_is_one_wherever_it_is_changed() -> None:
    assert group_of("DC-1.corp.example", "CORP", "Helpdesk") == r"resource:group:CORP\Helpdesk"
    assert group_of("DC-2.corp.example", "CORP", "Helpdesk") == r"resource:group:CORP\Helpdesk"
