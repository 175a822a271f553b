"""The events of a source's own samples: what its records are known to look like before any has come."""

from collections.abc import Iterable

import pyarrow as pa

from watchfloor.event import RAW_SCHEMA
from watchfloor.normalize.drift import SchemaDrift
from watchfloor.normalize.normalizer import Normalizer
from watchfloor.normalize.source import Source


def sample_events(source: Source) -> pa.RecordBatch:
    """The events of all samples of a source, in batches of ``EVENT_SCHEMA``."""
    raws = [
        line
        for path in sorted((source.folder / "samples").glob("*.raw"))
        for line in path.read_bytes().splitlines()
        if line.strip()
    ]
    rows = [
        {"tenant": "", "raw": raw, "path": source.name, "line": line, "ordinal": line, "ingested_at": 0}
        for line, raw in enumerate(raws, start=1)
    ]
    batch = pa.RecordBatch.from_pylist(rows, RAW_SCHEMA)
    return Normalizer([source], source=source.name).process(batch).events


def learn_samples(drift: SchemaDrift, sources: Iterable[Source]) -> None:
    """Let it learn the samples of the sources of which it knows nothing."""
    for source in sources:
        if source.name not in drift.sources:
            drift.observe(sample_events(source))
