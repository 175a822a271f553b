"""Matches: what correlations see. One row for each correlation, match of a rule that it refers to, and group.

An event with several values in a field that groups belongs to each of their groups; one with none belongs to no group
and is not seen. Values group as they are written: ``Alice`` and ``alice`` are two.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

import orjson
import pyarrow as pa

from watchfloor.detect.sigma.correlation_link import LinkedCorrelation
from watchfloor.event import ENTITY_ROLES
from watchfloor.finding import Finding

ROW: tuple[str, ...] = (
    *("tenant", "time", "metadata.uid", "source", "origin.path", "origin.line", "origin.index"),
    *(f"entity.{role}" for role in ENTITY_ROLES),
)
"""What a match keeps of its event."""

_TYPES = {"time": pa.int64(), "origin.line": pa.int64(), "origin.index": pa.int32()}

MATCH_SCHEMA = pa.schema(
    [
        *(pa.field(name, _TYPES.get(name, pa.string())) for name in ROW),
        pa.field("match.correlation", pa.string()),
        pa.field("match.rule", pa.string()),
        pa.field("match.group", pa.string()),
        pa.field("match.value", pa.list_(pa.string())),
        pa.field("match.unit", pa.string()),
        pa.field("match.since", pa.int64()),
        pa.field("match.fields", pa.string()),
    ]
)
"""``match.correlation`` is whose match it is, ``match.rule`` the id of the rule that matched, ``match.group`` the
values grouped by as a JSON object, ``match.value`` what is counted or weighed, ``match.unit`` what counts as one (the
event, or the finding of a correlation), ``match.since`` the event's own time, ``match.fields`` what the correlation
passes on, as a JSON object. ``time`` is when the rule was true: for an event of a correlation's finding, when that
came about."""

MAX_GROUPS = 64
"""To how many groups one event may belong; it is not seen in the groups beyond."""

Row = dict[str, Any]
"""A row of :data:`MATCH_SCHEMA`."""

Fields = Mapping[str, Sequence[str]]
"""The values of an event for each name that a correlation reads."""


class Sighting(Finding, frozen=True, kw_only=True):
    """A finding of a correlation that others refer to: when it was true, and which matches it has since the last time.

    Their correlations group those matches by their own fields.
    """

    moment: int
    fresh: tuple[Row, ...] = ()


class Taps:
    """Draws the matches that correlations want out of batches of events."""

    def __init__(self, correlations: Iterable[LinkedCorrelation]) -> None:
        self._taps: dict[str, list[tuple[LinkedCorrelation, Mapping[str, str]]]] = defaultdict(list)
        for one in correlations:
            for feed in one.feeds:
                if not feed.chained:
                    self._taps[feed.rule].append((one, feed.places))
        self.columns = frozenset(column for taps in self._taps.values() for _, at in taps for column in at.values())

    def __contains__(self, rule_id: object) -> bool:
        return rule_id in self._taps

    def rows(self, batch: pa.RecordBatch, hits: Sequence[tuple[int, str]]) -> pa.RecordBatch:
        """The matches of ``hits``: rows of the batch and the ids of tapped rules that are true of them."""
        names = [name for name in dict.fromkeys((*ROW, *sorted(self.columns))) if name in batch.schema.names]
        taken = batch.select(names).take(pa.array([row for row, _ in hits], pa.int64())).to_pylist()
        made = [one for event, (_, rule_id) in zip(taken, hits, strict=True) for one in self._matches(event, rule_id)]
        return pa.RecordBatch.from_pylist(made, schema=MATCH_SCHEMA)

    def _matches(self, event: Row, rule_id: str) -> Iterator[Row]:
        kept = {name: event.get(name) for name in ROW} | {
            "match.rule": rule_id,
            "match.unit": event.get("metadata.uid"),
            "match.since": event.get("time"),
        }
        for linked, places in self._taps[rule_id]:
            fields = {name: texts_of(event.get(column)) for name, column in places.items()}
            yield from _grouped(linked, fields, kept)


def matches_of(sighting: Sighting, linked: LinkedCorrelation) -> list[Row]:
    """The matches that a finding is to a correlation that refers to its rule: its fresh events, at its moment."""
    made: list[Row] = []
    for feed in linked.feeds:
        if feed.rule == sighting.rule.id:
            for row in sighting.fresh:
                passed: Fields = orjson.loads(row["match.fields"] or "{}")
                fields = {name: passed.get(place, ()) for name, place in feed.places.items()}
                kept = {
                    **row,
                    "time": sighting.moment,
                    "match.rule": sighting.rule.id,
                    "match.unit": sighting.uid,
                }
                made += _grouped(linked, fields, kept)
    return made


def _grouped(linked: LinkedCorrelation, fields: Fields, kept: Row) -> Iterator[Row]:
    correlation = linked.correlation
    passed_on = {name: list(fields[name]) for name in linked.passed_on}
    values = _values(fields, correlation.fields)
    groups = product(*(dict.fromkeys(fields[name]) for name in correlation.group_by))
    for group in islice(groups, MAX_GROUPS):
        yield {
            **kept,
            "match.correlation": linked.id,
            "match.group": _json(dict(zip(correlation.group_by, group, strict=True))),
            "match.value": values,
            "match.fields": _json(passed_on) if passed_on else None,
        }


def _values(fields: Fields, names: Sequence[str]) -> list[str]:
    """The values of a field; of several fields, what they are together."""
    if len(names) == 1:
        return list(fields[names[0]])
    together = product(*(fields[name] for name in names)) if names else iter(())
    return [_json(one) for one in islice(together, MAX_GROUPS)]


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def texts_of(value: object) -> list[str]:
    """A column's value as texts: none for null, several for a list; numbers and booleans as JSON writes them.

    >>> texts_of(["a", None]), texts_of(True), texts_of(None), texts_of(5)
    (['a'], ['true'], [], ['5'])
    """
    if isinstance(value, list):
        return [text for one in value for text in texts_of(one)]
    if value is None:
        return []
    return [value if isinstance(value, str) else _json(value)]
