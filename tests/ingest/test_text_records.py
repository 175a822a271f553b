"""Records that are no JSON: lines of text, rows below the names of their columns, events as XML, mail."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.conftest import Record, framed

from watchfloor.ingest import Limits
from watchfloor.ingest.text import Text

LINES = [
    b"Mar  3 09:14:05 web-1 sshd[7]: hello",
    b"  indented\t",
    b"<34>1 - - - - - x",
    b"Z\xc3\xbcrich \xff",
    b"a,b c,d",
]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_each_line_of_text_is_a_record_with_its_bytes(ingest: Any, end: bytes) -> None:
    result = ingest(end.join(LINES))
    assert result.raw == LINES
    assert result.lines == [1, 2, 3, 4, 5]
    assert not result.letters


def test_text_and_json_mix(ingest: Any) -> None:
    lines = [LINES[0], b'{"a":1}', LINES[0], b'{"cut', b'{"b":2}', b"[1] not JSON"]
    result = ingest(b"\n".join(lines))
    assert result.raw == [lines[0], lines[1], lines[2], lines[4], lines[5]]
    assert result.reasons == ["log:4: broken JSON: the line ends inside a record"]


def test_a_bracket_that_somebody_wrote_into_a_log_does_not_hide_what_follows(ingest: Any) -> None:
    lines = [LINES[0]] * 20 + [b"{", b"[", b"[{", b'{"'] + [LINES[0]] * 3
    result = ingest(b"\n".join(lines))
    assert result.raw == lines
    assert not result.letters


def test_control_characters_do_not_make_a_line_unreadable(ingest: Any) -> None:
    lines = [b"Mar  3 09:14:05 web-1 sshd[7]: \0\x01 hello", b"x" * 50 + b"\0\xff", b"\x1b[31mred\x1b[0m"]
    assert ingest(b"\n".join(lines)).raw == lines


def test_a_line_that_is_too_long_costs_itself(ingest: Any) -> None:
    result = ingest(b"a" * 30 + b"\nb\n" + b"c" * 21 + b"\n", limits=Limits(record_bytes=20))
    assert result.raw == [b"b"]
    assert [reason.split(" (")[0] for reason in result.reasons] == [
        "log:1: longer than 20 bytes",
        "log:3: longer than 20 bytes",
    ]


ZEEK = (
    b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    b"#open\t2026-03-03-09-00-00\n"
    b"#fields\tts\tuid\tid.orig_h\tid.orig_p\tservice\tduration\tlocal_orig\ttunnel_parents\tua\n"
    b"#types\ttime\tstring\taddr\tport\tstring\tinterval\tbool\tset[string]\tstring\n"
    b"1772528400.5\tC1\t192.0.2.7\t51234\t-\t0.25\tT\t(empty)\ta\\x09b\\x5cc\n"
    b"1772528401.5\tC2\t192.0.2.7\tx\t(empty)\t-\tF\tA,B\t-\n"
    b"short\n#close\t2026-03-03-10-00-00\n"
)


def test_zeek_rows_become_objects_of_typed_values(ingest: Any) -> None:
    result = ingest(ZEEK)
    assert [orjson.loads(raw) for raw in result.raw] == [
        {
            "_path": "conn",
            "ts": 1772528400.5,
            "uid": "C1",
            "id.orig_h": "192.0.2.7",
            "id.orig_p": 51234,
            "duration": 0.25,
            "local_orig": True,
            "tunnel_parents": [],
            "ua": "a\tb\\c",
        },
        {
            "_path": "conn",
            "ts": 1772528401.5,
            "uid": "C2",
            "id.orig_h": "192.0.2.7",
            "id.orig_p": "x",
            "service": "",
            "local_orig": False,
            "tunnel_parents": ["A", "B"],
        },
    ]
    assert result.lines == [9, 10]
    assert result.reasons == ["log:11: another number of fields than the header (1, not 9)"]


W3C = (
    b"#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2026-03-03 09:00:00\r\n"
    b"#Fields: time c-ip cs(User-Agent) sc-status\r\n09:14:05 192.0.2.7 Mozilla/5.0+(X) 200\r\n"
    b'09:14:06 - "curl ""8"" x" 404\r\n#Fields: date time\r\n2026-03-04 00:00:00\r\n'
)


def test_w3c_rows(ingest: Any) -> None:
    assert [orjson.loads(raw) for raw in ingest(W3C).raw] == [
        {
            "time": "09:14:05",
            "c-ip": "192.0.2.7",
            "cs(User-Agent)": "Mozilla/5.0+(X)",
            "sc-status": "200",
            "date": "2026-03-03",
        },
        {"time": "09:14:06", "cs(User-Agent)": 'curl "8" x', "sc-status": "404", "date": "2026-03-03"},
        {"date": "2026-03-04", "time": "00:00:00"},
    ]


FLOW = b"version account-id interface-id srcaddr\n2 123456789012 eni-1 192.0.2.7\n\n2 123456789012 eni-1 -\nNODATA x\n"


def test_rows_below_names_between_blanks(ingest: Any) -> None:
    result = ingest(FLOW)
    first = {"version": "2", "account-id": "123456789012", "interface-id": "eni-1"}
    assert [orjson.loads(raw) for raw in result.raw[:2]] == [first | {"srcaddr": "192.0.2.7"}, first]
    assert result.raw[2] == b"NODATA x"


@pytest.mark.parametrize("rest", [b"", b"\nand more text\n", b"\nfour words but none\n", b'\n{"a":1}\n'])
def test_a_line_of_words_is_no_header(ingest: Any, rest: bytes) -> None:
    line = b"all is well-known here"
    assert ingest(line + rest).raw == [line, *filter(None, [rest.strip()])]


EVENT = b'<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">\r\n  <System/>\r\n</Event>'


@pytest.mark.parametrize(
    ("head", "between", "tail"),
    [
        (b"", b"", b""),
        (b"", b"\r\n", b"\r\n"),
        (b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\n<Events>\n', b"\n<!-- a -->\n", b"</Events>"),
        (b"<Events xmlns='x'>", b"\n", b"</Events>\n"),
    ],
)
def test_xml_events_are_records_over_many_lines(ingest: Any, head: bytes, between: bytes, tail: bytes) -> None:
    result = ingest(head + between.join([EVENT] * 3) + tail)
    assert result.raw == [EVENT] * 3
    start = 1 + head.count(b"\n")
    assert result.lines == [start, start + 2 + between.count(b"\n"), start + 4 + 2 * between.count(b"\n")]
    assert not result.letters


def test_a_broken_xml_event_costs_itself(ingest: Any) -> None:
    result = ingest(EVENT + b"\n<Event><cut>\n" + EVENT + b"\nnoise\n" + EVENT + b"\n<Event>")
    assert result.raw == [EVENT] * 3
    assert result.reasons == [
        "log:4: XML event without an end",
        "log:8: not an XML event",
        "log:12: XML event without an end",
    ]


def test_an_xml_event_that_is_too_long(ingest: Any) -> None:
    long = b"<Event>" + b"x" * 500 + b"</Event>"
    result = ingest(EVENT + long + EVENT, limits=Limits(record_bytes=200))
    assert result.raw == [EVENT, EVENT]
    assert result.reasons == ["log:3: longer than 200 bytes"]


def test_xml_in_utf16(ingest: Any) -> None:
    assert ingest(EVENT.decode().encode("utf-16-le")).raw == [EVENT]
    assert ingest(EVENT.decode().encode("utf-16")).raw == [EVENT]


MAIL = (
    b"Received: from a.example.com (a.example.com [192.0.2.7])\r\n"
    b"\tby mx.example.net; Tue, 3 Mar 2026 09:14:05 +0000\r\n"
    b"From: Alice <alice@example.com>\r\nSubject: {\r\n\r\n{\r\n[{\r\n--\r\nFrom here on, text\r\n"
)


def test_a_mail_is_one_record(ingest: Any) -> None:
    (row,) = ingest(MAIL).rows
    assert (row["raw"], row["line"]) == (MAIL, 1)


def test_a_mailbox_has_a_record_for_each_mail(ingest: Any) -> None:
    mail = b"From alice@example.com Tue Mar  3 09:14:05 2026\n" + MAIL.replace(b"\r\n", b"\n")
    result = ingest(b"\n".join([mail, mail, mail]))
    assert [raw.rstrip() for raw in result.raw] == [mail.rstrip()] * 3
    assert result.lines == [1, 12, 23]


@pytest.mark.parametrize(
    "data", [b"Date: today\nall is well\n", b"From: me\nto: you\n", b"Subject: x\n\ny\n", b"From x\n"]
)
def test_lines_that_begin_like_a_mail(ingest: Any, data: bytes) -> None:
    assert ingest(data).raw == [line for line in data.splitlines() if line]


def test_a_mail_that_is_too_long(ingest: Any) -> None:
    result = ingest(MAIL + b"x" * 2000, limits=Limits(record_bytes=1000))
    assert not result.raw
    assert result.reasons == ["log:1: longer than 1,000 bytes"]


PIECES = st.sampled_from(
    [
        *(line for text in (ZEEK, W3C, FLOW, MAIL, EVENT) for line in text.splitlines(keepends=True)),
        *(b"<Event>", b"</Event>", b"<Events>", b"<?xml ?>", b"x" * 300, b"\n", b"\n\n", b"From a@b.c 2026\n", b"{"),
        b'{"a":1}\n',
    ]
)
WHOLE = st.sampled_from([ZEEK, W3C, FLOW, MAIL, EVENT, b"<Events>", b"From a@example.com 2026\n" + MAIL])


@settings(max_examples=400, deadline=None)
@given(
    head=WHOLE,
    pieces=st.lists(PIECES | st.binary(max_size=3), max_size=12),
    at=st.lists(st.integers(0, 5000), max_size=12),
    limit=st.sampled_from([60, 400, 1 << 20]),
)
def test_any_text_however_cut(head: bytes, pieces: Sequence[bytes], at: list[int], limit: int) -> None:
    data = head + b"".join(pieces)
    limits = Limits(record_bytes=limit)
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    found = framed([data[start:end] for start, end in pairwise(places)], Text, limits)
    assert found == framed([data], Text, limits)
    assert all(len(item.raw) <= 4 * limit for item in found if isinstance(item, Record))
