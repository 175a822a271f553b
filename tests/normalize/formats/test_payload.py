"""What a text record becomes by its structure alone."""

from typing import Any

import pytest

from watchfloor.errors import RecordError
from watchfloor.normalize.formats import read_document, read_structure, read_text

NOW = 1_772_530_000_000
HEADER = {"device_vendor": "Example", "device_product": "Wall", "device_version": "1.0"}


def structure(line: str | bytes) -> dict[str, Any] | None:
    return read_structure(read_text(line if isinstance(line, bytes) else line.encode(), NOW))


def test_json_behind_an_envelope_is_the_record() -> None:
    found = structure('<134>1 2026-03-03T09:14:05Z api app - - - {"user":"alice"}')
    syslog = {"facility": 16, "severity": 6, "timestamp": "2026-03-03T09:14:05Z", "hostname": "api", "app_name": "app"}
    assert found == {"user": "alice", "syslog": syslog}
    assert structure('<134>Mar  3 09:14:05 api app: @cee: {"user":"alice"}')["user"] == "alice"  # type: ignore[index]


def test_json_that_brings_an_envelope_of_its_own_has_the_real_one() -> None:
    found = structure('<134>Mar  3 09:14:05 api app: {"syslog":{"hostname":"forged"}}')
    assert found is not None
    assert found["syslog"]["hostname"] == "api"


def test_cef_escapes_and_labels() -> None:
    cef = (
        r"CEF:0|Example|Wall|1.0|10\|0|A \\ deny|Very-High|src=192.0.2.7 request=https://example.com/?a=1&b\=2 "
        r"msg=two\nlines and c:\\dir cs1Label=Rule Name cs1=any to any cs2Label=Empty cn1=4 name=own end=\\"
    )
    found = structure(f"<134>Mar  3 09:14:05 fw {cef}")
    assert found is not None
    assert found.pop("syslog")["hostname"] == "fw"
    assert found == HEADER | {
        "cef_version": "0",
        "device_event_class_id": "10|0",
        "name": "A \\ deny",
        "severity": "Very-High",
        "src": "192.0.2.7",
        "request": "https://example.com/?a=1&b=2",
        "msg": "two\nlines and c:\\dir",
        "cs1Label": "Rule Name",
        "cs1": "any to any",
        "cs2Label": "Empty",
        "cn1": "4",
        "extension_name": "own",
        "end": "\\",
        "labels": {"Rule Name": "any to any"},
    }


@pytest.mark.parametrize("text", ["CEF:0|a|b|c|d|e", "CEF:x|a|b|c|d|e|f|", "CEF:0|a|b|c|d|e\\|f|"])
def test_a_cef_header_that_is_cut_off_is_text(text: str) -> None:
    assert structure(text) is None


def test_cef_without_an_extension() -> None:
    assert structure("CEF:0|Example|Wall|1.0|1|n|5|") == HEADER | {
        "cef_version": "0",
        "device_event_class_id": "1",
        "name": "n",
        "severity": "5",
    }


@pytest.mark.parametrize("delimiter", ["^|", "x5E|", "0x5e|"])
def test_leef_with_a_delimiter(delimiter: str) -> None:
    assert structure(
        f"LEEF:2.0|Example|Wall|1.0|deny|{delimiter}src=192.0.2.7^url=https://example.com/?a=b^x"
    ) == HEADER | {
        "leef_version": "2.0",
        "event_id": "deny",
        "src": "192.0.2.7",
        "url": "https://example.com/?a=b",
    }


def test_leef_between_tabs() -> None:
    for head in (
        "LEEF:1.0|Example|Wall|1.0|deny|",
        "LEEF:2.0|Example|Wall|1.0|deny|",
        "LEEF:2.0|Example|Wall|1.0|deny||",
    ):
        found = structure(f"{head}src=192.0.2.7\tusrName=a b")
        assert found is not None
        assert (found["src"], found["usrName"]) == ("192.0.2.7", "a b")


def test_pairs() -> None:
    assert structure('<189>date=2026-03-03 devname="a \\"b\\" c" msg="" srcip=192.0.2.7 url="x=1 srcip=forged"') == {
        "date": "2026-03-03",
        "devname": 'a "b" c',
        "msg": "",
        "srcip": "192.0.2.7",
        "url": "x=1 srcip=forged",
        "syslog": {"facility": 23, "severity": 5},
    }
    assert structure("a=1, b=2, c=3; ok") == {"a": "1", "b": "2", "c": "3", "ok": True}
    assert structure("a=1 b=2 c=3 a=4") == {"a": "1", "b": "2", "c": "3"}
    assert structure('a=1 b=2 c="no end') == {"a": "1", "b": "2", "c": "no end"}


@pytest.mark.parametrize("text", ["", "a=1 b=2", "hello a=1 b=2 c=3", "a=1 b=2 c=3 (and more)", "=1 a=1 b=2 c=3"])
def test_text_with_some_pairs_in_it_is_text(text: str) -> None:
    assert structure(text) is None


def test_what_is_no_utf8_keeps_its_difference() -> None:
    assert read_text(b"Jos\xe9", NOW).plain == {"message": "Jos\\xe9"}


EVENT = (
    b"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='P' Guid='{1}'/>"
    b"<EventID Qualifiers='0'>4624</EventID><TimeCreated SystemTime='2026-03-03T09:14:05.1Z'/><Computer>ws-1</Computer>"
    b"</System><EventData Name='T'><Data Name='A'>1 &amp; 2</Data><Data Name='B'/><Data>x</Data><Data>y</Data>"
    b"</EventData></Event>"
)


def test_an_event_as_xml() -> None:
    assert read_document(EVENT) == {
        "Event": {
            "System": {
                "Provider": {"#attributes": {"Name": "P", "Guid": "{1}"}},
                "EventID": {"#attributes": {"Qualifiers": "0"}, "#text": 4624},
                "TimeCreated": {"#attributes": {"SystemTime": "2026-03-03T09:14:05.1Z"}},
                "Computer": "ws-1",
            },
            "EventData": {"#attributes": {"Name": "T"}, "A": "1 & 2", "B": None, "Data": ["x", "y"]},
        }
    }
    found = structure(b"<13>Mar  3 09:14:05 ws-1 " + EVENT)
    assert found is not None
    assert found["syslog"]["hostname"] == "ws-1"


@pytest.mark.parametrize(
    "raw",
    [
        b"<Event>",
        b"<Event></Even>",
        b"<Event>" * 100_000,
        b"<Event>" + b"<a/>" * 100_000 + b"</Event>",
        b"<Event>" + b"x" * (5 << 20) + b"</Event>",
        b'<Event ><!DOCTYPE x [<!ENTITY a "b">]>&a;</Event>',
        b"<Event>&a;</Event>",
    ],
)
def test_hostile_xml_is_a_record_error(raw: bytes) -> None:
    with pytest.raises(RecordError):
        read_document(raw)


def test_control_characters_in_xml_cost_nothing() -> None:
    found = read_document(b"<Event><EventData><Data Name='A'>x\x00&#x1;&#1;y</Data></EventData></Event>")
    assert found == {"Event": {"EventData": {"A": "x\ufffd\ufffd\ufffdy"}}}
