"""What events teach a live run: it is known for the events that follow, and after a kill or a restart."""

import time
from pathlib import Path

import pytest
from tests.run.live_run import NOW, running, sign_in, until

import watchfloor.run.learning
from watchfloor.identity import Decision, Noted, Person, Term
from watchfloor.run.content import Content
from watchfloor.run.learning import Learning
from watchfloor.run.offer import Offer
from watchfloor.store.identities import IdentityStore
from watchfloor.testing.events import batch_of

MINUTE = 60_000


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchfloor.run.learning, "TELL_SECONDS", 0.1)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_name_that_an_event_gave_is_known_from_then_on_and_after_a_restart(
    tmp_path: Path, content: Content, workers: int
) -> None:
    with running(tmp_path, content, workers=workers) as run:
        run.send(sign_in(1, id="00u1"))
        run.send(sign_in(2, id="00u1", alternateId="alice@example.com"))
        time.sleep(0.5)
        run.send(sign_in(3, id="00u1"))
        actors = {number: row["entity.actor"] for number, row in run.rows().items()}
    assert actors == {"1": "user:okta:00u1", "2": "user:alice@example.com", "3": "user:alice@example.com"}
    with running(tmp_path, content, workers=workers) as run:
        run.send(sign_in(4, id="00u1"))
        assert run.rows()["4"]["entity.actor"] == "user:alice@example.com"


def test_names_of_another_tenant_teach_nothing(tmp_path: Path, content: Content) -> None:
    with running(tmp_path, content) as run:
        run.send(sign_in(2, id="00u1", alternateId="mallory@example.com"), tenant="acme")
        time.sleep(0.5)
        run.send(sign_in(3, id="00u1"))
        assert run.rows()["3"]["entity.actor"] == "user:okta:00u1"


def test_a_directory_that_is_imported_and_a_decision_hold_from_the_next_batch_on(
    tmp_path: Path, content: Content
) -> None:
    with running(tmp_path, content) as run:
        run.send(sign_in(1, id="00u1", alternateId="alice@example.com"))
        person = Person("17", terms=(Term("user:alice@example.com"), Term("user:okta:00u2")))
        run.live.offer(Offer(people=(person,)))
        until(lambda: run.live.worked.taken_over == 1)
        run.send(sign_in(2, id="00u2"), sign_in(3, id="00u1"))
        decision = Decision("split", "user:alice@example.com", "user:okta:00u1", "carol", NOW, "namesakes")
        run.live.offer(Offer(decisions=(decision,)))
        until(lambda: run.live.worked.taken_over == 2)
        run.send(sign_in(4, id="00u1"), sign_in(5, id="00u2"))
        actors = {number: row["entity.actor"] for number, row in run.rows().items()}
    alice = "user:alice@example.com"
    assert [actors[number] for number in "12345"] == [alice, alice, alice, "user:okta:00u1", alice]


def test_hosts_and_devices_are_kept(tmp_path: Path) -> None:
    rows = (
        {"source": "windows_event_log", "device.hostname": "WS-17.corp.example.com"},
        {"source": "crowdstrike", "device.hostname": "ws-17.corp.example.com", "device.uid": "dev1"},
        {"source": "windows_event_log", "user.name": "ws-17$", "user.domain": "CORP"},
    )
    store = IdentityStore(tmp_path / "watchfloor.db")
    learning = Learning(store=store)
    learning.observe(batch_of(*rows))
    learning.keep()
    table = learning.reference().tables["identity"]
    host = "host:ws-17.corp.example.com"
    assert table == {"host:ws-17": host, "host:crowdstrike:dev1": host, r"user:corp\ws-17$": host}
    assert Learning(store=store).reference().tables["identity"] == table
    assert Noted("device", "host:crowdstrike:dev1", host) in store.noted("default")
    store.close()


def test_a_link_is_kept_once_with_when_it_was_seen_last(tmp_path: Path) -> None:
    store = IdentityStore(tmp_path / "watchfloor.db")
    learning = Learning(store=store)
    for at in (NOW, NOW - MINUTE, NOW + MINUTE):
        row = {"source": "okta_system_log", "actor.user.uid": "00u1", "actor.user.email_addr": "a@example.com"}
        learning.observe(batch_of({**row, "time": at, "metadata.uid": f"e{at}"}))
        learning.keep()
    ((link),) = store.links("default")
    assert (link.first, link.last) == (NOW, NOW)
    learning.keep(everything=True)
    ((link),) = store.links("default")
    assert (link.first, link.last, link.count, link.event_uid) == (NOW - MINUTE, NOW + MINUTE, 3, f"e{NOW - MINUTE}")
    store.close()


def test_links_that_were_not_seen_for_longest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchfloor.run.learning, "MOST_LINKS", 10)
    store = IdentityStore(tmp_path / "watchfloor.db")
    learning = Learning(store=store)
    for number in [*range(9), 0, 9]:
        row = {"source": "okta_system_log", "actor.user.uid": f"00u{number}", "metadata.uid": f"e{number}"}
        time = NOW + (100 if number in {0, 9} else number)
        learning.observe(batch_of({**row, "actor.user.email_addr": f"u{number}@example.com", "time": time}))
        learning.keep()
    left = {"user:okta:00u0", *(f"user:okta:00u{number}" for number in (6, 7, 8, 9))}
    assert set(learning.reference().tables["identity"]) == left
    assert {link.b for link in store.links("default")} == left
    store.close()


def test_a_clock_that_is_ahead_is_corrected_in_what_follows_and_after_a_restart(
    tmp_path: Path, content: Content
) -> None:
    hour = 60 * MINUTE
    with running(tmp_path, content) as run:
        for minute in range(8):
            at = NOW + minute * MINUTE
            run.send(sign_in(minute, time=at + hour, id="00u1"), now=at)
        time.sleep(0.5)
        later = NOW + 9 * MINUTE
        run.send(sign_in(20, time=later + hour, id="00u1"), now=later)
        rows = run.rows()
    assert (rows["0"]["time"], rows["0"]["ordered_at"]) == (NOW + hour, NOW)
    assert rows["0"]["tags"] == ["time=future"]
    assert (rows["20"]["time"], rows["20"]["ordered_at"]) == (later + hour, later)
    assert rows["20"]["tags"] == [f"clock.ahead={hour}"]
    with running(tmp_path, content) as run:
        run.send(sign_in(21, time=later + hour + 5000, id="00u1"), now=later + 5000)
        assert run.rows()["21"]["tags"] == [f"clock.ahead={hour}"]
