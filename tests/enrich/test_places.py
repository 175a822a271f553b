"""What hosts say of accounts: names that people choose, accounts of computers, SIDs of one host alone."""

from typing import Any

import pytest
from tests.enrich.conftest import Tag

DOMAIN_SID = "S-1-5-21-1000000001-1000000002-1000000003"
LOCAL_SID = "S-1-5-21-2000000001-2000000002-2000000003"


def windows(event_id: int, host: str, **data: str) -> dict[str, Any]:
    return {
        "Event": {
            "System": {
                "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
                "EventID": event_id,
                "Channel": "Security",
                "Computer": host,
                "EventRecordID": sum(map(ord, f"{event_id}{host}{data}")),
                "TimeCreated": {"#attributes": {"SystemTime": "2026-03-17T08:00:00.000Z"}},
            },
            "EventData": data,
        }
    }


def logon(host: str, name: str, domain: str, sid: str) -> dict[str, Any]:
    return windows(4624, host, TargetUserName=name, TargetDomainName=domain, TargetUserSid=sid, LogonType="3")


def okta(device: str) -> dict[str, Any]:
    return {
        "eventType": "user.session.start",
        "published": "2026-03-17T08:00:00Z",
        "uuid": device,
        "actor": {"id": "00uMAL", "type": "User", "alternateId": "alice", "displayName": "alice"},
        "device": {"id": f"guo{device}", "name": device},
        "outcome": {"result": "SUCCESS"},
    }


def laurel(host: str) -> dict[str, Any]:
    return {
        "NODE": host,
        "ID": "1773734400.000:1",
        "SYSCALL": {"SYSCALL": "execve", "success": "yes", "AUID": "alice", "UID": "alice", "exe": "/bin/id"},
        "EXECVE": {"argc": 1, "ARGV": ["id"]},
    }


def test_what_a_user_calls_their_device_is_neither_a_host_nor_a_domain(tag: Tag) -> None:
    alice, by_okta, named_as_domain = tag(
        logon("DC01.corp.example.com", "alice", "CORP", f"{DOMAIN_SID}-1104"), okta("DC01"), okta("CORP")
    )
    assert alice["entity.user"] == r"user:corp\alice"
    assert alice["entity.host"] == "host:dc01.corp.example.com"
    assert by_okta["entity.host"] == "host:okta:guoDC01"
    assert named_as_domain["entity.host"] == "host:okta:guoCORP"
    assert by_okta["entity.actor"] == named_as_domain["entity.actor"] == "user:okta:00uMAL"


def test_a_device_of_entra_is_known_by_its_id(tag: Tag) -> None:
    device = [{"Name": "Id", "Value": "dddd-1"}, {"Name": "DisplayName", "Value": "DC01"}]
    record = {
        "CreationTime": "2026-03-17T08:00:00",
        "Id": "1",
        "Operation": "UserLoggedIn",
        "RecordType": 15,
        "Workload": "AzureActiveDirectory",
        "UserId": "mallory@example.com",
        "DeviceProperties": device,
    }
    (signed,) = tag(record)
    assert signed["entity.host"] == "host:m365:dddd-1"


def test_a_host_of_another_system_is_no_domain_and_no_windows_host(tag: Tag) -> None:
    alice, by_linux, named_as_domain = tag(
        logon("DC01.corp.example.com", "alice", "CORP", f"{DOMAIN_SID}-1104"), laurel("dc01"), laurel("corp")
    )
    assert alice["entity.host"] == "host:dc01.corp.example.com"
    assert by_linux["entity.host"] == "host:dc01"
    assert by_linux["entity.actor"] == "user:dc01/alice"
    assert named_as_domain["entity.actor"] == "user:corp/alice"


def test_the_account_of_a_computer_is_the_computer_and_nobody_else(tag: Tag) -> None:
    dc, host = "dc01.corp.example.com", "ws-17.corp.example.com"
    by_computer, by_ticket, by_sid, _ = tag(
        logon(dc, "WS-17$", "CORP", f"{DOMAIN_SID}-2001"),
        windows(
            4769, dc, TargetUserName="WS-17$@CORP.EXAMPLE.COM", TargetDomainName="CORP.EXAMPLE.COM", ServiceName="x"
        ),
        windows(4688, dc, SubjectUserSid=f"{DOMAIN_SID}-2001", NewProcessName=r"C:\x.exe"),
        logon(host, "alice", "CORP", f"{DOMAIN_SID}-1104"),
    )
    assert by_computer["entity.user"] is by_ticket["entity.user"] is by_sid["entity.actor"] is None


@pytest.mark.parametrize(
    ("name", "domain", "person"),
    [
        ("svc$", "CORP", r"user:corp\svc$"),
        ("WS-17$", "WS-17", r"user:ws-17\ws-17$"),
        ("DC01$", "WS-17", r"user:ws-17\dc01$"),
    ],
)
def test_an_account_that_only_looks_like_a_computers_is_somebody(tag: Tag, name: str, domain: str, person: str) -> None:
    made, _ = tag(
        logon("ws-17.corp.example.com", name, domain, f"{LOCAL_SID}-1001"),
        logon("dc01.corp.example.com", "alice", "CORP", f"{DOMAIN_SID}-1104"),
    )
    assert made["entity.user"] == person


def test_a_local_account_is_one_by_name_and_by_sid_on_its_host_alone(tag: Tag) -> None:
    made, joined, on_clone = tag(
        windows(
            4720,
            "fs01.corp.example.com",
            TargetUserName="helper",
            TargetDomainName="FS01",
            TargetSid=f"{LOCAL_SID}-1021",
        ),
        windows(
            4732,
            "fs01.corp.example.com",
            MemberSid=f"{LOCAL_SID}-1021",
            MemberName="-",
            TargetUserName="Administrators",
        ),
        windows(
            4732,
            "fs02.corp.example.com",
            MemberSid=f"{LOCAL_SID}-1021",
            MemberName="-",
            TargetUserName="Administrators",
        ),
    )
    assert made["entity.user"] == joined["entity.user"] == r"user:fs01\helper"
    assert on_clone["entity.user"] == rf"user:fs02\{LOCAL_SID}-1021"


def test_a_domain_account_is_one_by_name_and_by_sid_on_every_host(tag: Tag) -> None:
    named, by_sid, stranger, elsewhere = tag(
        logon("dc01.corp.example.com", "alice", "CORP", f"{DOMAIN_SID}-1104"),
        windows(4688, "ws-17.corp.example.com", SubjectUserSid=f"{DOMAIN_SID}-1104", NewProcessName=r"C:\x.exe"),
        windows(4688, "ws-17.corp.example.com", SubjectUserSid=f"{DOMAIN_SID}-1105", NewProcessName=r"C:\x.exe"),
        windows(4688, "ws-18.corp.example.com", SubjectUserSid=f"{DOMAIN_SID}-1105", NewProcessName=r"C:\x.exe"),
    )
    assert named["entity.user"] == by_sid["entity.actor"] == r"user:corp\alice"
    assert stranger["entity.actor"] == elsewhere["entity.actor"] == f"user:sid:{DOMAIN_SID}-1105"


@pytest.mark.parametrize("sid", ["S-1-5-18", "S-1-5-32-544", "S-1-1-0", "S-1-5-90-0-1"])
def test_a_well_known_sid_is_nobody(tag: Tag, sid: str) -> None:
    (event,) = tag(windows(4688, "ws-17.corp.example.com", SubjectUserSid=sid, SubjectUserName=sid, NewProcessName="x"))
    assert event["entity.actor"] is None
