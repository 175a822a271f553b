"""A sentence passes only if the events it cites prove it."""

import pytest

from watchfloor.finding import Finding, Rule
from watchfloor.testing.events import batch_of
from watchfloor.triage import Evidence, check

TIME = 1_773_738_840_000  # 2026-03-17 09:14 UTC

ROWS = batch_of(
    {
        "metadata.uid": "e1",
        "time": TIME,
        "source": "okta_system_log",
        "class_uid": 3002,
        "user.email_addr": "alice@example.com",
        "src_endpoint.ip": "203.0.113.9",
        "entity.user": "user:alice@example.com",
        "rest": '{"device.name": "Pixel 9"}',
        "raw": b'{"user": "alice@example.com", "attempts": 250}',
    },
    {"metadata.uid": "e2", "time": TIME + 720_000, "source": "okta_system_log", "user.email_addr": "alice@example.com"},
).to_pylist()
EVIDENCE = Evidence({row["metadata.uid"]: row for row in ROWS})
FINDING = Finding(
    summary="alice@example.com said no 9 times over 1,234 km, 7.5 km/h, then yes at 09:26:00 UTC.",
    uid="f",
    tenant="default",
    rule=Rule("r", "Many pushes, then a yes"),
    start=TIME,
    end=TIME,
    event_uids=("e1", "e2"),
)


def _problems(text: str, *cites: str) -> list[str]:
    return [problem.text for problem in check(text, cites or ("e1", "e2"), EVIDENCE, [FINDING])]


@pytest.mark.parametrize(
    "text",
    [
        "At 09:14 UTC alice@example.com signed in from 203.0.113.9.",
        "These 2 events were seen between 2026-03-17 09:14 and 09:26 UTC (“Many pushes, then a yes”).",
        "She used a Pixel 9 over 12 minutes.",
        "One event says 250.",
        "Then yes at 09:26:00 UTC, after 9 times over 1,234 km at 7.5 km/h.",
        "The long value alice@ex…ample.com was cut.",
    ],
)
def test_what_the_events_say_passes(text: str) -> None:
    assert _problems(text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("At 09:15 UTC alice@example.com signed in.", "09:15"),
        ("At 09:14 UTC bob@example.com signed in.", "bob@example.com"),
        ("At 09:14 UTC alice@example.com signed in from 203.0.113.99.", "203.0.113.99"),
        ("At 09:14 UTC alice@example.com signed in from 203.0.113.", "203.0.113"),
        ("These 3 events matter.", "3"),
        ("One event says 25.", "25"),
        ("It was a Pixel 8.", "8"),
        ("The actor is APT29.", "APT29"),
        ("See evil.example.net.", "evil.example.net"),
        (r"They ran C:\Temp\x.exe.", r"C:\Temp\x.exe"),
        ("This is “Ransomware detonated”.", "Ransomware detonated"),
        ("On 2026-03-18 09:14 UTC it began.", "2026-03-18 09:14"),
        ("Then yes at 09:26:01 UTC.", "09:26:01"),
        ("She said no 8 times.", "8"),
        ("CVE-2024-3094 was used.", "CVE-2024-3094"),
    ],
)
def test_what_they_do_not_say_is_refused(text: str, problem: str) -> None:
    assert _problems(text) == [problem]


def test_a_citation_must_exist() -> None:
    assert check("A sentence.", ["nowhere"], EVIDENCE, [])[0].text == "nowhere"
    assert check("A sentence.", [], EVIDENCE, [])


def test_what_a_finding_computed_counts_only_with_all_of_its_events() -> None:
    assert _problems("It was 7.5 km/h.") == []
    assert _problems("It was 7.5 km/h.", "e2") == ["7.5"]


def test_only_cited_events_count() -> None:
    assert _problems("It came from 203.0.113.9.", "e2") == ["203.0.113.9"]
