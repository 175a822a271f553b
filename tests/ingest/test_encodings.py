"""Byte order marks and UTF-16, as PowerShell writes it."""

from pathlib import Path
from typing import Any

import pytest

RECORDS = ['{"user":"alice","note":"\u00e9 \U0001f600 <\u202e>"}', '{"b":2}']


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["\r\n".join(RECORDS), f"[\n{RECORDS[0]},\n{RECORDS[1]}]"])
def test_the_same_records_in_any_encoding(ingest: Any, codec: str, text: str) -> None:
    result = ingest(text.encode(codec))
    assert result.raw == [record.encode() for record in RECORDS]
    assert not result.letters


def test_utf16_with_a_byte_order_mark_of_either_kind(ingest: Any) -> None:
    assert ingest(b"\xfe\xff" + RECORDS[1].encode("utf-16-be")).raw == [b'{"b":2}']
    assert ingest(b"\xff\xfe" + RECORDS[1].encode("utf-16-le")).raw == [b'{"b":2}']


def test_broken_utf16_is_replaced(ingest: Any) -> None:
    text = '{"a":"'.encode("utf-16-le") + b"\x00\xd8" + '"}\n{"b":2}\n'.encode("utf-16-le") + b"x"
    result = ingest(text)
    assert result.raw == ['{"a":"\ufffd"}'.encode(), b'{"b":2}', "\ufffd".encode()]
    assert not result.reasons


def test_a_mark_inside_an_appended_file(ingest: Any) -> None:
    assert ingest(b'{"a":1}\n\xef\xbb\xbf{"b":2}\n').raw == [b'{"a":1}', b'{"b":2}']


def test_only_a_mark(ingest: Any) -> None:
    assert ingest(b"\xef\xbb\xbf").reasons == ["log:1: no records in it"]


def test_utf16_chunks_cut_characters(ingest: Any) -> None:
    record = '{"a":"' + "\U0001f600" * 400_000 + '"}'
    Path("log").write_bytes(b"\xff\xfe" + ("x" + record[1:] + "\n" + record).encode("utf-16-le"))
    assert ingest("log").raw == [("x" + record[1:]).encode(), record.encode()]
