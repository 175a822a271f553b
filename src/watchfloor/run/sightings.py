"""Sightings of indicators as findings: one for each indicator, who or what had to do with it, and day."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.enrich.indicators import TAG, Indicators
from watchfloor.event import ENTITY_ROLES, Origin, entity_of
from watchfloor.finding import Finding, Level, Rule, finding_uid
from watchfloor.indicator import Indicator

RULE = "watchfloor-known-indicator"
_DAY = 86_400_000
_WHO = ("entity.actor", "entity.user", "entity.host", "entity.address")


def sightings(events: pa.RecordBatch, indicators: Indicators) -> list[Finding]:
    """The findings of events that :class:`~watchfloor.enrich.indicators.Indicators` tagged.

    Each is about one event; those of one indicator, entity and day have the same uid, and
    :func:`watchfloor.run.alerts.latest` makes one of them.
    """
    return [finding for row in sighted(events).to_pylist() for finding in _of(row, indicators)]


def sighted(events: pa.RecordBatch) -> pa.RecordBatch:
    """The events that have a tag of an indicator."""
    tags = events.column("tags")
    # Of a stream of old events each one has tags, and next to none these.
    rows = pc.list_parent_indices(tags).filter(pc.starts_with(pc.list_flatten(tags), TAG)).unique()
    return events.take(rows)


def _of(row: Mapping[str, Any], indicators: Indicators) -> Iterator[Finding]:
    places: dict[str, list[str]] = {}
    for tag in row["tags"]:
        name, _, uid = tag.partition("=")
        if name.startswith(TAG):
            places.setdefault(uid, []).append(name.removeprefix(TAG))
    who = next((row[name] for name in _WHO if row[name] is not None), row["metadata.uid"])
    for uid, columns in places.items():
        one = indicators.known(uid)
        bucket = str(row["time"] // _DAY)
        yield Finding(
            uid=finding_uid(rule_id=RULE, tenant=row["tenant"], key=f"{uid}\0{who}", bucket=bucket),
            tenant=row["tenant"],
            rule=Rule(RULE, "Known indicator of an attack", level_of(one)),
            start=row["time"],
            end=row["time"],
            event_uids=(row["metadata.uid"],),
            origins=(Origin(row["origin.path"], row["origin.line"], row["origin.index"]),),
            entities=tuple(entity_of(row[f"entity.{role}"]) for role in ENTITY_ROLES if row[f"entity.{role}"]),
            source=row["source"],
            key=who,
            summary=_words(one, columns),
        )


def level_of(one: Indicator) -> Level:
    """The level of a sighting: STIX's confidence as low, medium or high (STIX 2.1, appendix A); none is low."""
    confidence = one.confidence or 0
    return "low" if confidence < 30 else "medium" if confidence < 70 else "high"


def _words(one: Indicator, columns: list[str]) -> str:
    sure = "which does not say how sure it is" if one.confidence is None else f"with confidence {one.confidence} of 100"
    named = f" ({one.name})" if one.name else ""
    return f"{', '.join(columns)} is in {one.id}{named} of the feed {one.feed}, {sure}."
