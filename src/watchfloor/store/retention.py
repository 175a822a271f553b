"""How long events are kept, and which are kept whatever else is said.

::

    retention:
      - name: sign-ins
        keep: 365d                       # counted from when an event was ingested: no log can write that
        classes: [3002]                  # what is not named matches anything
        sources: [okta_system_log]
        tenants: [default]
        owner: privacy@example.com
        reason: Works agreement of 2025, section 4.
    holds:
      - name: case-2026-17
        entities: [user:alice@example.com]
        sources: [okta_system_log]
        since: 2026-03-01                # of the time of the event; whole days, UTC
        until: 2026-04-30
        owner: legal@example.com
        reason: Preservation request of 2026-05-02.

Of the retentions the first that matches an event counts; an event that none matches is kept. A hold holds what all
that it names says, and beats any retention.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Annotated

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.catalog import read_yaml
from watchfloor.errors import ContentError
from watchfloor.event import ENTITY_ROLES

FILE = "retention.yml"
COLUMNS = (
    "tenant",
    "source",
    "class_uid",
    "time",
    "ordered_at",
    "ingested_at",
    *(f"entity.{role}" for role in ENTITY_ROLES),
)
"""What of an event decides whether it stays."""

_DAY = 86_400_000
_KEEP = re.compile(r"(\d{1,6})d")
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long some events are kept."""

    name: _Text
    keep: Annotated[str, msgspec.Meta(pattern=r"^\d{1,6}d$")]
    owner: _Text
    reason: _Text
    classes: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()

    def cutoff(self, now: int) -> int:
        """What was ingested before this (ms) goes."""
        found = _KEEP.fullmatch(self.keep)
        return now - int(found[1]) * _DAY if found else 0

    def matches(self, rows: pa.Table) -> pa.ChunkedArray:
        """Which rows it is about."""
        return _all(rows, {"class_uid": self.classes, "source": self.sources, "tenant": self.tenants})


class Hold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events that stay as long as this is written."""

    name: _Text
    owner: _Text
    reason: _Text
    entities: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None

    def matches(self, rows: pa.Table) -> pa.ChunkedArray:
        """Which rows it holds."""
        held = _all(rows, {"source": self.sources, "tenant": self.tenants})
        if self.entities:
            names = pa.array(self.entities, pa.string())
            roles = [pc.is_in(rows.column(f"entity.{role}"), value_set=names) for role in ENTITY_ROLES]
            held = pc.and_(held, reduce(pc.or_, roles))
        if self.since is not None or self.until is not None:
            # An event of a clock that is wrong may belong to either of its times.
            inside = [self._inside(rows.column(name)) for name in ("time", "ordered_at")]
            held = pc.and_(held, reduce(pc.or_, inside))
        return held

    def _inside(self, times: pa.ChunkedArray) -> pa.ChunkedArray:
        inside = pc.is_valid(times)
        if self.since is not None:
            inside = pc.and_(inside, pc.fill_null(pc.greater_equal(times, _midnight(self.since)), fill_value=False))
        if self.until is not None:
            end = _midnight(self.until) + _DAY
            inside = pc.and_(inside, pc.fill_null(pc.less(times, end), fill_value=False))
        return inside


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a retention file says."""

    retention: tuple[Retention, ...] = ()
    holds: tuple[Hold, ...] = ()

    def decided(self, rows: pa.Table, now: int) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
        """For each row the number of the retention by which it goes at ``now`` (ms), else null; and whether it is held.

        A row that is held has the number by which it would go.
        """
        gone = pc.if_else(_all(rows, {}), pa.scalar(None, pa.int32()), pa.scalar(None, pa.int32()))
        for number, one in reversed(list(enumerate(self.retention))):
            old = pc.less(rows.column("ingested_at"), one.cutoff(now))
            here = pc.if_else(old, pa.scalar(number, pa.int32()), pa.scalar(None, pa.int32()))
            gone = pc.if_else(one.matches(rows), here, gone)
        held = reduce(pc.or_, (one.matches(rows) for one in self.holds), pc.invert(_all(rows, {})))
        return gone, held

    def latest_cutoff(self, now: int) -> int | None:
        """What was ingested since then (ms) stays in any case; ``None``: everything does."""
        return max((one.cutoff(now) for one in self.retention), default=None)


def read_rules(path: Path) -> Rules:
    """Read a retention file.

    Raises:
        ContentError: It is not one, or names something twice or a hold that would hold everything by mistake.
    """
    try:
        rules = msgspec.convert(read_yaml(path), Rules, strict=True)
    except msgspec.ValidationError as error:
        raise ContentError(str(path), str(error)) from error
    names = [one.name for one in rules.retention] + [one.name for one in rules.holds]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise ContentError(str(path), f"{name!r} is there twice")
    for hold in rules.holds:
        if not (hold.entities or hold.sources or hold.tenants or hold.since or hold.until):
            raise ContentError(
                str(path), f"{hold.name!r} says not what it holds: entities, sources, tenants, since, until"
            )
    return rules


def _all(rows: pa.Table, wanted: Mapping[str, tuple[object, ...]]) -> pa.ChunkedArray:
    """Which rows have one of the values in each of the columns for which there are some."""
    found = pc.is_valid(rows.column("tenant"))
    for name, values in wanted.items():
        if values:
            column = rows.column(name)
            found = pc.and_(found, pc.is_in(column, value_set=pa.array(values, column.type)))
    return found


def _midnight(day: date) -> int:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return start // timedelta(milliseconds=1)
