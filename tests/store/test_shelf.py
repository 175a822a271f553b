"""Rows on a shelf come back as they were put there."""

from io import BytesIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from watchfloor.store.shelf import Shelf
from watchfloor.testing.events import batch_of

VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
ROWS = st.dictionaries(st.text(), VALUES | st.text() | st.binary(), max_size=5)


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "é\0", ""]), ROWS)), st.sets(st.sampled_from(["a", "", "c"])))
def test_a_shelf_is_a_mapping(rows: list[tuple[str, dict[str, Any]]], some: set[str]) -> None:
    with BytesIO() as file:
        shelf = Shelf(file)
        for uid, row in rows:
            shelf.add(uid, row)
        assert dict(shelf) == dict(rows)
        part = shelf.of(some)
        assert dict(part) == {uid: row for uid, row in dict(rows).items() if uid in some}
        assert ("a" in part) == ("a" in some and "a" in shelf)


def test_an_event_of_a_lake_comes_back_as_it_was() -> None:
    (row,) = batch_of({"raw": b"\xff\0", "is_mfa": True, "src_endpoint.location.lat": 1.5}).to_pylist()
    with BytesIO() as file:
        shelf = Shelf(file)
        shelf.add("event-1", row)
        assert shelf["event-1"] == row
