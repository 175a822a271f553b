"""Correlations over finite input: each over the matches of the rules it refers to, after those that it refers to."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.detect.sigma.correlation_link import LinkedCorrelation
from watchfloor.detect.sigma.correlation_matches import MATCH_SCHEMA, Row, Sighting, matches_of
from watchfloor.detect.sigma.correlation_operator import CorrelationOperator
from watchfloor.finding import Finding
from watchfloor.operator import Reference
from watchfloor.run.keyed import OnFailure, Scan, run_keyed

BATCH_ROWS = 8192
_ORDER = [(name, "ascending") for name in ("time", "metadata.uid", "match.rule", "match.unit", "match.group")]


def run_correlations(
    correlations: Sequence[LinkedCorrelation],
    matches: Iterable[pa.RecordBatch],
    *,
    silent: frozenset[str] = frozenset(),
    on_failure: OnFailure | None = None,
) -> Iterator[Finding]:
    """The findings of correlations, the last revision of each; of those in ``silent`` (ids) none.

    ``matches`` are batches of ``MATCH_SCHEMA`` in any order; a match that is there twice counts once. ``correlations``
    come after those that they refer to.
    """
    drawn = pa.Table.from_batches(matches, MATCH_SCHEMA)
    derived: dict[str, list[Row]] = defaultdict(list)
    for linked in correlations:
        mine = _matches(drawn, linked.id, derived.pop(linked.id, []))
        above = [one for one in correlations if any(feed.rule == linked.id for feed in one.feeds)]
        last: dict[str, Finding] = {}
        for finding in run_keyed([CorrelationOperator(linked)], _scan(mine), Reference(), on_failure=on_failure):
            last[finding.uid] = finding
            if isinstance(finding, Sighting):
                for one in above:
                    derived[one.id] += matches_of(finding, one)
        if linked.id not in silent:
            yield from sorted(last.values(), key=lambda one: (one.start, one.uid))


def _scan(matches: pa.Table) -> Scan:
    return lambda: matches.to_batches(max_chunksize=BATCH_ROWS)


def _matches(drawn: pa.Table, correlation: str, derived: list[Row]) -> pa.Table:
    own = drawn.filter(pc.equal(drawn.column("match.correlation"), correlation))
    return pa.concat_tables([own, pa.Table.from_pylist(derived, MATCH_SCHEMA)]).sort_by(_ORDER)
