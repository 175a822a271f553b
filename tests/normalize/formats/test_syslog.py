"""The syslog envelope, as the standards have it and as devices write it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.normalize.formats.syslog import syslog_envelope

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


def envelope(line: str, now: datetime = NOW) -> tuple[dict[str, Any], str] | None:
    found = syslog_envelope(line, int(now.timestamp() * 1000))
    return found and (found.syslog, found.message)


def test_rfc_5424() -> None:
    line = (
        "<165>1 2026-03-03T09:14:15.003+01:00 mail.example.com evntslog 8710 ID47 "
        '[exampleSDID@32473 iut="3" eventSource="App \\"x\\" \\] y"][examplePriority@32473 class="high"] \ufeffAn event'
    )
    assert envelope(line) == (
        {
            "facility": 20,
            "severity": 5,
            "timestamp": "2026-03-03T09:14:15.003+01:00",
            "hostname": "mail.example.com",
            "app_name": "evntslog",
            "proc_id": "8710",
            "msg_id": "ID47",
            "structured_data": {
                "exampleSDID@32473": {"iut": "3", "eventSource": 'App "x" ] y'},
                "examplePriority@32473": {"class": "high"},
            },
        },
        "An event",
    )


def test_rfc_5424_without_anything() -> None:
    assert envelope("<0>1 - - - - - -") == ({"facility": 0, "severity": 0}, "")
    assert envelope("1 2026-03-03T09:14:15Z h a - - - text") == (
        {"timestamp": "2026-03-03T09:14:15Z", "hostname": "h", "app_name": "a"},
        "text",
    )


TIME = {"timestamp": "2026-03-03T09:14:05Z"}
PRI = {"facility": 4, "severity": 2}


@pytest.mark.parametrize(
    ("line", "found", "message"),
    [
        ("<34>Mar  3 09:14:05 web-1 su: failed", PRI | TIME | {"hostname": "web-1", "app_name": "su"}, "failed"),
        (
            "Mar  3 09:14:05 web-1 sshd[7]: failed",
            TIME | {"hostname": "web-1", "app_name": "sshd", "proc_id": "7"},
            "failed",
        ),
        ("<34>Mar  3 09:14:05 sshd[7]: failed", PRI | TIME | {"app_name": "sshd", "proc_id": "7"}, "failed"),
        (
            "<34>Mar 03 2026 09:14:05 fw-1 : %ASA-6-302013: Built",
            PRI | TIME | {"hostname": "fw-1"},
            "%ASA-6-302013: Built",
        ),
        ("<34>Mar 03 2026 09:14:05: %ASA-6-302013: Built", PRI | TIME, "%ASA-6-302013: Built"),
        ("<34>%ASA-6-302013: Built", PRI, "%ASA-6-302013: Built"),
        (
            "<34>12: *Mar  3 09:14:05.123 UTC: %SYS-5-X: y",
            PRI | {"timestamp": "2026-03-03T09:14:05.123Z"},
            "%SYS-5-X: y",
        ),
        ("<34>Mar  3 09:14:05 fw 1,2026/03/03 09:14:05,0", PRI | TIME | {"hostname": "fw"}, "1,2026/03/03 09:14:05,0"),
        ("<34>Mar  3 09:14:05 fw CEF:0|a|b|", PRI | TIME | {"hostname": "fw"}, "CEF:0|a|b|"),
        ("<34>date=2026-03-03 time=09:14:05", PRI, "date=2026-03-03 time=09:14:05"),
        (
            "2026-03-03T09:14:05.123456+00:00 web-1 sudo:    alice : TTY=pts/0",
            {"timestamp": "2026-03-03T09:14:05.123456+00:00", "hostname": "web-1", "app_name": "sudo"},
            "   alice : TTY=pts/0",
        ),
        ("<34>2026-03-03 09:14:05 web-1 app: x", PRI | TIME | {"hostname": "web-1", "app_name": "app"}, "x"),
        ("<34>1 2026-03-03T09:14:05Z web-1 app: x", PRI | TIME | {"hostname": "web-1", "app_name": "app"}, "x"),
        ("Mar  3 09:14:05 2001:db8::1 app: x", TIME | {"hostname": "2001:db8::1", "app_name": "app"}, "x"),
    ],
)
def test_what_devices_write(line: str, found: dict[str, Any], message: str) -> None:
    assert envelope(line) == (found, message)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        "<999>Mar  3 09:14:05 a b: c",
        "2026-03-03 09:14:05 INFO started: ok",
        "2026-03-03T09:14:05Z INFO started",
        "<Event>",
        "Mar 32 09:14:05 web-1 su: x",
        "192.0.2.7 - - [03/Mar/2026:09:14:05 +0000]",
    ],
)
def test_what_has_no_envelope(line: str) -> None:
    assert envelope(line) is None


@pytest.mark.parametrize(
    ("text", "now", "year"),
    [
        ("Mar  3", datetime(2026, 3, 3, tzinfo=UTC), 2026),
        ("Mar  4", datetime(2026, 3, 3, 12, tzinfo=UTC), 2026),
        ("Mar  5", datetime(2026, 3, 3, 12, tzinfo=UTC), 2025),
        ("Dec 31", datetime(2026, 1, 1, tzinfo=UTC), 2025),
        ("Jan  1", datetime(2025, 12, 31, 22, tzinfo=UTC), 2026),
        ("Jan  2", datetime(2025, 12, 31, 22, tzinfo=UTC), 2025),
        ("Feb 29", datetime(2026, 3, 3, tzinfo=UTC), 2024),
    ],
)
def test_the_year_of_a_time_without_one(text: str, now: datetime, year: int) -> None:
    found = envelope(f"{text} 09:00:00 web-1 su: x", now)
    assert found is not None
    assert found[0]["timestamp"].startswith(f"{year}-")


@given(
    month=st.sampled_from(["Jan", "Feb", "Jun", "Dec"]),
    day=st.integers(1, 28),
    hour=st.integers(0, 23),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001
)
def test_no_inferred_time_is_more_than_a_day_ahead(month: str, day: int, hour: int, now: datetime) -> None:
    now = now.replace(tzinfo=UTC)
    found = envelope(f"{month} {day:2} {hour:02}:00:00 web-1 su: x", now)
    assert found is not None
    ahead = datetime.fromisoformat(found[0]["timestamp"]) - now
    assert -367 * 86400 < ahead.total_seconds() <= 86400
