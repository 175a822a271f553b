"""The lines of one event of the Linux audit daemon are one record, in files that begin with such a line."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.conftest import Record, framed

from watchfloor.ingest import Limits
from watchfloor.ingest.text import Text


def line(kind: str, serial: int, rest: str = "a=1", node: str = "") -> bytes:
    return f"{node}type={kind} msg=audit(1772529245.123:{serial}): {rest}".encode()


CALL, WHERE, OTHER = line("SYSCALL", 1), line("CWD", 1, 'cwd="/"'), line("USER_CMD", 2)


def test_lines_of_an_event_are_one_record(ingest: Any) -> None:
    result = ingest(b"\n".join([CALL, WHERE, OTHER, line("SYSCALL", 3), line("EXECVE", 3)]))
    assert result.raw == [CALL + b"\n" + WHERE, OTHER, line("SYSCALL", 3) + b"\n" + line("EXECVE", 3)]
    assert result.lines == [1, 3, 4]
    assert not result.letters


def test_lines_that_are_apart_stay_apart(ingest: Any) -> None:
    lines = [CALL, OTHER, WHERE, b"something else", CALL]
    assert ingest(b"\n".join(lines)).raw == lines


def test_another_machine_or_time_is_another_event(ingest: Any) -> None:
    later, elsewhere = WHERE.replace(b"245.123", b"245.124"), b"node=web-2 " + WHERE
    assert ingest(b"\n".join([CALL, later])).raw == [CALL, later]
    assert ingest(b"\n".join([CALL, elsewhere])).raw == [CALL, elsewhere]


def test_what_is_no_audit_line_is_read_as_lines_are(ingest: Any) -> None:
    lines = [CALL, WHERE, b'{"a":1}', b'{"cut', WHERE]
    result = ingest(b"\n".join(lines))
    assert result.raw == [CALL + b"\n" + WHERE, b'{"a":1}', WHERE]
    assert result.reasons == ["log:4: broken JSON: the line ends inside a record"]


def test_a_file_that_begins_otherwise_has_a_record_a_line(ingest: Any) -> None:
    lines = [b"Mar  3 09:14:05 web-1 sshd[7]: hello", CALL, WHERE]
    assert ingest(b"\n".join(lines)).raw == lines


def test_an_event_is_no_longer_than_a_record_may_be(ingest: Any) -> None:
    many = [line("PATH", 1, f"item={number:03}") for number in range(700)]
    assert [len(raw.splitlines()) for raw in ingest(b"\n".join(many)).raw] == [256, 256, 188]
    short = ingest(b"\n".join(many[:4]), limits=Limits(record_bytes=2 * len(many[0]) + 1))
    assert [len(raw.splitlines()) for raw in short.raw] == [2, 2]


@given(
    st.lists(st.sampled_from([CALL, WHERE, OTHER, b"", b"x", b'{"a":1}', b"type=", b"\xff"]), min_size=1, max_size=12),
    st.lists(st.integers(0, 2000), max_size=8),
)
def test_however_the_bytes_are_cut_the_same_records_come_out(lines: Sequence[bytes], at: Sequence[int]) -> None:
    data = b"\n".join([CALL, *lines])
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    whole = framed([data], Text, Limits())
    assert framed([data[start:end] for start, end in pairwise(places)], Text, Limits()) == whole
    kept = [one for one in whole if isinstance(one, Record)]
    assert [one for record in kept for one in record.raw.split(b"\n")] == [
        text for text in data.split(b"\n") if text.strip()
    ]
