"""Directories and decisions at rest: what an import changes, and what was known at each version."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from watchfloor.errors import StoreError
from watchfloor.identity import Decision, Link, Person, Term
from watchfloor.store.identities import IdentityStore

ALICE = "user:alice@example.com"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[IdentityStore]:
    opened = IdentityStore(tmp_path / "watchfloor.db")
    yield opened
    opened.close()


def person(uid: str, *aliases: str) -> Person:
    return Person(uid, terms=tuple(map(Term, aliases)), directory="hr")


def test_an_import_replaces_its_directory_alone(store: IdentityStore) -> None:
    assert store.import_directory("t", "hr", [person("1", ALICE), person("2", "user:b@example.com")], at=1).new == 2
    assert store.import_directory("t", "okta", [person("1", "user:okta:1")], at=2).new == 1
    again = store.import_directory("t", "hr", [person("1", ALICE), person("3", "user:c@example.com")], at=3)
    assert (again.new, again.changed, again.gone, again.version) == (1, 0, 1, 3)
    assert {(one.directory, one.uid) for one in store.people("t")} == {
        ("hr", "1"),
        ("hr", "2"),
        ("hr", "3"),
        ("okta", "1"),
    }
    assert store.people("other") == ()


def test_who_is_gone_keeps_their_names_until_then(store: IdentityStore) -> None:
    store.import_directory("t", "hr", [person("1", ALICE, "user:okta:1")], at=1)
    store.import_directory("t", "hr", [person("2", ALICE)], at=500)
    one, two = store.people("t")
    assert one.terms == (Term(ALICE, None, 500), Term("user:okta:1", None, 500))
    assert two.terms == (Term(ALICE),)
    same = store.import_directory("t", "hr", [person("2", ALICE)], at=900)
    assert (same.new, same.changed, same.gone, same.version) == (0, 0, 0, 2)


def test_a_name_that_is_taken_away_ends(store: IdentityStore) -> None:
    store.import_directory("t", "hr", [person("1", ALICE, "user:old@example.com")], at=1)
    assert store.import_directory("t", "hr", [person("1", ALICE)], at=7).changed == 1
    (one,) = store.people("t")
    assert one.terms == (Term(ALICE), Term("user:old@example.com", None, 7))


def test_each_version_can_be_had_again(store: IdentityStore) -> None:
    store.import_directory("t", "hr", [person("1", ALICE)], at=1)
    decision = Decision("merge", ALICE, "user:x@example.com", "carol", 2, "told so")
    assert store.decide("t", decision) == 2
    store.import_directory("t", "hr", [person("1", "user:new@example.com")], at=3)
    assert store.people("t", 1)[0].terms == (Term(ALICE),)
    assert store.decisions("t", 1) == ()
    assert store.decisions("t") == (decision,)
    assert [(one.version, one.at) for one in store.versions("t")] == [(1, 1), (2, 2), (3, 3)]


def test_links_are_those_of_the_last_run(store: IdentityStore) -> None:
    links = [Link("user:a", "user:b", "e1", 1, 2, 3), Link("user:'; DROP TABLE", "user:\u202e", "e2", 4, 5, 6)]
    store.replace_learned("t", links, [])
    assert store.links("t") == tuple(links)
    store.replace_learned("t", links[1:], [])
    assert store.links("t") == tuple(links[1:])


def test_thousands_of_people_change_at_once(store: IdentityStore) -> None:
    people = [person(str(number), f"user:p{number}@example.com") for number in range(3000)]
    store.import_directory("t", "hr", people, at=1)
    assert store.import_directory("t", "hr", [person("x", ALICE)], at=2).gone == 3000


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "watchfloor.db"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match=r"watchfloor\.db: "):
        IdentityStore(path).people("t")
