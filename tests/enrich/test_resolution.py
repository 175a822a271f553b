"""Directories, decisions and time: who is who, since when, why, and how it is taken back."""

from watchfloor.enrich import IdentityGraph, Resolver
from watchfloor.enrich.aliases import Account, aliases_of
from watchfloor.enrich.explaining import explain
from watchfloor.enrich.people import MAX_MAILS
from watchfloor.enrich.periods import GAP
from watchfloor.identity import Decision, Link, Person, Term

ALICE, BOB = "user:alice@example.com", "user:bob@example.com"
CORP = r"user:corp\alice"
DAY = 86_400_000


def person(uid: str, *aliases: str, since: int | None = None, until: int | None = None, **more: str) -> Person:
    terms = tuple(Term(alias, since, until) for alias in aliases)
    return Person(uid, terms=terms, origin=f"people.csv:{uid}", **more)  # type: ignore[arg-type]


def at(graph: IdentityGraph, name: str, time: int = 0) -> str:
    return Resolver(graph.publish()).at(name, time)


def merge(a: str, b: str, reason: str = "same desk") -> Decision:
    return Decision("merge", a, b, "carol", 1, reason)


def split(a: str, b: str, reason: str = "two people") -> Decision:
    return Decision("split", a, b, "carol", 2, reason)


def test_a_directory_joins_names_that_no_event_shows_together() -> None:
    graph = IdentityGraph([person("1", ALICE, CORP, "user:okta:00u1", "user:sid:S-1-5-21-1-2-3-4")])
    assert {at(graph, name) for name in (ALICE, CORP, "user:okta:00u1", "user:sid:S-1-5-21-1-2-3-4")} == {ALICE}


def test_an_event_cannot_join_two_people_of_one_directory() -> None:
    graph = IdentityGraph([person("1", ALICE), person("2", BOB)])
    assert graph.add(Link(CORP, ALICE, "e1"))
    assert not graph.add(Link(CORP, BOB, "e2"))
    assert at(graph, CORP) == ALICE
    assert at(graph, BOB) == BOB
    (refusal,) = graph.refused
    assert refusal.reason == "they are two in the directory people: 1 and 2"


def test_two_directories_know_one_person() -> None:
    graph = IdentityGraph([person("1", ALICE), person("00u1", ALICE, "user:okta:00u1", directory="okta")])
    assert at(graph, "user:okta:00u1") == ALICE


def test_a_person_may_have_more_addresses_than_events_may_join() -> None:
    mails = [f"user:alice{number}@example.com" for number in range(MAX_MAILS * 2)]
    graph = IdentityGraph([person("1", *mails)])
    assert graph.add(Link(mails[-1], CORP, "e"))
    assert at(graph, CORP) == at(graph, mails[0])


def test_a_name_that_two_people_have_at_once_joins_nobody() -> None:
    graph = IdentityGraph([person("1", ALICE, CORP), person("2", BOB, CORP), person("3", CORP)])
    graph.add(Link(CORP, ALICE, "e"))
    assert [at(graph, name) for name in (ALICE, BOB, CORP)] == [ALICE, BOB, CORP]


def test_names_of_a_shared_account_join_nobody() -> None:
    graph = IdentityGraph([person("9", "user:team@example.com", CORP, kind="shared"), person("1", ALICE)])
    assert not graph.add(Link(CORP, ALICE, "e"))
    assert at(graph, CORP) == CORP
    assert "several people" in graph.doubt


def test_a_name_passes_from_one_person_to_another() -> None:
    graph = IdentityGraph(
        [
            person("1", ALICE, "user:okta:00u1", until=100 * DAY),
            person("2", ALICE, "user:okta:00u2", since=200 * DAY),
        ]
    )
    first, second = at(graph, ALICE, 50 * DAY), at(graph, ALICE, 250 * DAY)
    assert first == at(graph, "user:okta:00u1", 250 * DAY) == ALICE
    assert second == at(graph, "user:okta:00u2", 0) == "user:okta:00u2"
    # In between it is still the account of who has left.
    assert at(graph, ALICE, 150 * DAY) == first
    assert graph.add(Link(ALICE, CORP, "e", 250 * DAY, 260 * DAY))
    assert at(graph, CORP) == at(graph, ALICE, 250 * DAY) == at(graph, "user:okta:00u2") != first


def test_the_terms_may_leave_the_next_beginning_open() -> None:
    graph = IdentityGraph([person("1", ALICE, "user:okta:00u1", until=100), person("2", ALICE, "user:okta:00u2")])
    assert [at(graph, ALICE, time) for time in (99, 100)] == [ALICE, "user:okta:00u2"]


