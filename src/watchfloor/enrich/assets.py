"""Tags events with what the inventory declares of who and what is in them.

``ROLE.owner``, ``ROLE.criticality`` and ``ROLE.environment`` for each role of :data:`~watchfloor.event.ENTITY_ROLES`;
what nobody declared has no tag. An asset may be declared by any of its names.

>>> from watchfloor.inventory import Asset
>>> from watchfloor.testing.events import batch_of
>>> reference = Reference(1, {ASSETS: asset_table([Asset("host:web-1", criticality="high", owner="web@example.com")])})
>>> Assets(reference).process(batch_of({"entity.host": "host:web-1"})).column("tags").to_pylist()
[['host.owner=web@example.com', 'host.criticality=high']]
"""

from collections import defaultdict
from collections.abc import Iterable

import msgspec
import pyarrow as pa

from watchfloor.enrich.resolving import Resolver
from watchfloor.enrich.tags import with_tags
from watchfloor.event import ENTITY_ROLES
from watchfloor.inventory import Asset
from watchfloor.operator import Reference

ASSETS = "assets"
"""Name of the reference table: entity id -> the asset, JSON."""

_LATER = 1 << 62
"""An inventory says what is so now: a name that had several owners is its last one's."""


def asset_table(assets: Iterable[Asset]) -> dict[str, str]:
    """The reference table of an inventory."""
    return {asset.id: msgspec.json.encode(asset).decode() for asset in assets}


class Assets:
    """An operator: stateless, given the reference tables."""

    def __init__(self, reference: Reference | None = None) -> None:
        resolver = Resolver(reference)
        table = (reference or Reference()).tables.get(ASSETS, {})
        self._tags = {resolver.at(uid, _LATER): _tags(text) for uid, text in table.items()}

    def process(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with the tags of its assets."""
        if not self._tags:
            return batch
        tags: defaultdict[int, list[str]] = defaultdict(list)
        for role in ENTITY_ROLES:
            column = batch.column(f"entity.{role}")
            if self._tags.keys().isdisjoint(column.unique().to_pylist()):
                continue
            for row, uid in enumerate(column.to_pylist()):
                tags[row] += [f"{role}.{tag}" for tag in self._tags.get(uid, ())]
        return with_tags(batch, {row: found for row, found in tags.items() if found})


def _tags(text: str) -> tuple[str, ...]:
    asset = msgspec.json.decode(text, type=Asset)
    said = (("owner", asset.owner), ("criticality", asset.criticality), ("environment", asset.environment))
    return tuple(f"{name}={value}" for name, value in said if value not in {"", "unknown"})
