"""The operator protocol: how a stage of the data plane is written once and run anywhere.

Obligations, checked on every implementation by :mod:`watchfloor.testing.operators`: deterministic; batch-invariant (any
split of the input gives the same output); the input is never mutated; keys are isolated; state round-trips through
``dump`` and ``load``; memory per key is bounded; no input or output, no clock but the events' and the watermark's.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar, runtime_checkable

import msgspec
import pyarrow as pa

from watchfloor.finding import Finding

S = TypeVar("S")


class Reference(msgspec.Struct, frozen=True):
    """Tables that cross keys (identities, peers, calibration, indicators), published as one version.

    ``epoch`` grows with each publication; a finding that used a table names the epoch.
    """

    epoch: int = 0
    tables: Mapping[str, Mapping[str, str]] = msgspec.field(default_factory=dict)


@runtime_checkable
class Operator(Protocol):
    """A stateless stage: a function on batches of events."""

    def process(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch's successor; rows may be dropped, added or widened, the input stays as it is."""
        ...


@runtime_checkable
class KeyedOperator(Protocol[S]):
    """A stateful stage: one state per (tenant, key), stepped in event-time order."""

    name: str
    key: str
    """The event column that holds the key; rows without one are not seen."""
    horizon: timedelta | None
    """How far back one event can change a result; ``None``: unbounded, as for baselines."""

    def select(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """Which rows concern this operator; must not depend on other rows."""
        ...

    def step(self, state: S | None, events: pa.RecordBatch, ref: Reference) -> tuple[S | None, list[Finding]]:
        """Fold one key's events, in event-time order, into its state."""
        ...

    def due(self, state: S) -> datetime | None:
        """When ``expire`` wants to be called if nothing else happens."""
        ...

    def expire(self, state: S, now: datetime) -> tuple[S | None, list[Finding]]:
        """Event time has reached ``now``: close windows, forget what is idle."""
        ...

    def merge(self, a: S, b: S) -> S:
        """The state of two keys that turned out to be one."""
        ...

    def dump(self, state: S) -> bytes:
        """The state as bytes."""
        ...

    def load(self, blob: bytes) -> S:
        """The state that ``dump`` wrote."""
        ...
