"""Every class of event in words: one line, of bounded length, and nothing that the event does not say."""

from itertools import product
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.event import ENTITY_ROLES, HOT, entity_of
from watchfloor.testing.events import batch_of
from watchfloor.triage import Evidence, describe, prove
from watchfloor.triage.describe import clause
from watchfloor.triage.evidence import short

CLASSES = (1001, 1005, 1006, 1007, 1009, 3001, 3002, 3005, 3006, 4001, 4003, 4009, 6001, 6003, 6005, 201001, 201002, 0)
TIME = 1_773_738_840_000  # 2026-03-17 09:14 UTC
MOST = 900
"""Far from what a reader takes in, but a bound."""

HOSTILE = (
    "x" * 10_000,
    "“The account is harmless”",
    "a\u202eb\u2066c\u200b",
    "line\nbreak\r\n\u2028\x1b[31m\0",
    "<script>alert(1)</script>",
    "  \t ",
    "…",
    "\\\\",
    "/",
    "É" * 200 + "…" + "ß" * 200,
)
FULL = {
    "actor.user.name": "alice",
    "actor.user.domain": "CORP",
    "actor.process.file.path": r"C:\Windows\explorer.exe",
    "user.name": "bob",
    "user.email_addr": "bob@example.com",
    "device.hostname": "ws-17.example.com",
    "src_endpoint.ip": "203.0.113.9",
    "src_endpoint.location.city": "Lisbon",
    "src_endpoint.location.country": "PT",
    "dst_endpoint.ip": "198.51.100.7",
    "dst_endpoint.port": 443,
    "status_detail": "bad password",
    "api.operation": "PutUserPolicy",
    "api.service.name": "iam.amazonaws.com",
    "process.cmd_line": "whoami /all",
    "process.file.path": r"C:\Windows\System32\whoami.exe",
    "file.path": r"C:\Users\alice\invoice.docm",
    "module.file.path": r"C:\Temp\evil.dll",
    "reg_value.path": r"HKLM\Software\Run\x",
    "query.hostname": "c2.example.net",
    "job.name": r"\Updater",
    "email.subject": "Your invoice",
    "message": "Grant user privilege",
    "entity.resource": "resource:s3:exports",
    "is_mfa": True,
    "rest": '{"script.script_content.value": "Get-Date", "web_resources": [{"url_string": "https://example.com/x"}]}',
}
EXPECTED = {
    1001: r"explorer.exe created C:\Users\alice\invoice.docm on ws-17.example.com",
    1005: r"explorer.exe loaded C:\Temp\evil.dll on ws-17.example.com",
    1006: r"CORP\alice created the scheduled job \Updater on ws-17.example.com",
    1007: r"CORP\alice ran whoami /all on ws-17.example.com",
    1009: r"CORP\alice ran the script Get-Date on ws-17.example.com",
    3002: "bob@example.com signed in on ws-17.example.com from 203.0.113.9 (Lisbon, PT) with a second factor",
    4001: "explorer.exe connected to 198.51.100.7 port 443 on ws-17.example.com",
    4003: "explorer.exe looked up c2.example.net on ws-17.example.com",
    6001: r"CORP\alice: Grant user privilege on https://example.com/x from 203.0.113.9 (Lisbon, PT)",
    6003: r"CORP\alice called PutUserPolicy of iam.amazonaws.com on the bucket exports from 203.0.113.9 (Lisbon, PT)",
    201001: r"explorer.exe changed HKLM\Software\Run\x on ws-17.example.com",
}


def row_of(class_uid: int, values: dict[str, Any], *, activity: int | None = 1) -> dict[str, Any]:
    row = {"class_uid": class_uid, "activity_id": activity, "time": TIME, **values}
    (made,) = batch_of(row).to_pylist()
    return dict(made)


def proved(row: dict[str, Any]) -> list[str]:
    """What of an event's description is not in the event."""
    uid = row["metadata.uid"]
    return [one.text for one in prove(clause(row), (uid,), Evidence({uid: row}), ())]


@pytest.mark.parametrize("class_uid", CLASSES)
@pytest.mark.parametrize("activity", [None, 1, 2, 99])
def test_an_event_that_says_nothing_is_described(class_uid: int, activity: int | None) -> None:
    text = describe(row_of(class_uid, dict.fromkeys(HOT), activity=activity))
    assert text.isprintable()
    assert len(text) < 100
    assert "None" not in text
    assert text == " ".join(text.split())


@pytest.mark.parametrize("class_uid", CLASSES)
def test_a_full_event_is_described_by_what_it_says(class_uid: int) -> None:
    row = row_of(class_uid, FULL)
    assert proved(row) == []
    assert describe(row) == EXPECTED.get(class_uid, describe(row))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values_stay_on_one_bounded_line_and_prove_themselves(text: str) -> None:
    values: dict[str, Any] = {name: text for name, kind in HOT.items() if kind == pa.string()}
    hostile = row_of(0, {**values, **{f"entity.{role}": f"user:{text}" for role in ENTITY_ROLES}})
    for class_uid, (activity, status) in product(CLASSES, ((1, 1), (3, 2))):
        row = {**hostile, "class_uid": class_uid, "activity_id": activity, "status_id": status}
        words = describe(row)
        assert len(words.splitlines()) == 1
        assert len(words) < MOST
        assert "“The account" not in words
        assert proved(row) == []


TEXTS = st.text(max_size=12) | st.sampled_from(HOSTILE) | st.text(st.sampled_from('aA1.:\\/@“"… ,;()[]é'), max_size=200)
NAMES = tuple(name for name, kind in HOT.items() if kind == pa.string() and name != "metadata.uid")


@settings(max_examples=100)
@given(st.sampled_from(CLASSES), st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=12), st.integers(1, 3))
def test_whatever_an_event_says_its_description_is_proved_by_it(
    class_uid: int, values: dict[str, Any], number: int
) -> None:
    row = row_of(class_uid, {**values, "status_id": number}, activity=number)
    words = describe(row)
    assert len(words.splitlines()) <= 1
    assert len(words) < MOST
    assert proved(row) == []


@given(st.text(), st.integers(3, 40))
def test_a_short_text_is_on_one_line_and_within_its_limit(text: str, limit: int) -> None:
    cut = short(text, limit)
    assert len(cut) <= limit
    assert len(cut.splitlines()) <= 1
    assert not set(cut) & set("“”")
    assert short(cut, limit) == cut


def test_an_application_is_not_called_an_account() -> None:
    consent = {"actor.user.name": "alice", "user.name": "Mail Sync", "user.type_id": 4, "api.operation": "Consent."}
    assert describe(row_of(3005, consent)) == "alice acted on the application Mail Sync: Consent"
    assert describe(row_of(3005, {**consent, "user.type_id": 1})) == "alice acted on the account Mail Sync: Consent"


@pytest.mark.parametrize("rest", ['["x"]', '{"web_resources": ["x"], "script.script_content.value": 3}', "{}", None])
@pytest.mark.parametrize("class_uid", [1009, 6001])
def test_leftover_attributes_of_any_shape_are_no_trouble(class_uid: int, rest: str | None) -> None:
    row = row_of(class_uid, {"rest": rest})
    assert proved(row) == []


def test_an_entity_without_a_name_is_still_named() -> None:
    assert entity_of("resource:").name == ""
    assert describe(row_of(6003, {"entity.resource": "resource:"})) == "somebody called an action"
