"""One person and one mailbox under the names that Microsoft 365 has for them."""

from typing import Any

from tests.enrich.conftest import Tag

from watchfloor.enrich.aliases import Account, aliases_of

TENANT = {"CreationTime": "2026-03-17T08:00:00", "OrganizationId": "11111111-2222-4000-8000-333333333333"}
GUEST = "first_last_example.com#EXT#@tenant.onmicrosoft.com"


def opened(user: str, key: str) -> dict[str, Any]:
    what = {"Operation": "FileAccessed", "RecordType": 6, "Workload": "SharePoint"}
    return {**TENANT, **what, "Id": f"{user}{key}", "UserId": user, "UserKey": key, "UserType": 0}


def read(mailbox: str, key: str) -> dict[str, Any]:
    what = {"Operation": "MailItemsAccessed", "RecordType": 50, "Workload": "Exchange"}
    who = {"UserId": mailbox, "UserKey": key, "MailboxOwnerUPN": mailbox}
    return {**TENANT, **what, **who, "Id": f"{mailbox}{key}"}


def okta(login: str) -> dict[str, Any]:
    return {
        "eventType": "user.session.start",
        "published": "2026-03-17T08:00:00Z",
        "uuid": login,
        "actor": {"id": f"00u{login}", "type": "User", "alternateId": login},
    }


def test_a_guest_is_who_they_are_at_home(tag: Tag) -> None:
    at_home, as_guest = tag(okta("first_last@example.com"), opened(GUEST, "10032000AAAA0001"))
    assert at_home["entity.actor"] == as_guest["entity.actor"] == "user:first_last@example.com"


def test_a_guest_is_the_same_in_azures_own_logs() -> None:
    assert aliases_of(Account("azure", email_addr=GUEST)) == ("user:first_last@example.com",)


def test_a_login_of_another_product_that_looks_like_a_guest_is_itself(tag: Tag) -> None:
    (login,) = tag(okta(GUEST))
    assert login["entity.actor"] == f"user:{GUEST.lower()}"


def test_what_only_looks_like_a_guest_stays_itself(tag: Tag) -> None:
    (event,) = tag(opened("#EXT#@tenant.onmicrosoft.com", "10032000AAAA0001"))
    assert event["entity.actor"] == "user:#ext#@tenant.onmicrosoft.com"


def test_a_persons_mailbox_is_one_under_both_of_their_addresses(tag: Tag) -> None:
    key = "10032000AAAA0001"
    one, other, stranger = tag(
        read("al@example.com", key), read("Alice.A@example.com", key), read("bo@example.com", "10032000BBBB0002")
    )
    assert one["entity.resource"] == other["entity.resource"] == "resource:mailbox:al@example.com"
    assert stranger["entity.resource"] == "resource:mailbox:bo@example.com"
