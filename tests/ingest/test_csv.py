"""CSV with a header, as audit portals export it: each row becomes one JSON object of strings."""

import csv
import io
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.conftest import Record, framed

from watchfloor.ingest import Limits
from watchfloor.ingest.text import Text

AUDIT = {
    "CreationTime": "2026-02-03T04:05:06",
    "Operation": "New-InboxRule",
    "UserId": "alice@example.com",
    "Parameters": [{"Name": "Subject", "Value": 'a "quoted", word\nand a line'}],
}


def table(rows: list[list[str]], **dialect: Any) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, **dialect).writerows(rows)
    return out.getvalue().encode()


HEADER = ["RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData", "AssociatedAdminUnits"]


def test_unified_audit_log_export(ingest: Any) -> None:
    pretty = orjson.dumps(AUDIT, option=orjson.OPT_INDENT_2).decode()
    row = ["1", "2026-02-03T04:05:06Z", "1", "New-InboxRule", "alice@example.com", pretty, ""]
    result = ingest(table([HEADER, row, [*row[:5], "{}", ""], row]))
    assert not result.letters
    first, second, third = map(orjson.loads, result.raw)
    assert list(first) == HEADER
    assert orjson.loads(first["AuditData"]) == AUDIT
    assert second["AuditData"] == "{}"
    assert first == third
    height = pretty.count("\n")
    assert result.lines == [2, 3 + height, 4 + height]
    assert [row["ordinal"] for row in result.rows] == [0, 0, 1]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_dialects(ingest: Any, delimiter: str, quoting: Any, end: str) -> None:
    rows = [["Date (UTC)", "User ID"], ["1;,\t", 'say ""hi""'], ["", "<script>\u202e"]]
    result = ingest(table(rows, delimiter=delimiter, quoting=quoting, lineterminator=end))
    assert [list(orjson.loads(raw).values()) for raw in result.raw] == rows[1:]
    assert not result.letters


def test_powershell_export(ingest: Any) -> None:
    data = '#TYPE Selected.System.Object\r\n"Name","Id"\r\n"a","1"\r\n'.encode("utf-16")
    assert ingest(data).raw == [b'{"Name":"a","Id":"1"}']


def test_broken_rows_stand_alone(ingest: Any) -> None:
    result = ingest(b'Name,Id\na,1\nb\n"c"x,3\nd,4,5\n\ne,5\n"f,6\ng,7\n')
    assert result.raw == [b'{"Name":"a","Id":"1"}', b'{"Name":"e","Id":"5"}']
    assert result.reasons == [
        "log:3: another number of fields than the header (1, not 2)",
        "log:4: broken CSV: text beside a quoted field",
        "log:5: another number of fields than the header (3, not 2)",
        "log:8: broken CSV: a quoted field without an end",
    ]
    assert result.letters[3].raw == b'"f,6\ng,7'


def test_a_huge_field_is_bounded(ingest: Any) -> None:
    wide = b"x" * 300_000
    result = ingest(b'Name,Id\na,"' + wide + b'"\nb,"' + wide * 10 + b'"\nc,3\n', limits=Limits(record_bytes=1_000_000))
    assert [len(raw) for raw in result.raw] == [300_000 + 20, 21]
    assert result.reasons == ["log:3: longer than 1,000,000 bytes (3,000,004 bytes)"]


def test_text_with_a_comma_is_no_csv(ingest: Any) -> None:
    result = ingest(b'Feb 1 10:00:00 host app: started, ready\n{"a":1}\n')
    assert result.raw == [b"Feb 1 10:00:00 host app: started, ready", b'{"a":1}']


def test_a_header_alone(ingest: Any) -> None:
    assert ingest(b"Name,Id\n").reasons == ["log:1: no records in it"]


def test_invalid_utf8_and_nul_bytes(ingest: Any) -> None:
    assert ingest(b"Name,Id\n\xff,\0\n").raw == [b'{"Name":"\xef\xbf\xbd","Id":"\\u0000"}']


fields = st.lists(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8),
        min_size=2,
        max_size=2,
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(rows=fields, size=st.integers(1, 30))
def test_what_the_csv_module_writes_is_read(rows: list[list[str]], size: int) -> None:
    data = table([["A", "B"], *rows], lineterminator="\n")
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    found = framed(chunks, Text, Limits())
    assert all(isinstance(item, Record) for item in found)
    assert [list(orjson.loads(item.raw).values()) for item in found] == rows
