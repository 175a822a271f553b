"""What events say of accounts reaches policy: the root user, programs, people in roles, computers."""

from typing import Any

from tests.enrich.conftest import Tag
from tests.enrich.test_cloud_sessions import ACCOUNT, SSO_PATH, SSO_ROLE, call, session
from tests.enrich.test_places import DOMAIN_SID, logon

from watchfloor.enrich import traits_of
from watchfloor.event import entity_of
from watchfloor.policy.inventory import Inventory
from watchfloor.policy.request import Resource

ROOT = {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}


def described(row: dict[str, Any], rows: list[dict[str, Any]]) -> Resource:
    account = row["entity.actor"] or row["entity.user"]
    return Inventory().describe(entity_of(account), traits_of(rows).get(account, frozenset()))


def test_the_root_user_is_the_way_back_in(tag: Tag) -> None:
    rows = tag(call(ROOT))
    resource = described(rows[0], rows)
    assert (resource.principal, resource.is_admin, resource.is_break_glass) == ("person", True, True)


def test_a_machines_role_is_a_program(tag: Tag) -> None:
    rows = tag(call(session("Web", "i-0123456789abcdef0", ec2RoleDelivery="2.0")))
    assert described(rows[0], rows).principal == "service"
    assert traits_of(rows)[rows[0]["entity.actor"]] == {"service", "role-session"}


def test_a_person_in_a_role_is_a_person_in_a_role(tag: Tag) -> None:
    rows = tag(call(session(SSO_ROLE, "alice@example.com", SSO_PATH)))
    assert described(rows[0], rows).principal == "person"
    assert traits_of(rows) == {"user:alice@example.com": {"role-session"}}


def test_somebody_who_is_a_person_in_one_event_is_no_program_in_others(tag: Tag) -> None:
    records = [
        {
            "CreationTime": "2026-03-17T08:00:00",
            "Id": str(kind),
            "Operation": "FileAccessed",
            "RecordType": 6,
            "Workload": "SharePoint",
            "UserId": "alice@example.com",
            "UserType": kind,
        }
        for kind in (6, 0)
    ]
    program, both = tag(records[0]), tag(*records)
    assert described(program[0], program).principal == "service"
    assert described(both[0], both).principal == "person"


def test_what_okta_does_by_itself_is_built_in(tag: Tag) -> None:
    actor = {"id": "sys1", "type": "SystemPrincipal", "alternateId": "robot@example.com", "displayName": "Robot"}
    rows = tag({"eventType": "system.push.x", "published": "2026-03-17T08:00:00Z", "uuid": "1", "actor": actor})
    assert described(rows[0], rows).principal == "built-in"


def test_a_computers_account_is_no_account_and_its_lookalike_is_a_person(tag: Tag) -> None:
    dc = "dc01.corp.example.com"
    rows = tag(
        logon(dc, "WS-17$", "CORP", f"{DOMAIN_SID}-2001"),
        logon(dc, "alice$", "CORP", f"{DOMAIN_SID}-2002"),
        logon("ws-17.corp.example.com", "alice", "CORP", f"{DOMAIN_SID}-1104"),
    )
    assert rows[0]["entity.user"] is None
    assert described(rows[1], rows).principal == "person"
