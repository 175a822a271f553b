"""SQL for experts reads the events of its tenant and nothing else, and ends in time."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.search.conftest import NOW, Filled

from watchfloor.errors import GateError, InputError, StoreError
from watchfloor.search import Limits, Searcher
from watchfloor.search.expert import search_sql
from watchfloor.search.reading import show_events
from watchfloor.search.seeking import Part


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count(*) FROM events", [(60,)]),
        ("SELECT count(*) FROM main.events", None),
        ('WITH q AS (SELECT DISTINCT "source" FROM events) SELECT count(*) FROM q', [(3,)]),
        ("SELECT sum(x) FROM (SELECT unnest([1, 2]) AS x)", [(3,)]),
        ("SELECT count(*) FROM EVENTS e JOIN range(2) ON true", [(120,)]),
        ("VALUES (1)", [(1,)]),
        ("FROM events SELECT max(severity_id)", [(5,)]),
    ],
)
def test_queries_of_events_are_answered(searcher: Searcher, sql: str, rows: list[tuple[int]] | None) -> None:
    if rows is None:
        with pytest.raises(InputError, match="the only table is events"):
            search_sql(searcher, sql, limit=None)
        return
    assert search_sql(searcher, sql, limit=None)[1] == rows


FORBIDDEN = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM read_parquet('{theirs}')",
    "SELECT * FROM '{theirs}'",
    "SELECT (SELECT count(*) FROM read_blob('{mine}')) FROM events",
    "SELECT * FROM events WHERE 1 IN (SELECT 1 FROM read_parquet('{theirs}'))",
    "WITH q AS (SELECT * FROM read_parquet('{theirs}')) SELECT * FROM q",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('events')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pragma_version()",
    "SELECT * FROM parquet_metadata('{mine}')",
    "COPY (SELECT 1) TO '{out}'",
    "COPY events TO '{mine}'",
    "EXPORT DATABASE '{out}'",
    "ATTACH '{out}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "CREATE TABLE x AS SELECT 1",
    "CREATE SECRET s (TYPE s3)",
    "DROP VIEW events",
    "SET memory_limit = '99GB'",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "SELECT 1; DROP VIEW events",
    "SELECT 1; SELECT 2",
    "DESCRIBE events",
    "SHOW TABLES",
    "EXPLAIN ANALYZE SELECT 1",
    "SELECT * FROM locals",
    "",
    "\0",
    "\ud800",
    "SELECT " + "(" * 70_000,
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_nothing_else_is_read_or_written(filled: Filled, tmp_path: Path, sql: str) -> None:
    theirs = next(path for path in filled.lake.files() if "tenant=other" in path)
    mine = next(path for path in filled.lake.files() if "tenant=default" in path)
    before = Path(mine).read_bytes()
    text = sql.replace("{theirs}", theirs).replace("{mine}", mine).replace("{out}", str(tmp_path / "out"))
    with pytest.raises(InputError) as caught:
        search_sql(filled.searcher, text, limit=None)
    assert str(caught.value).startswith("--sql: ")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert Path(mine).read_bytes() == before


def unchecked(searcher: Searcher, sql: str) -> None:
    with searcher.snapshot() as snapshot, searcher.connection(snapshot, snapshot.files) as connection:
        show_events(connection, snapshot.folder, list(map(Part, snapshot.files)))
        connection.execute(sql)


OUTSIDE = [sql for sql in FORBIDDEN if any(part in sql for part in ("{", "/etc", "httpfs", "SET"))]


@pytest.mark.parametrize("sql", OUTSIDE)
def test_the_connection_itself_refuses_what_the_check_might_miss(filled: Filled, tmp_path: Path, sql: str) -> None:
    theirs = next(path for path in filled.lake.files() if "tenant=other" in path)
    text = sql.replace("{theirs}", theirs).replace("{mine}", "/etc/hostname").replace("{out}", str(tmp_path / "out"))
    with pytest.raises(StoreError):
        unchecked(filled.searcher, text)
    assert list(tmp_path.iterdir()) == []


def test_a_query_ends_in_time(filled: Filled) -> None:
    searcher = Searcher(filled.lake, "default", NOW, Limits(seconds=0.3))
    with pytest.raises(GateError, match=r"longer than 0\.3 s"):
        search_sql(searcher, "SELECT count(*) FROM range(1000000000000) r(x) WHERE x % 7 = 3", limit=None)


def test_a_query_stays_in_its_memory(filled: Filled) -> None:
    searcher = Searcher(filled.lake, "default", NOW, Limits(mib=64))
    with pytest.raises(GateError, match="more than 64 MiB"):
        search_sql(searcher, "SELECT list(x) FROM range(100000000) r(x)", limit=None)


@settings(max_examples=60)
@given(st.text(max_size=30).map("SELECT {}".format) | st.text(max_size=30))
def test_any_text_is_answered_or_refused_in_one_line(filled: Filled, sql: str) -> None:
    try:
        search_sql(filled.searcher, sql, limit=3)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017
