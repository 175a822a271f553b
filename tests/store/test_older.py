"""A lake whose files an older version wrote is read, searched, compacted and deleted from as any other."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.older import make_older

from watchfloor.errors import StoreError
from watchfloor.event import EVENT_SCHEMA, LIGHT
from watchfloor.search import Searcher, parse
from watchfloor.search.expert import search_sql
from watchfloor.store.compaction import compact_all
from watchfloor.store.deletion import delete
from watchfloor.store.hours import HOUR
from watchfloor.store.lake import Lake
from watchfloor.store.latest import latest
from watchfloor.store.retention import Hold, Retention, Rules
from watchfloor.testing.events import batch_of

NOW = 1_790_000_000_000 // HOUR * HOUR
LOST = ("tags", "ordered_at", "entity.peer", "origin.ordinal", "is_mfa", "severity_id", "actor.user.name")
"""What the older version did not know."""


def event(number: int) -> dict[str, Any]:
    return {
        "metadata.uid": f"u{number:02}",
        "time": NOW + number * 1000,
        "ingested_at": NOW + number,
        "origin.ordinal": number,
        "tags": [f"tag:{number}"],
        "entity.peer": f"host:h{number}",
        "entity.actor": "user:alice",
        "actor.user.name": f"user{number}",
        "is_mfa": True,
        "severity_id": 3,
    }


@pytest.fixture
def older(tmp_path: Path) -> Lake:
    """Two files of now around two of the older version: six events each."""
    lake = Lake(tmp_path)
    for first in range(0, 24, 6):
        with lake.writer() as writer:
            writer.append(batch_of(*(event(number) for number in range(first, first + 6))))
    for path in lake.files()[1:3]:
        make_older(path, LOST)
    assert all("tags" not in pq.read_schema(path).names for path in lake.files()[1:3])
    return lake


def expected(number: int) -> dict[str, Any]:
    row: dict[str, Any] = batch_of({**event(number), "origin.line": number % 6 + 1}).to_pylist()[0]
    return row | (dict.fromkeys(LOST) if 6 <= number < 18 else {})


def test_its_events_are_read_with_nulls_for_what_they_lack(older: Lake) -> None:
    whole = [row for batch in older.in_order("default", EVENT_SCHEMA.names) for row in batch.to_pylist()]
    assert whole == [expected(number) for number in range(24)]
    assert all(batch.schema.names == list(LIGHT) for batch in older.in_order("default", LIGHT))
    assert list(older.by_uid("default", ["u07"])) == [expected(7)]
    assert {tuple(row.values()) for batch in latest(older, ["severity_id"], 99) for row in batch.to_pylist()} == {
        (3,),
        (None,),
    }


def test_it_is_searched(older: Lake) -> None:
    searcher = Searcher(older, "default", NOW)
    found = searcher.search(parse("entity:user:alice"), limit=99)
    rows = [dict(zip(found.names, row, strict=True)) for row in found.rows]
    assert rows == [expected(number) for number in reversed(range(24))]
    assert searcher.search(parse("NOT severity_id:3 | count")).rows == ((12,),)
    assert searcher.search(parse("tags:tag* | count")).rows == ((12,),)
    _, rows_of_sql, _ = search_sql(searcher, 'SELECT count("is_mfa"), count(*) FROM events', limit=None)
    assert rows_of_sql == [(12, 24)]


def test_it_is_compacted_into_files_of_now(older: Lake) -> None:
    assert compact_all(older, now=NOW + 5 * HOUR).rows == 24
    (path,) = older.files()
    assert pq.read_schema(path).names == EVENT_SCHEMA.names
    assert pq.read_table(path).to_pylist() == [expected(number) for number in range(24)]


def test_retention_deletes_from_it_and_holds_hold(older: Lake) -> None:
    rules = Rules(
        (Retention("all", "1d", "o", "r"),), (Hold("h", "o", "r", entities=("user:alice",), sources=("other",)),)
    )
    record = delete(older, rules, now=NOW + 86_400_000 + 12)
    assert record is not None
    assert (record.rows, record.held) == (12, 0)
    assert [row["metadata.uid"] for batch in older.in_order("default", LIGHT) for row in batch.to_pylist()] == [
        f"u{number:02}" for number in range(12, 24)
    ]


def test_what_lacks_what_each_event_has_is_refused(older: Lake) -> None:
    path = older.files()[1]
    pq.write_table(pq.read_table(path).drop_columns(["source"]), path)
    with pytest.raises(StoreError, match="source"):
        list(older.in_order("default", LIGHT))
