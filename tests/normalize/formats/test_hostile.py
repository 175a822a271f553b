"""Each parser on what attackers write: an object or a RecordError, in bounded time."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchfloor.errors import RecordError
from watchfloor.normalize.formats import read_document, read_structure, read_text
from watchfloor.normalize.formats.cef import read_cef
from watchfloor.normalize.formats.event_xml import read_event
from watchfloor.normalize.formats.leef import read_leef
from watchfloor.normalize.formats.message import read_message
from watchfloor.normalize.formats.pairs import read_pairs
from watchfloor.normalize.formats.syslog import syslog_envelope

NOW = 1_772_530_000_000
SECONDS = 2.0
MIB = 1 << 20

PARSERS: dict[str, Callable[[str], Any]] = {
    "syslog": lambda text: syslog_envelope(text, NOW),
    "cef": read_cef,
    "leef": read_leef,
    "pairs": read_pairs,
    "xml": read_event,
    "mail": lambda text: read_message(text.encode("utf-8", "surrogatepass")),
}

FRAGMENTS = st.sampled_from(
    [
        *(
            "<34>",
            "<",
            ">",
            "1 ",
            "-",
            " ",
            "  ",
            "Mar  3 09:14:05 ",
            "2026-03-03T09:14:05Z ",
            "host ",
            "su: ",
            "sshd[1]: ",
        ),
        *(
            '[a b="c"]',
            "[",
            "]",
            '"',
            "\\",
            '\\"',
            "=",
            "a=",
            "a=b",
            " k=",
            "|",
            "CEF:0|",
            "LEEF:2.0|",
            "x5E|",
            "^",
            "\t",
        ),
        *(
            "{",
            "}",
            '{"a":1}',
            "\n",
            "\r\n",
            "\n\n",
            "\0",
            "\u202e",
            "é",
            "Label=",
            "cs1Label=x cs1=y ",
            ",",
            ";",
            "@cee:",
        ),
        *("<Event>", "</Event>", "<Data Name='a'>", "</Data>", "&amp;", "&#0;", "<!--", "<System>", "]]>", "<![CDATA["),
        *("From: a@example.com\n", "To: ", "Subject: =?utf-8?q?=41?=\n", "Content-Type: multipart/mixed; boundary=b\n"),
        *(
            "--b\n",
            "--b--\n",
            "Content-Type: message/rfc822\n",
            "Content-Transfer-Encoding: base64\n",
            "Received: from [1.2.3.4]",
        ),
        *(
            "=?punycode?b?AAAA?=",
            "Date: Tue, 99 Foo 2026 99:99:99 +9999\n",
            "charset=zlib",
            "filename*=utf-8''%ff",
            "(" * 30,
        ),
    ]
)


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=400, deadline=None)
@given(text=st.lists(FRAGMENTS, max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_is_an_object_or_a_record_error(name: str, text: str) -> None:
    with suppress(RecordError):
        PARSERS[name](text)


@settings(max_examples=300, deadline=None)
@given(raw=st.lists(FRAGMENTS.map(str.encode) | st.binary(max_size=8), max_size=40).map(b"".join))
def test_any_bytes(raw: bytes) -> None:
    with suppress(RecordError):
        if read_document(raw) is None:
            text = read_text(raw, NOW)
            assert isinstance(read_structure(text) or text.plain, dict)


LONG = {
    "spaces": " " * MIB,
    "quotes": '"' * MIB,
    "an open quote": 'a="' + "x" * MIB,
    "backslashes": "a=" + "\\" * MIB,
    "pairs": "a=b " * 100_000,
    "different pairs": "".join(f"k{number}=v " for number in range(100_000)),
    "quoted pairs": 'a="b" ' * 100_000,
    "keys": "a " * (MIB // 2),
    "equals signs": "a=" + "=" * MIB,
    "brackets": "<34>1 - - - - - " + "[" * MIB,
    "elements": "<34>1 - - - - - " + '[a b="c"]' * 100_000,
    "parameters": "<34>1 - - - - - [a" + ' b="c"' * 100_000,
    "an open parameter": '<34>1 - - - - - [a b="' + "x\\\\" * (MIB // 3),
    "a host": "<34>Mar  3 09:14:05 " + "x" * MIB,
    "a tag": "<34>Mar  3 09:14:05 h " + "x" * MIB + ": ",
    "numbers": "<34>" + "1" * MIB,
    "a CEF header": "CEF:0|" + "a" * MIB,
    "a CEF header of escapes": "CEF:0|" + "\\|" * (MIB // 2),
    "a CEF of pairs": "CEF:0|a|b|c|d|e|5|" + "k=v " * 100_000,
    "a CEF of spaces": "CEF:0|a|b|c|d|e|5|k=" + " " * MIB,
    "a CEF of escapes": "CEF:0|a|b|c|d|e|5|k=" + "\\=" * (MIB // 2),
    "a CEF that ends with a backslash": "CEF:0|a|b|c|d|e|5|k=" + "x" * MIB + "\\",
    "a CEF of equals signs": "CEF:0|a|b|c|d|e|5|k=" + "=" * MIB,
    "CEF over and over": "CEF:0|" * (MIB // 6),
    "a LEEF of tabs": "LEEF:1.0|a|b|c|d|" + "\t" * MIB,
    "a LEEF of pairs": "LEEF:1.0|a|b|c|d|" + "k=v\t" * 100_000,
    "JSON brackets": "{" * MIB,
    "NULs": "\0" * MIB,
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_line_takes_little_time(name: str) -> None:
    for line in (LONG[name], "<34>Mar  3 09:14:05 h app: " + LONG[name], "x" + LONG[name]):
        begin = time.process_time()
        with suppress(RecordError):
            read_structure(read_text(line.encode(), NOW))
        assert time.process_time() - begin < SECONDS


HEAD = b"From: a@example.com\nTo: b@example.com\nDate: Tue, 3 Mar 2026 09:00:00 +0000\n"


def nested(depth: int) -> bytes:
    parts = (f"Content-Type: multipart/mixed; boundary=b{number}\n\n--b{number}\n".encode() for number in range(depth))
    return HEAD + b"".join(parts) + b"Content-Type: text/plain\n\nx\n"


MAILS = {
    "headers": HEAD + b"X-A: b\n" * 200_000 + b"\nx",
    "a header": HEAD + b"Subject: " + b"x" * 8 * MIB + b"\n\nx",
    "a folded header": HEAD + b"Subject: x\n" + b" x\n" * 100_000 + b"\nx",
    "addresses": HEAD + b"Cc: " + b"a@example.com, " * 20_000 + b"\n\nx",
    "comments": HEAD + b"Cc: " + b"(" * 30_000 + b"\n\nx",
    "quotes": HEAD + b"Cc: " + b'"' * 30_000 + b"\n\nx",
    "groups": HEAD + b"Cc: " + b"a:;<" * 8_000 + b"\n\nx",
    "encoded words": HEAD + b"Subject: " + b"=?utf-8?b?QQ==?= " * 6_000 + b"\n\nx",
    "open words": HEAD + b"Subject: " + b"=?" * 15_000 + b"\n\nx",
    "parameters": HEAD + b"Content-Type: text/plain" + b"; a=b" * 20_000 + b"\n\nx",
    "continued parameters": HEAD
    + b"Content-Type: text/plain; "
    + b"; ".join(b"n*%d=x" % n for n in range(20_000))
    + b"\n\nx",
    "nesting": nested(60),
    "a nested bomb": nested(100_000),
    "nested messages": HEAD + b"Content-Type: message/rfc822\n\n" * 100_000,
    "parts": HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 10_000,
    "many parts": HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 1_000_000,
    "lines": HEAD + b"\n" + b"\n" * 8_000_000,
    "tags": HEAD + b"Content-Type: text/html\n\n" + b"<" * 4 * MIB,
    "styles": HEAD + b"Content-Type: text/html\n\n" + b"<style>" * 500_000,
    "links": HEAD + b"\n" + b"https://example.com/ " * 200_000,
    "a link": HEAD + b"\nhttps://" + b"a" * 4 * MIB,
    "punycode": HEAD + b"Content-Type: text/plain; charset=punycode\n\n" + b"a-" * MIB,
    "broken base64": HEAD + b"Content-Transfer-Encoding: base64\nContent-Type: application/zip\n\n" + b"=A" * 4 * MIB,
    "received": HEAD + b"Received: from a by b; x\n" * 15_000 + b"\nx",
    "results": HEAD + b"Authentication-Results: " + b"spf=" * 50_000 + b"\n\nx",
}


@pytest.mark.parametrize("name", MAILS)
def test_a_hostile_mail_takes_little_time(name: str) -> None:
    begin = time.process_time()
    with suppress(RecordError):
        assert len(str(read_document(MAILS[name]))) < 4 * MIB
    assert time.process_time() - begin < SECONDS
