"""Batches, ordinals, times and progress."""

import gzip
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchfloor.event import event_uid

LINES = b"".join(b'{"id":%d}\n' % number for number in range(10))


def test_batches_end_with_the_row_that_fills_them(ingest: Any) -> None:
    Path("a").write_bytes(LINES)
    Path("b").write_bytes(LINES)
    result = ingest("a", "b", batch_rows=8)
    assert [batch.num_rows for batch in result.batches] == [8, 8, 4]
    assert [row["path"] for row in result.batches[1].to_pylist()] == ["a"] * 2 + ["b"] * 6
    assert [batch.num_rows for batch in ingest("a", batch_bytes=30).batches] == [4, 4, 2]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(8, 20), min_size=4, max_size=20),
    rows=st.sampled_from([0, 1, 3, 100]),
    size=st.sampled_from([0, 1, 8, 30, 50, 1 << 20]),
)
def test_a_batch_ends_with_the_record_that_reaches_a_limit(ingest: Any, sizes: list[int], rows: int, size: int) -> None:
    batches: list[list[int]] = [[]]
    for one in sizes:
        if batches[-1] and (len(batches[-1]) >= rows or sum(batches[-1]) >= size):
            batches.append([])
        batches[-1].append(one)
    lines = [b'{"a":"' + b"x" * (one - 8) + b'"}\n' for one in sizes]
    half = len(lines) // 2
    Path("a").write_bytes(b"".join(lines[:half]))
    Path("b").write_bytes(b"".join(lines[half:]))
    found = ingest("a", "b", batch_rows=rows, batch_bytes=size)
    assert [[len(raw) for raw in batch["raw"].to_pylist()] for batch in found.batches] == batches


@pytest.mark.parametrize("rows", [1, 3, 4096])
def test_batches_do_not_change_the_rows(ingest: Any, rows: int) -> None:
    assert ingest(LINES, batch_rows=rows).rows == ingest(LINES).rows


def test_every_column(ingest: Any) -> None:
    (row,) = ingest(b'[{"id":7}]').rows
    assert row == {
        "tenant": "acme",
        "raw": b'{"id":7}',
        "path": "log",
        "line": 1,
        "index": 0,
        "ordinal": 0,
        "ingested_at": 1_772_366_400_000,
        "source": None,
    }


def test_identical_records_are_counted_in_each_delivery(ingest: Any) -> None:
    Path("a").write_bytes(b'{"x":1}\n{"x":2}\n' * 5)
    Path("b").write_bytes(b'[{"x":1},{"x":1}]')
    with zipfile.ZipFile("c.zip", "w") as file:
        file.writestr("1", b'{"x":1}')
        file.writestr("2", b'{"x":1}')
    rows = ingest("a", "b", "c.zip", batch_rows=3).rows
    assert [row["ordinal"] for row in rows if row["raw"] == b'{"x":1}'] == [0, 1, 2, 3, 4, 0, 1, 0, 0]
    assert len({event_uid("any", row["raw"], row["ordinal"]) for row in rows if row["path"] == "a"}) == 10


def test_reading_twice_gives_the_same(ingest: Any) -> None:
    assert ingest(LINES * 3).rows == ingest(LINES * 3).rows


def test_records_and_dead_letters_come_as_they_are_found(ingest: Any) -> None:
    Path("a").write_bytes(LINES + b'{"broken\n')
    Path("b").write_bytes(b"")
    assert ingest("a", "b").reasons == ["a:11: broken JSON: the line ends inside a record", "b:1: empty file"]


@pytest.mark.parametrize("kind", ["plain", "gzip", "zip"])
def test_progress_is_in_bytes_of_the_file(ingest: Any, kind: str) -> None:
    data = b'{"padding":"%s"}\n' % (b"x" * 1000) * 4000
    if kind == "zip":
        with zipfile.ZipFile("log", "w") as file:
            file.writestr("a", data)
    else:
        Path("log").write_bytes(gzip.compress(data, 0) if kind == "gzip" else data)
    size = Path("log").stat().st_size
    steps: list[tuple[str, int, int]] = []
    ingest("log", on_progress=lambda *step: steps.append(step))
    done = [step[1] for step in steps]
    assert {(step[0], step[2]) for step in steps} == {("log", size)}
    assert done == sorted(done)
    assert len(done) > 3
    assert done[-1] == size
