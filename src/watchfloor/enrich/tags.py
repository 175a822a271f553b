"""Words that enrichment adds to an event: ``host.criticality=high``, ``time=future``, ``indicator=…``.

They stand in a column of their own, ``tags``, which no log can write to: what a vendor's record says never looks like
what Watchfloor found out.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

MAX_TAGS = 64
"""How many tags an event may have."""


def with_tags(batch: pa.RecordBatch, tags: Mapping[int, Sequence[str]]) -> pa.RecordBatch:
    """The batch with more tags in some rows; a tag that is there already is not added again.

    >>> from watchfloor.testing.events import batch_of
    >>> with_tags(batch_of({}, {"tags": ["a"]}), {1: ["a", "b"]}).column("tags").to_pylist()
    [None, ['a', 'b']]
    """
    if not tags:
        return batch
    at = batch.schema.get_field_index("tags")
    column = batch.column(at).to_pylist()
    for row, more in tags.items():
        column[row] = list(dict.fromkeys((*(column[row] or ()), *more)))[:MAX_TAGS]
    return batch.set_column(at, batch.schema.field(at), pa.array(column, pa.list_(pa.string())))
