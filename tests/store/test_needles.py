"""A needle index says of no row group that has a needle that it has not, and is no matter where it is missing."""

from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from watchfloor.errors import StoreError
from watchfloor.search import Searcher, parse
from watchfloor.store.compaction import compact, compact_all
from watchfloor.store.deletion import delete
from watchfloor.store.hours import HOUR
from watchfloor.store.lake import Lake
from watchfloor.store.manifest import Manifest
from watchfloor.store.needlefile import NeedleWriter, index_of, open_needles
from watchfloor.store.needles import COLUMNS, entity_number, fold, needles_of, number
from watchfloor.store.retention import Retention, Rules
from watchfloor.testing.events import batch_of

NOW = 1_790_000_000_000 // HOUR * HOUR
LATER = NOW + 5 * HOUR


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_batches([batch_of(*rows)])


def needles(**columns: Any) -> set[int]:
    return set(needles_of(table(columns)).to_pylist())


def test_what_a_search_takes_for_equal_is_one_needle_whatever_the_letter() -> None:
    letters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    texts = pa.table({"letter": [f"a{letter}b" for letter in letters]})
    with duckdb.connect() as connection:
        connection.register("texts", texts)
        lowered = connection.sql("SELECT lower(letter) AS low FROM texts").to_arrow_table().column("low")
    assert texts.num_rows == len(lowered)
    for at in range(0, len(letters), 60_000):
        one, other = texts.column(0).slice(at, 60_000), lowered.slice(at, 60_000)
        assert fold(one) == fold(other)
    for letter in "\u0130\u212a\u017f\u03c2\u03a3\u1e9e\u0345":
        (low,) = duckdb.execute("SELECT lower(?)", [letter]).fetchone() or ("",)
        assert number(letter) == number(low)


@settings(max_examples=60)
@given(st.sampled_from(sorted(COLUMNS)), st.text(max_size=12) | st.text(min_size=315, max_size=330))
@example("user.name", "İ.\u0130..")
@example("entity.actor", "user:" + "x" * 400)
@example("entity.actor", "no type")
@example("device.hostname", "." * 9)
@example("src_endpoint.ip", "::ffff:192.0.2.7%eth0")
@example("email.from", "@" * 9)
def test_any_value_is_a_needle_of_its_row(column: str, value: str) -> None:
    wanted = entity_number(value) if column.startswith("entity.") else number(value)
    assert wanted in needles(**{column: value})
    with duckdb.connect() as connection:
        ((lowered,),) = connection.execute("SELECT lower(?)", [value]).fetchall()
    assert wanted == (entity_number(lowered) if column.startswith("entity.") else number(lowered))


@settings(max_examples=60)
@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda text: text.decode("latin-1")))
@example("http://[::1")
@example("x://" + "a" * 9000)
@example("@" * 5000)
@example("0" * 4000)
@example("://\u00a0@\u2003.")
def test_any_text_is_taken(text: str) -> None:
    needles(rest=text, unmapped=orjson.dumps({"text": text}).decode())


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        ("query.hostname", "a.b.Evil.example.", "evil.example"),
        ("query.hostname", "bücher.example", "xn--bcher-kva.example"),
        ("src_endpoint.ip", "2001:DB8:0::1", "2001:db8::1"),
        ("src_endpoint.ip", "2001:DB8:0::1", "2001:0db8:0000"),
        ("src_endpoint.ip", "::ffff:192.0.2.7", "192.0.2.7"),
        ("src_endpoint.ip", "::ffff:192.0.2.7", "192.0.2"),
        ("dst_endpoint.ip", "192.0.2.7", "192"),
        ("email.from", "Mallory@Mail.Evil.example", "evil.example"),
        ("rest", '{"url":"HTTPS://user@Evil.Example:8080/a?b"}', "evil.example"),
        ("rest", '{"url":"http://[2001:db8::1]:80/"}', "2001:db8::1"),
        ("unmapped", '{"m":"from mallory@evil.example, to"}', "mallory@evil.example"),
        ("unmapped", '{"Hashes":"MD5=' + "AB" * 16 + ',SHA256="}', "ab" * 16),
        ("rest", '{"process.file.hashes":[{"value":"' + "Cd" * 32 + '"}]}', "cd" * 32),
    ],
)
def test_what_indicators_name_is_a_needle(column: str, value: str, wanted: str) -> None:
    assert number(wanted) in needles(**{column: value})


