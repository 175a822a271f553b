"""Messages in, messages out, however the bytes are cut; hostile bytes cost bounded memory."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchfloor.ingest.inputs.syslog_framing import AnyFraming

MOST = 200
MESSAGE = st.binary(max_size=80).map(lambda tail: b"<34>1 " + tail)


def framed(data: bytes, cuts: list[int] | None = None) -> tuple[list[bytes], Counter[str]]:
    dropped: Counter[str] = Counter()
    framing = AnyFraming(MOST, lambda reason: dropped.update([reason]))
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts or []), len(data)]
    messages: list[bytes] = []
    for start, end in itertools.pairwise(edges):
        messages += framing.feed(data[start:end])
        if framing.broken:
            dropped[framing.broken] += 1
            return messages, dropped
    return messages + framing.close(), dropped


CUTS = st.lists(st.integers(0, 10_000), max_size=20)


@given(st.lists(MESSAGE, min_size=1), CUTS)
def test_counted_octets_are_read_however_they_are_cut(messages: list[bytes], cuts: list[int]) -> None:
    data = b"".join(b"%d %s" % (len(message), message) for message in messages)
    assert framed(data, cuts) == (messages, Counter())


@given(st.lists(MESSAGE.filter(lambda one: b"\n" not in one and one[-1:] not in {b"\r", b"\0"}), min_size=1), CUTS)
def test_lines_are_read_however_they_are_cut(messages: list[bytes], cuts: list[int]) -> None:
    assert framed(b"\n".join(messages) + b"\n", cuts) == (messages, Counter())
    assert framed(b"\r\n".join(messages), cuts) == (messages, Counter())


@given(st.binary(max_size=2000), CUTS)
def test_any_bytes_give_the_same_however_they_are_cut_and_no_message_over_the_limit(
    data: bytes, cuts: list[int]
) -> None:
    messages, dropped = framed(data)
    assert framed(data, cuts) == (messages, dropped)
    assert all(0 < len(message) <= MOST for message in messages)


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        (b"<13>Jan  1 00:00:00 host app: text\n<13>next\n", [b"<13>Jan  1 00:00:00 host app: text", b"<13>next"]),
        (b"2026-01-01T00:00:00Z host without priority\n", [b"2026-01-01T00:00:00Z host without priority"]),
        (b"404 not counted\n", [b"404 not counted"]),
        (b"7 <1>1 ab\n6 <1>1 a\0", [b"<1>1 ab", b"<1>1 a"]),
        (b"9 <1>\n\n<1>\n", [b"<1>\n\n<1>\n"]),
        (b"\n\n<1>a\n\n\0\r\n<1>b", [b"<1>a", b"<1>b"]),
        (b"<1>\xff\xfe \0 inside\n", [b"<1>\xff\xfe \0 inside"]),
        (b"12", [b"12"]),
        (b"", []),
    ],
)
def test_what_senders_do(data: bytes, messages: list[bytes]) -> None:
    assert framed(data) == (messages, Counter())


def test_a_message_over_the_limit_is_left_out_and_the_next_one_is_read() -> None:
    long = b"<1>" + b"a" * MOST
    for data in (b"%d %s6 <1>abc" % (len(long), long), long + b"\n<1>abc\n"):
        for step in (1, 7, 1000):
            assert framed(data, list(range(0, len(data), step))) == (
                [b"<1>abc"],
                Counter({f"longer than {MOST} bytes": 1}),
            )


@pytest.mark.parametrize("garbage", [b"0 <1>a", b"<1>a", b"9999999999 <1>a", b"-3 <1>a", b" 3 <1>"])
def test_a_count_that_is_none_ends_the_connection(garbage: bytes) -> None:
    for cuts in ([], list(range(20))):
        assert framed(b"4 <1>a" + garbage, cuts) == ([b"<1>a"], Counter({"no count where a message should begin": 1}))


def test_a_line_without_end_is_not_kept() -> None:
    dropped: list[str] = []
    framing = AnyFraming(MOST, dropped.append)
    for _ in range(1000):
        assert framing.feed(b"a" * 1000) == []
    assert framing.feed(b"\n<1>b\n") == [b"<1>b"]
    assert dropped == [f"longer than {MOST} bytes"]


def test_a_count_without_end_is_not_waited_for_in_memory() -> None:
    dropped: list[str] = []
    framing = AnyFraming(MOST, dropped.append)
    for _ in range(100):
        assert framing.feed(b"999999999 <1>" + b"a" * 1000) == []
    assert dropped == [f"longer than {MOST} bytes"]
    assert framing.pending