def test_events_show_that_an_address_has_a_new_owner_after_a_gap() -> None:
    graph = IdentityGraph()
    graph.add(Link(ALICE, "user:okta:00u1", "e1", 0, 10 * DAY))
    graph.add(Link(ALICE, "user:okta:00u2", "e2", 10 * DAY + GAP, 50 * DAY + GAP))
    assert at(graph, ALICE, DAY) == at(graph, "user:okta:00u1") == ALICE
    assert at(graph, ALICE, 20 * DAY + GAP) == at(graph, "user:okta:00u2") == "user:okta:00u2"
    # One more event of the first owner in between, and there was no gap.
    graph.add(Link(ALICE, "user:okta:00u1", "e3", 15 * DAY, 15 * DAY))
    assert at(graph, "user:okta:00u2") == ALICE


def test_cycles_end() -> None:
    graph = IdentityGraph()
    names = [f"user:okta:{number}" for number in range(50)]
    for a, b in zip(names, [*names[1:], names[0]], strict=True):
        assert graph.add(Link(a, b, "e"))
    assert len({at(graph, name) for name in names}) == 1
    assert len(explain(graph, at(graph, names[7])).names) == 50


def test_people_part_what_events_join_and_take_it_back() -> None:
    links = [Link(ALICE, CORP, "e1"), Link(CORP, "user:okta:00u1", "e2")]
    parted = IdentityGraph((), [split(ALICE, CORP)], links)
    assert at(parted, CORP) != ALICE
    assert at(parted, "user:okta:00u1") == at(parted, CORP)
    assert parted.refused[0].reason == "split by carol: two people"
    again = IdentityGraph((), [split(ALICE, CORP), merge(ALICE, CORP)], links)
    assert at(again, "user:okta:00u1") == ALICE
    back = IdentityGraph((), [merge(ALICE, BOB), split(ALICE, BOB)], links)
    assert at(back, BOB) == BOB


def test_a_split_holds_along_every_way() -> None:
    links = [Link(ALICE, CORP, "e1"), Link(CORP, "user:okta:00u1", "e2"), Link("user:okta:00u1", BOB, "e3")]
    graph = IdentityGraph((), [split(ALICE, BOB)], links)
    assert at(graph, ALICE) != at(graph, BOB)


def test_every_name_says_by_which_links_it_is_there_and_how_sure_it_is() -> None:
    people = [person("1", ALICE, CORP)]
    graph = IdentityGraph(people, [merge(ALICE, BOB)], [Link(CORP, "user:okta:00u1", "e2", 5, 9)])
    graph.add(Link("user:okta:00u1", r"user:lab\al", "e3", 6, 6))
    graph.add(Link(ALICE, r"user:dev\a", "e4", 7, 7))
    found = explain(graph, at(graph, CORP))
    told = {one.alias: (one.confidence, [link.event_uid or link.words for link in one.way]) for one in found.names}
    assert told == {
        found.entity: ("high", []),
        **({ALICE: ("high", ["carol: same desk"])} if found.entity == BOB else {}),
        **({BOB: ("high", ["carol: same desk"])} if found.entity == ALICE else {}),
        CORP: ("high", told[CORP][1]),
        "user:okta:00u1": ("medium", told["user:okta:00u1"][1]),
        r"user:lab\al": ("medium", told[r"user:lab\al"][1]),
        r"user:dev\a": ("low", told[r"user:dev\a"][1]),
    }
    assert told[CORP][1][-1] == "people.csv:1"
    assert told["user:okta:00u1"][1][-1] == "e2"


def test_a_service_account_of_a_cluster_is_nobody_in_a_domain() -> None:
    account = Account(
        "kubernetes",
        uid="system:serviceaccount:corp:alice",
        uid_alt="0a1b2c3d-0000-4000-8000-000000000001",
        name="alice",
        domain="corp",
    )
    assert aliases_of(account) == ("user:kubernetes:system:serviceaccount:corp:alice",)


def test_what_a_source_calls_a_device_is_its_host_unless_it_has_several_names() -> None:
    graph = IdentityGraph()
    graph.hosts.add("host:ws-1.corp.example.com")
    graph.hosts.add_device("host:acme:1", "host:ws-1")
    graph.hosts.add_device("host:acme:1", "host:ws-1.corp.example.com")
    graph.hosts.add_device("host:acme:2", "host:ws-2")
    for number in range(20):
        graph.hosts.add_device("host:acme:3", f"host:clone-{number}")
    table = graph.table()
    assert table["host:acme:1"] == "host:ws-1.corp.example.com"
    assert table["host:acme:2"] == "host:ws-2"
    assert "host:acme:3" not in table
