"""A sentence passes only if the events it cites prove it: phrases of ours by their claims, free text by its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.finding import Finding, Rule
from watchfloor.testing.events import batch_of
from watchfloor.triage import Evidence, check, prove
from watchfloor.triage.phrase import Claim, Count, Moment, Title, Told, Value, phrase

TIME = 1_773_738_840_000  # 2026-03-17 09:14 UTC
LONG = "curl --no-proxy http://203.0.113.9/ " + "x" * 300

ROWS = batch_of(
    {
        "metadata.uid": "e1",
        "time": TIME,
        "source": "okta_system_log",
        "class_uid": 3002,
        "user.email_addr": "alice@example.com",
        "actor.user.name": "Bob",
        "actor.user.domain": "CORP",
        "actor.process.file.path": r"C:\Windows\explorer.exe",
        "src_endpoint.ip": "203.0.113.9",
        "src_endpoint.port": 4711,
        "process.cmd_line": LONG,
        "status_detail": "No way at 12:34, ٣ times",
        "entity.user": "user:alice@example.com",
        "entity.resource": "resource:s3:exports",
        "rest": '{"device.name": "Pixel 9", "device.type_id": 17}',
        "unmapped": '{"attempts": 250}',
        "raw": b'{"user": "mallory@example.com", "other": 777}',
    },
    {
        "metadata.uid": "e2",
        "time": TIME + 720_000,
        "source": "windows_event_log",
        "user.email_addr": "alice@example.com",
    },
).to_pylist()
EVIDENCE = Evidence({row["metadata.uid"]: row for row in ROWS})
FINDING = Finding(
    summary="alice@example.com turned down 9 pushes over 1,234 km, not 7.5 km/h, then 1 at 09:26:00 UTC.",
    uid="f",
    tenant="default",
    rule=Rule("r", "Many pushes, then a yes", description="Somebody accepts a push after refusing others."),
    start=TIME,
    end=TIME,
    event_uids=("e1", "e2"),
)


def unproved(claim: Claim, *cites: str) -> bool:
    problems = prove(phrase("{} UTC: {}.", Moment(TIME), claim), cites or ("e1", "e2"), EVIDENCE, [FINDING])
    assert [problem.text for problem in problems] in ([], [claim.shown])
    return bool(problems)


@pytest.mark.parametrize(
    "claim",
    [
        Value("alice@example.com"),
        Value("ALICE@example.com"),
        Value(r"corp\bob"),
        Value("explorer.exe"),
        Value("4711"),
        Value("250"),
        Value("windows_event_log"),
        Value("exports"),
        Value("s3:exports"),
        Value("Pixel 9"),
        # Whatever a value looks like, it is one claim: a denial, a time, digits of another script, a long text.
        Value("No way at 12:34, ٣ times"),
        Value(LONG),
        Moment(TIME, day=True),
        Moment(TIME + 720_000),
        Count(2),
        Count(2, "source"),
        Title("Many pushes, then a yes"),
    ],
)
def test_a_claim_that_the_events_make_holds(claim: Claim) -> None:
    assert not unproved(claim)


@pytest.mark.parametrize(
    "claim",
    [
        Value("mallory"),
        Value("mallory@example.com"),
        Value("777"),
        Value("x-alice@example.com"),
        Value("alice"),
        Value("alice@example.com.au"),
        Value("203.0.113"),
        Value("203.0.113.99"),
        Value("Pixel"),
        Value("9"),
        Value("17"),
        Value("3002"),
        Value("٢٥٠"),
        Value("event_log"),
        Value(LONG[:-1]),
        Value(""),
        Moment(TIME + 60_000),
        Moment(TIME + 86_400_000, day=True),
        Count(3),
        Count(1, "source"),
        Title("Many pushes"),
        Title("Ransomware detonated"),
    ],
)
def test_a_claim_that_they_do_not_make_is_refused(claim: Claim) -> None:
    assert unproved(claim)


@pytest.mark.parametrize("words", ["mallory {}", "{} 9 times", "{} was rewarded", "{} ٣", "{} @ home", "{}\n"])
def test_the_words_of_a_template_are_ours(words: str) -> None:
    assert prove(phrase(words, Value("250")), ("e1",), EVIDENCE, [])


def test_only_cited_events_count() -> None:
    assert unproved(Value("203.0.113.9"), "e1") is False
    problems = prove(phrase("{}", Value("203.0.113.9")), ("e2",), EVIDENCE, [FINDING])
    assert [problem.text for problem in problems] == ["203.0.113.9"]
    assert [problem.text for problem in check("It came from 203.0.113.9.", ("e2",), EVIDENCE, [])] == ["203.0.113.9"]


def test_a_citation_must_exist() -> None:
    for cites in ((), ("nowhere",), ("e1", "nowhere")):
        assert prove(phrase("{}", Value("250")), cites, EVIDENCE, [FINDING])
        assert check("It is.", cites, EVIDENCE, [FINDING])


def free(text: str, *cites: str) -> list[str]:
    return [problem.text for problem in check(text, cites or ("e1", "e2"), EVIDENCE, [FINDING])]


@pytest.mark.parametrize(
    "text",
    [
        "At 09:14 UTC alice@example.com signed in from 203.0.113.9.",
        "These 2 events were between 2026-03-17 09:14 and 09:26 UTC (“Many pushes, then a yes”).",
        "Two events: she was on a Pixel 9, and 250 of 4711 came first.",
        r"CORP\Bob's explorer.exe ran, and Bob's “Pixel 9” was with them.",
        "It is alice@example.com, (203.0.113.9), 'exports'.",
    ],
)
def test_free_text_that_says_what_the_events_say_passes(text: str) -> None:
    assert free(text) == []


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        # Names, wherever they stand and however they are written.
        ("At 09:14 UTC mallory signed in.", ["mallory"]),
        ("Mallory signed in.", ["Mallory"]),
        ("At 09:14 UTC Will signed in.", ["Will"]),
        ("alice@example.com and Her signed in.", ["Her"]),
        ("At 09:14 UTC x-alice@example.com signed in.", ["x-alice@example.com"]),
        ("At 09:14 UTC alice@example.com.au signed in.", ["alice@example.com.au"]),
        ("At 09:14 UTC alice signed in.", ["alice"]),
        ("The APT29 signed in.", ["APT29"]),
        ("From evil.example.net.", ["evil.example.net"]),
        (r"They ran C:\Temp\x.exe.", [r"C:\Temp\x.exe"]),
        ("alice@example.com signed in from 203.0.113.99.", ["203.0.113.99"]),
        ("alice@example.com signed in from 203.0.113.", ["203.0.113"]),
        # What only the record as delivered has.
        ("From mallory@example.com at 777.", ["mallory@example.com", "777"]),
        # Verbs and nouns that no event and no vocabulary has.
        ("alice@example.com exfiltrated secrets.", ["exfiltrated", "secrets"]),
        # Numbers.
        ("These 3 events are first.", ["3"]),
        ("The events are 25.", ["25"]),
        ("At 17 of them.", ["17"]),
        ("These three events.", ["three"]),
        ("It was on a Pixel 8.", ["8"]),
        ("It was 9 of them.", ["9"]),
        ("It was on a subpixel 9.", ["subpixel", "9"]),
        ("It was 7.5 of 1,234.", ["7.5", "1,234"]),
        ("It was ٢٥٠ of \uff12.", ["٢٥٠", "\uff12"]),
        # Times.
        ("At 09:15 UTC it was.", ["09:15"]),
        ("On 2026-03-18 09:14 UTC it was.", ["2026-03-18", "09:14"]),
        ("Then at 09:26:01 UTC.", ["09:26:01"]),
        ("At 12:34 they were.", ["12:34"]),
        # Titles.
        ("This is “Ransomware detonated”.", ["Ransomware detonated", "Ransomware", "detonated"]),
        ("This is “of the second”.", ["of the second"]),
        # Denials, whatever else is true.
        ("alice@example.com was not in.", ["not"]),
        ("alice@example.com wasn't in.", ["wasn't"]),
        ("alice@example.com wasn\u2019t in.", ["wasn\u2019t"]),
        ("No event is from 203.0.113.9.", ["No"]),
        ("With it but without 203.0.113.9, never.", ["without", "never"]),
        ("It is “No way at 12:34, ٣ times”.", ["No", "12:34", "٣"]),
    ],
)
def test_free_text_that_says_more_is_refused(text: str, problems: list[str]) -> None:
    assert free(text) == problems


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12))
def test_a_word_that_nobody_knows_is_refused_wherever_it_stands(word: str) -> None:
    unknown = f"zq{word}"
    for text in (
        f"{unknown} signed in.",
        f"At 09:14 UTC {unknown}.",
        f"It is “{unknown}”.",
        f"These are {unknown}, too.",
    ):
        assert unknown in free(text)


def told(text: str, *cites: str) -> list[str]:
    found = [FINDING]
    return [one.text for one in check(text, cites or ("e1", "e2"), EVIDENCE, found, told_by=FINDING)]


def test_a_detection_tells_in_the_words_of_its_rule_what_it_counted() -> None:
    assert told(FINDING.summary) == []
    assert not unproved(Told(FINDING))
    assert told("Somebody refused 9 pushes, and accepts none.") == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mallory refused 9 pushes.", "mallory"),
        ("x-alice@example.com refused 9 pushes.", "x-alice@example.com"),
        ("Then a yes at 09:26:01 UTC.", "09:26:01"),
        ("Many pushes from 203.0.113.99.", "203.0.113.99"),
    ],
)
def test_the_names_and_times_that_it_tells_are_the_events(text: str, problem: str) -> None:
    assert told(text) == [problem]


def test_what_it_counted_stands_only_with_all_of_its_events() -> None:
    assert told("It was 7.5 km/h.") == []
    assert told("It was 7.5 km/h.", "e2") == ["7.5"]


def test_a_value_that_it_cut_is_known_by_its_ends() -> None:
    assert told("alice@exam…") == []
    assert told("mallory@exam…") == ["mallory@exam…"]
