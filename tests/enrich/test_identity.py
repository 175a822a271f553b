"""Aliases of one account become one person where events connect them, and only there."""

from watchfloor.enrich import Enricher, IdentityGraph, learn
from watchfloor.enrich.aliases import Account, aliases_of
from watchfloor.enrich.identity import IDENTITY
from watchfloor.enrich.people import MAX_MAILS
from watchfloor.identity import Link
from watchfloor.testing.events import batch_of
from watchfloor.testing.operators import check_operator

OKTA = {
    "source": "okta_system_log",
    "actor.user.uid": "00uALICE",
    "actor.user.email_addr": "alice@example.com",
    "actor.user.name": "Alice Example",
}
WINDOWS = {
    "source": "windows_event_log",
    "user.uid": "S-1-5-21-1-2-3-1104",
    "user.name": "alice",
    "user.domain": "CORP",
    "user.email_addr": "alice@example.com",
    "device.hostname": "DC01.corp.example.com",
}
AWS = {
    "source": "aws_cloudtrail",
    "actor.user.uid": "AROAEXAMPLE:alice@example.com",
    "actor.user.uid_alt": "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Engineer_012/alice@example.com",
    "actor.user.name": "alice@example.com",
    "actor.user.email_addr": "alice@example.com",
}


def test_one_person_across_products() -> None:
    batch = batch_of(OKTA, WINDOWS, AWS, {"actor.user.name": "alice", "actor.user.domain": "CORP", "source": "windows"})
    graph = IdentityGraph()
    learn(graph, batch)
    tagged = Enricher(graph.publish()).process(batch).to_pylist()
    assert tagged[0]["entity.actor"] == "user:alice@example.com"
    assert tagged[1]["entity.user"] == "user:alice@example.com"
    assert tagged[2]["entity.actor"] == "user:alice@example.com"
    assert tagged[3]["entity.actor"] == "user:alice@example.com"


def test_every_link_names_the_event_that_shows_it() -> None:
    graph = IdentityGraph()
    learn(graph, batch_of({**OKTA, "metadata.uid": "proof"}))
    assert [link.event_uid for link in graph.links_of("user:alice@example.com")] == ["proof"]


def test_equal_names_of_two_companies_are_two_people() -> None:
    batch = batch_of(
        {"actor.user.name": "alice", "actor.user.domain": "CORP", "source": "windows"},
        {"actor.user.name": "alice", "actor.user.domain": "OTHER", "source": "windows"},
    )
    tagged = Enricher().process(batch).to_pylist()
    assert tagged[0]["entity.actor"] != tagged[1]["entity.actor"]


def test_the_systems_own_accounts_are_nobody() -> None:
    for account in (
        Account("windows", uid="S-1-5-18", name="SYSTEM", domain="NT AUTHORITY"),
        Account("windows", name="S-1-5-18"),
        Account("windows", uid="S-1-5-90-0-1", name="DWM-1", domain="Window Manager"),
        Account("windows", name="-", domain="-"),
    ):
        assert aliases_of(account) == ()


def test_a_bare_name_belongs_to_its_host() -> None:
    assert aliases_of(Account("windows", name="admin", host="ws-1.corp.example.com")) == (r"user:ws-1\admin",)
    assert aliases_of(Account("windows", name="admin")) == ()


def test_cloned_machines_share_a_sid_and_nobody() -> None:
    sid = "S-1-5-21-1-2-3-1000"
    one, other = (
        Account("windows", uid=sid, name="user", domain=host, host=f"{host}.example.com") for host in ("A", "B")
    )
    assert not set(aliases_of(one)) & set(aliases_of(other))


def test_a_shared_account_does_not_join_everybody() -> None:
    graph = IdentityGraph()
    mails = [f"user:person{number}@example.com" for number in range(MAX_MAILS + 2)]
    accepted = [graph.add(Link(r"user:corp\shared", mail, "e")) for mail in mails]
    assert accepted == [True] * MAX_MAILS + [False, False]
    assert [refusal.link.b for refusal in graph.refused] == mails
    table = graph.publish().tables[IDENTITY]
    assert not table
    assert graph.doubt.startswith("5 links between accounts were not followed")
    assert "several people use this account" in graph.doubt


def test_a_link_refused_twice_counts_once_and_none_is_no_doubt() -> None:
    graph = IdentityGraph()
    assert not graph.doubt
    for number in (*range(MAX_MAILS + 1), MAX_MAILS):
        graph.add(Link(r"user:corp\shared", f"user:person{number}@example.com", "e"))
    assert graph.doubt.startswith("4 links between accounts were not followed")


def test_names_that_only_hold_a_mail_address_are_none() -> None:
    graph = IdentityGraph()
    sessions = [f"user:aws:AROAEXAMPLE{number}:alice@example.com" for number in range(MAX_MAILS + 2)]
    assert all(graph.add(Link("user:alice@example.com", session, "e")) for session in sessions)


def test_the_links_of_a_person_come_in_the_order_in_which_they_were_seen() -> None:
    graph = IdentityGraph()
    pairs = [("a", "b"), ("c", "d"), ("e", "f"), ("d", "e"), ("f", "a"), ("x", "y")]
    for number, (a, b) in enumerate(pairs):
        graph.add(Link(f"user:{a}", f"user:{b}", str(number)))
    assert [link.event_uid for link in graph.links_of("user:c")] == ["0", "1", "2", "3", "4"]
    assert [link.event_uid for link in graph.links_of("user:x")] == ["5"]
    assert graph.links_of("user:nobody") == ()


def test_a_short_host_name_finds_its_one_qualified_name() -> None:
    graph = IdentityGraph()
    for name in (
        "host:ws-17",
        "host:ws-17.corp.example.com",
        "host:db",
        "host:db.a.example.com",
        "host:db.b.example.com",
    ):
        graph.hosts.add(name)
    table = graph.publish().tables[IDENTITY]
    assert table == {"host:ws-17": "host:ws-17.corp.example.com"}


def test_the_enricher_keeps_the_laws_and_what_the_source_named() -> None:
    batch = batch_of({**OKTA, "entity.app": "app:Payroll", "src_endpoint.ip": "203.0.113.9"}, WINDOWS)
    check_operator(Enricher(), batch)
    tagged = Enricher().process(batch).to_pylist()
    assert tagged[0]["entity.app"] == "app:Payroll"
    assert tagged[0]["entity.address"] == "address:203.0.113.9"
    assert tagged[1]["entity.host"] == "host:dc01.corp.example.com"
