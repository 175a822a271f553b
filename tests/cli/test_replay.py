"""What is worked on once more comes in once."""

from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest
from tests.enrich.test_stix import indicator

from watchfloor.deadletter import DeadLetter, dead_letter
from watchfloor.enrich.indicators import TAG
from watchfloor.event import Origin
from watchfloor.settings import DataFolder
from watchfloor.store.lake import Lake
from watchfloor.store.letters import LetterFolder

RULE = """
title: A sign-in that nobody looked at before
id: 6f5a5c5e-54a4-4b6e-9f0e-0f6f1d9f5c11
status: test
level: high
logsource: {product: okta, service: okta}
detection:
    selection: {eventtype: user.session.start}
    condition: selection
"""


def sign_in(number: int, published: str = "2026-01-01T00:00:00Z") -> bytes:
    return orjson.dumps(
        {
            "uuid": f"n-{number}",
            "published": published,
            "eventType": "user.session.start",
            "actor": {"id": "00u1", "type": "User", "alternateId": "alice@example.com"},
            "outcome": {"result": "SUCCESS"},
        }
    )


def letter(number: int, raw: bytes, reason: str = "okta_system_log: KeyError: 'x'") -> DeadLetter:
    return DeadLetter("default", Origin("http/a", number), "normalize", reason, raw, len(raw))


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    return folder


def uids(folder: DataFolder) -> list[str]:
    batches = Lake(folder.lake).in_order("default", ["metadata.uid"])
    return [uid for batch in batches for uid in batch.column(0).to_pylist()]


def test_letters_that_a_mended_source_can_read_become_events_once(run: Any, data: DataFolder, tmp_path: Path) -> None:
    cut = dead_letter("default", Origin("b", 9), "ingest", "cut off", b'{"a":')
    still = letter(3, b'{"eventType": "x", "published": "soon", "uuid": "n-3", "actor": {}}')
    letters = LetterFolder(data.letters)
    letters.keep([letter(1, sign_in(1)), letter(2, sign_in(2)), still], first=1, last=4)
    letters.keep([letter(5, sign_in(1)), cut], first=5, last=9)
    (tmp_path / "rule.yml").write_text(RULE)
    ran = run("deadletters", "replay", "--rules", tmp_path / "rule.yml", "--data", data.path)
    assert ran.status == 0
    assert "4 records read again: 2 new events" in ran.err
    assert "2 are dead letters still" in ran.err
    assert uids(data) == ["okta_system_log:n-1", "okta_system_log:n-2"]
    assert [(one.origin.line, one.reason) for one in letters.read()] == [(3, "no readable time"), (9, "cut off")]
    found = run("findings", "--data", data.path).lines
    mine = [one for one in found if one["unmapped"]["rule_id"].startswith("6f5a")]
    assert sorted(one["unmapped"]["event_uids"][0] for one in mine) == uids(data)
    again = run("deadletters", "replay", "--data", data.path)
    assert "1 records read again: 0 new events" in again.err
    assert len(uids(data)) == 2


def test_only_letters_of_a_reason_are_read_again_if_that_is_wanted(run: Any, data: DataFolder) -> None:
    letters = LetterFolder(data.letters)
    letters.keep([letter(1, sign_in(1), "mended"), letter(2, sign_in(2), "not yet")], first=1, last=1)
    run("deadletters", "replay", "--reason", "mended", "--data", data.path)
    assert uids(data) == ["okta_system_log:n-1"]
    assert [one.reason for one in letters.read()] == ["not yet"]


def test_letters_of_an_investigation_are_read_again_with_the_users_own_source(
    run: Any, data: DataFolder, tmp_path: Path
) -> None:
    record = b'{"kind": "badge", "at": "2026-01-01T00:00:00Z", "who": "alice"}'
    data.dead_letters.write_bytes(msgspec.json.encode(letter(1, record, "no source recognises this record")) + b"\n")
    assert run("deadletters", "replay", "--data", data.path).status == 0
    assert uids(data) == []
    source = tmp_path / "mine" / "sources" / "badges"
    source.mkdir(parents=True)
    (source / "source.yml").write_text(
        "title: Badges\nvendor: Example\nproduct: Badges\nrecognise: {when: {kind: badge}}\ntime: at\n"
        "common: {message: who}\n"
    )
    ran = run("deadletters", "replay", "--content", tmp_path / "mine", "--data", data.path)
    assert "1 new events" in ran.err
    assert len(uids(data)) == 1
    assert not data.dead_letters.exists()


def test_a_span_of_time_goes_through_the_rules_of_now(run: Any, data: DataFolder, tmp_path: Path) -> None:
    letters = LetterFolder(data.letters)
    days = [f"2026-01-0{day}T12:00:00Z" for day in (1, 2, 3)]
    letters.keep([letter(at, sign_in(at, day)) for at, day in enumerate(days, start=1)], first=1, last=1)
    run("deadletters", "replay", "--data", data.path)
    (tmp_path / "rule.yml").write_text(RULE)
    span = ("--since", "2026-01-02", "--until", "2026-01-02", "--rules", tmp_path / "rule.yml")
    ran = run("replay", *span, "--source", "okta_system_log", "--workers", 0, "--data", data.path)
    assert "1 events replayed: 1 new findings" in ran.err
    assert "1 events replayed: 0 new findings" in run("replay", *span, "--workers", 0, "--data", data.path).err
    assert "0 events replayed" in run("replay", *span, "--source", "zeek", "--data", data.path).err
    (found,) = run("findings", "--data", data.path).lines
    assert found["unmapped"]["event_uids"] == ["okta_system_log:n-2"]
    assert len(uids(data)) == 3


@pytest.mark.parametrize(
    ("arguments", "reason"), [(("--since", "soon"), "is not a time"), (("--source", "none"), "no source 'none'")]
)
def test_what_names_no_span_is_said(run: Any, data: DataFolder, arguments: tuple[str, ...], reason: str) -> None:
    ran = run("replay", *arguments, "--data", data.path)
    assert ran.status == 2
    assert reason in ran.err


def test_the_same_record_in_two_batches_of_letters_is_one_event(run: Any, data: DataFolder) -> None:
    many = [letter(number, sign_in(number % 5000)) for number in range(5001)]
    LetterFolder(data.letters).keep(many, first=1, last=1)
    assert "5,001 records read again: 5,000 new events" in run("deadletters", "replay", "--data", data.path).err
    with Lake(data.lake).snapshot() as snapshot:
        assert snapshot.rows == 5000


def test_what_is_read_again_is_tagged_as_it_would_have_been(run: Any, data: DataFolder, tmp_path: Path) -> None:
    known = indicator(1, "[email-addr:value = 'alice@example.com']")
    (tmp_path / "feed.json").write_bytes(orjson.dumps({"type": "bundle", "id": "bundle--1", "objects": [known]}))
    assert run("intel", "import", tmp_path / "feed.json", "--data", data.path).status == 0
    LetterFolder(data.letters).keep([letter(1, sign_in(1, "2026-11-01T00:00:00Z"))], first=1, last=1)
    run("deadletters", "replay", "--data", data.path)
    (batch,) = Lake(data.lake).in_order("default", ["tags"])
    assert any(tag.startswith(TAG) for tag in batch.column(0).to_pylist()[0])