def event(at: int, **columns: Any) -> dict[str, Any]:
    return {"metadata.uid": f"u{at:03}", "time": NOW + at, "ingested_at": NOW + at, **columns}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three hours, an account in each event."""
    made = Lake(tmp_path)
    for hour in range(3):
        with made.writer() as writer:
            rows = [event(hour * HOUR + at, **{"entity.actor": f"user:u{hour}-{at}"}) for at in range(40)]
            writer.append(batch_of(*rows))
    compact_all(made, now=LATER)
    return made


def found(lake: Lake, query: str) -> tuple[list[str], int]:
    """The uids of what a query finds, and how many files were opened for it."""
    result = Searcher(lake, "default", NOW).search(parse(query), limit=9)
    return [row[result.names.index("metadata.uid")] for row in result.rows], result.files


def test_only_files_that_may_have_it_are_opened(lake: Lake) -> None:
    assert found(lake, "entity:user:U1-7") == ([f"u{HOUR + 7}"], 1)
    assert found(lake, "entity:u1-7 OR entity:user:u2-3")[1] == 2
    assert found(lake, "entity:user:u1-7 entity:user:u2-3") == ([], 0)
    assert found(lake, "entity:user:nobody") == ([], 0)
    assert found(lake, "NOT entity:user:u1-7")[1] == 3
    assert found(lake, "entity:*u1-7")[1] == 3


def damaged(kind: str, whole: bytes) -> bytes | None:
    match kind:
        case "gone":
            return None
        case "cut":
            return whole[: len(whole) // 2]
        case "empty":
            return b""
        case "another file's":
            return whole[:8] + bytes([whole[8] ^ 1]) + whole[9:]
        case "another version's":
            return b"WFNEEDL0" + whole[8:]
        case _:
            at = {"head": 60, "bucket": len(whole) - 5}[kind]
            return whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]


MORE = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("empty", "another file's", "another version's", "head")]


@pytest.mark.parametrize("kind", ["gone", "cut", "bucket", *MORE])
def test_an_index_that_is_of_no_use_hides_nothing_and_is_made_again(lake: Lake, kind: str) -> None:
    for path in map(Path, lake.files()):
        whole = index_of(path).read_bytes()
        index_of(path).unlink()
        if (left := damaged(kind, whole)) is not None:
            index_of(path).write_bytes(left)
    for at in range(40):
        assert found(lake, f"entity:user:u1-{at}")[0] == [f"u{HOUR + at:03}"]
    if kind != "bucket":
        assert compact_all(lake, now=LATER).indexed == 3
        assert found(lake, "entity:user:u1-7")[1] == 1


def test_an_index_goes_with_its_file(lake: Lake) -> None:
    rules = Rules((Retention("all", "0d", "o", "r"),))
    assert delete(lake, rules, now=NOW + HOUR + 20) is not None
    assert {index_of(Path(path)) for path in lake.files()} == set(lake.folder.rglob("*.needles"))
    assert found(lake, "entity:user:u1-7")[0] == []
    assert found(lake, "entity:user:u1-27") == ([f"u{HOUR + 27}"], 1)
    stray = Path(lake.files()[0]).with_name("stray.needles")
    stray.write_bytes(b"x")
    with lake.writer() as writer:
        writer.append(batch_of(event(9 * HOUR)))
    assert not stray.exists()


def test_many_row_groups_are_told_apart(tmp_path: Path) -> None:
    writer = NeedleWriter()
    for group in range(300):
        writer.add(
            table(event(group, **{"user.name": f"name {group}"}), event(group + 1, **{"user.name": "everybody"}))
        )
    writer.write(tmp_path / "x.parquet", size=7)
    index = open_needles(tmp_path / "x.parquet", size=7)
    assert index is not None
    with index:
        assert all(index.groups([number(f"name {group}")]) == {group} for group in range(300))
        assert index.groups([number("everybody")]) == set(range(300))
        assert index.spans[17] == (NOW + 17, NOW + 18)
    assert open_needles(tmp_path / "x.parquet", size=8) is None


def test_where_it_cannot_be_written_the_place_is_named(lake: Lake) -> None:
    for path in map(Path, lake.files()):
        index_of(path).unlink()
        index_of(path).mkdir()
    with pytest.raises(StoreError, match="Is a directory"):
        compact(lake, now=LATER)


def test_two_that_compact_the_same_files_leave_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path)
    for at in range(2):
        with lake.writer() as writer:
            writer.append(batch_of(event(at)))
    replace, others = Manifest.replace, [lambda: compact(Lake(tmp_path), now=LATER)]

    def after_another(self: Manifest, *arguments: Any, **named: Any) -> bool:
        if others:
            assert others.pop()().before == 2
        return replace(self, *arguments, **named)

    monkeypatch.setattr(Manifest, "replace", after_another)
    assert compact(lake, now=LATER).before == 0
    batches = list(lake.in_order("default", ["metadata.uid"]))
    assert [uid for batch in batches for uid in batch.column(0).to_pylist()] == ["u000", "u001"]
