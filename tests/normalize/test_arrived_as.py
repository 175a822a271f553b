"""A record that arrived as a log source is of it, whatever it looks like."""

import pyarrow as pa

from watchfloor.normalize import Normalizer, load_sources
from watchfloor.testing.sources import raw_batch

UNLIKE = b'{"published": "2026-01-01T00:00:00Z", "note": "no source looks like this"}'


def test_a_record_is_of_the_source_that_it_arrived_as() -> None:
    sources, _ = load_sources()
    batch = raw_batch([UNLIKE] * 3)
    names = pa.array(["okta_system_log", None, "no_such_source"])
    batch = batch.set_column(batch.schema.get_field_index("source"), "source", names)
    refused = [(2, "no source recognises this record"), (3, "no source 'no_such_source'")]
    mapped, decoded = Normalizer(sources).process(batch), Normalizer(sources).decode(batch)
    assert mapped.events.column("source").to_pylist() == ["okta_system_log"]
    assert [(one.origin.line, one.reason) for one in mapped.dead_letters] == refused
    assert [(one.origin.line, one.reason) for one in decoded.refused] == refused
