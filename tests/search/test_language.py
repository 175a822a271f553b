"""The language against a naive evaluator: any query gives the rows that it should, or says what is wrong with it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.search.conftest import ADDRESSES, HASH, HOSTILE, NOW, Filled
from tests.search.oracle import evaluate

from watchfloor.errors import InputError
from watchfloor.search import Searcher, parse
from watchfloor.search.engine import Found
from watchfloor.store.lake import Lake


def found(filled: Filled, text: str, limit: int | None = None) -> list[dict[str, Any]]:
    result: Found = filled.searcher.search(parse(text), limit=limit)
    return [dict(zip(result.names, row, strict=True)) for row in result.rows]


def agree(filled: Filled, text: str) -> list[dict[str, Any]]:
    """The rows of a query, which are those that the evaluator gives."""
    got = found(filled, text)
    expected = evaluate(parse(text), filled.rows, NOW)
    assert got == expected, text
    return got


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


WORDS = st.sampled_from(
    ["alice", "ALI", "a*b", "*li?e", "x", "50%_x", "☃", "é*", "i̇x", "İX", "user", "n", "0", r"c:\users*"]
)
VALUES = st.one_of(WORDS, st.sampled_from(HOSTILE).map(quoted), st.text(max_size=6).map(quoted))
SIGNS = st.sampled_from([">", ">=", "<", "<="])


def comparing(fields: list[str], operators: Any, values: Any) -> Any:
    one = st.builds("{}{}{}".format, st.sampled_from(fields), operators, values)
    several = st.builds(
        lambda field, some: f"{field}:({' OR '.join(some)})",
        st.sampled_from(fields),
        st.lists(values, min_size=1, max_size=3),
    )
    return one | several


EQUAL = st.sampled_from([":", "=", "!="])
TEXTS = comparing(
    [
        "actor.user.name",
        "user",
        "process.cmd_line",
        "source",
        "raw",
        "unmapped.Data.Name",
        "rest.odd.key.in",
        "unmapped.Data.list[]",
        "tags",
    ],
    EQUAL,
    VALUES,
)
NETWORKS = st.sampled_from(
    [
        "192.0.2.0/24",
        "192.0.2.0/25",
        "0.0.0.0/0",
        "192.0.2.7/32",
        "198.51.100.0/22",
        "2001:db8::/32",
        "::/0",
        "2001:db8::2/127",
    ]
)
LEAVES = st.one_of(
    TEXTS,
    st.builds(
        "{}{}{}".format, st.sampled_from(["actor.user.name", "source"]), SIGNS, st.sampled_from(HOSTILE).map(quoted)
    ),
    comparing(["ip", "src_endpoint.ip", "dst_endpoint.ip"], EQUAL, NETWORKS | st.sampled_from(ADDRESSES).map(quoted)),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["severity_id", "class_uid", "src_endpoint.location.lat"]),
        EQUAL | SIGNS,
        st.sampled_from(["0", "3", "-1", "3002", "2.5", "1e3", "99999999999999"]),
    ),
    st.builds("{}{}{}".format, st.sampled_from(["rest.risk_score", "unmapped.Data.n"]), SIGNS, st.integers(-1, 60)),
    st.builds("is_mfa{}{}".format, EQUAL, st.sampled_from(["true", "False"])),
    st.builds(
        "time{}{}".format,
        EQUAL | SIGNS,
        st.sampled_from(
            ["12h", "now-1d", "2026-09-20", "2026-09-21T09", "2026-09-21T10:13:20Z", str(NOW - 7_200_014), "now"]
        ),
    ),
    st.builds("entity{}{}".format, EQUAL, WORDS | st.sampled_from(["user:alice", "HOST:ws-1", "ws-?", '"host:ws-2"'])),
    st.sampled_from([f"hash:{HASH}", f"hash={HASH.upper()}", f"hash:{'f' * 64}", f'hash:"{"0" * 32}"']),
    st.sampled_from(
        [
            "exists(is_mfa)",
            "user.name:*",
            "exists(user)",
            "exists(tags)",
            "tags:*crown",
            "rest:*",
            "exists(rest.risk_score)",
            "exists(unmapped.Data.no)",
        ]
    ),
    WORDS.filter(lambda word: ":" not in word),
    st.sampled_from(HOSTILE).map(quoted),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({} OR {})".format, inner, inner),
        st.builds("({} {})".format, inner, inner),
        st.builds("({} AND {})".format, inner, inner),
        st.builds("NOT {}".format, inner),
    ),
    max_leaves=4,
)


@settings(max_examples=60)
@given(CONDITIONS)
@example("NOT actor.user.name:alice")
@example("NOT (NOT user.name:alice)")
@example("hash:" + HASH)
def test_any_condition_finds_what_it_says(filled: Filled, condition: str) -> None:
    agree(filled, condition)


NAMES = st.sampled_from(
    ["source", "actor.user.name", "severity_id", "is_mfa", "rest.risk_score", "unmapped.Data.Name", "time"]
)
PIPES = st.lists(
    st.one_of(
        st.builds("count by {}".format, NAMES),
        st.just("count"),
        st.builds(lambda a, b: f"count by {a}, {b}" if a != b else f"count by {a}", NAMES, NAMES),
        st.builds("top {} {}".format, st.integers(1, 4), NAMES),
        st.builds("head {}".format, st.integers(1, 20)),
        st.builds("sort {}{}".format, st.sampled_from(["", "-"]), NAMES),
        st.builds("dedup {}".format, NAMES),
        st.builds("fields {}, metadata.uid".format, NAMES),
        st.builds("timechart span={}".format, st.sampled_from(["1h", "90m", "1d"])),
        st.builds(
            "where {}".format, st.sampled_from(["severity_id>2", "source:*o*", "NOT is_mfa:true", "count>1", "count:*"])
        ),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=40)
@given(st.sampled_from(["", "source:okta*", "severity_id>=2"]), PIPES)
def test_any_pipes_give_what_they_say(filled: Filled, condition: str, pipes: list[str]) -> None:
    text = " | ".join([condition, *pipes])
    try:
        agree(filled, text)
    except InputError as error:
        # A result has only the columns that it was given.
        said = str(error)
        assert any(part in said for part in ("the result has no", "two columns of one name", "no field 'count'"))


@pytest.mark.parametrize("limit", [1, 2, 5, 12, 13, 59, 60, 61])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "severity_id>2",
        "| fields source, time",
        "source:zeek | where severity_id>0",
        "| head 20 | where severity_id>2",
        "| dedup severity_id",
        "| sort severity_id",
        "| head 30 | fields time, source | head 9",
    ],
)
def test_the_latest_are_the_latest_of_all(filled: Filled, text: str, limit: int) -> None:
    result = filled.searcher.search(parse(text), limit=limit)
    rows = [dict(zip(result.names, row, strict=True)) for row in result.rows]
    expected = evaluate(parse(text), filled.rows, NOW)
    assert rows == expected[:limit]
    assert result.is_cut == (len(expected) > limit)


def test_older_files_are_not_opened_for_the_latest(filled: Filled) -> None:
    assert filled.searcher.search(parse(""), limit=3).files < len(filled.lake.files()) - 1


TOKENS = [
    "AND",
    "or",
    "not",
    "(",
    ")",
    "|",
    ",",
    '"',
    ":",
    ">=",
    "time",
    "user",
    "source",
    "count",
    "by",
    "top",
    "5",
    "exists",
    "*",
    "span=1h",
    "timechart",
    "fields",
    "rest.a",
    "unmapped.a[].b",
    "entity:",
    "ip:10.0.0.0/33",
    "hash:x",
    "sort -time",
    "2026-13-40",
]


@settings(max_examples=60)
@given(st.text(max_size=40) | st.lists(st.sampled_from(TOKENS) | st.text(max_size=3), max_size=9).map(" ".join))
@example("\ud800")
@example("x" * 70_000)
@example("(" * 9_000)
@example("not " * 400 + "a")
@example("time:0001-01-01T00:00+99:99")
@example("severity_id:" + "9" * 400)
@example("top 99999999999999999999999 source")
@example("| timechart span=999999999999w")
@example("time>now-999999999999w")
@example("rest." + "a." * 40 + "b:1")
@example("src_endpoint.location.lat>1e999")
def test_any_text_gives_rows_or_one_line_of_what_is_wrong(filled: Filled, text: str) -> None:
    try:
        agree(filled, text)
    except InputError as error:
        assert str(error).startswith("query, character ")  # noqa: PT017 - most texts are no error
        assert len(str(error)) < 700  # noqa: PT017


def test_a_timechart_by_a_field_counts_each_event_once(filled: Filled) -> None:
    rows = found(filled, "| timechart span=1d by actor.user.name")
    assert sum(row["count"] for row in rows) == 60
    names = {row["actor.user.name"] for row in rows}
    assert "(other)" in names
    assert len(names) == 11


def test_tenants_see_their_own(filled: Filled) -> None:
    theirs = Searcher(filled.lake, "other", NOW).search(parse("| fields metadata.uid, tenant"))
    assert theirs.rows == (("theirs", "other"),)
    assert Searcher(filled.lake, "nobody", NOW).search(parse("")).rows == ()
    assert Searcher(filled.lake, "nobody", NOW).search(parse("| count")).rows == ((0,),)


def test_a_lake_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert Searcher(Lake(tmp_path / "no"), "default", NOW).search(parse("user:alice"), limit=5).rows == ()
    assert not (tmp_path / "no").exists()
