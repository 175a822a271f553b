"""Aliases of one account become one person where events connect them, and only there."""

from watchfloor.enrich import Enricher, IdentityGraph, Link, learn
from watchfloor.enrich.aliases import Account, aliases_of
from watchfloor.enrich.identity import IDENTITY, MAX_MAILS
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
    assert len(graph.refused) == 2
    table = graph.publish().tables[IDENTITY]
    assert mails[-1] not in table


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
