"""Batches of events from a few attributes, for tests that start after normalization."""

from typing import Any

import pyarrow as pa

from watchfloor.event import EVENT_SCHEMA

_DEFAULTS: dict[str, Any] = {
    "tenant": "default",
    "source": "test",
    "time": 1_773_700_000_000,
    "class_uid": 0,
    "category_uid": 0,
    "activity_id": 99,
    "type_uid": 99,
    "severity_id": 1,
    "origin.path": "test.ndjson",
    "ingested_at": 1_773_700_000_000,
    "raw": b"{}",
}


def batch_of(*rows: dict[str, Any]) -> pa.RecordBatch:
    """A batch of :data:`watchfloor.event.EVENT_SCHEMA`; what a row leaves out has a default, its uid its position.

    >>> batch_of({"time": 1}, {"time": 2}).column("metadata.uid").to_pylist()
    ['event-1', 'event-2']
    """
    whole = [
        {**_DEFAULTS, "origin.line": number, "metadata.uid": f"event-{number}", **row}
        for number, row in enumerate(rows, start=1)
    ]
    return pa.RecordBatch.from_pylist(whole, schema=EVENT_SCHEMA)
