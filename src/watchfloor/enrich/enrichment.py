"""All that enrichment does to a batch, as one operator, given the reference tables.

>>> from watchfloor.testing.events import batch_of
>>> batch = batch_of({"actor.user.email_addr": "a@example.com", "time": 0})
>>> enrichment(Reference()).process(batch).select(["entity.actor", "tags"]).to_pylist()
[{'entity.actor': 'user:a@example.com', 'tags': ['time=ancient']}]
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from watchfloor.compose import chain, priced
from watchfloor.enrich.assets import Assets
from watchfloor.enrich.enricher import Enricher
from watchfloor.enrich.indicators import Indicators
from watchfloor.enrich.locations import Locations
from watchfloor.enrich.ordering import Ordering
from watchfloor.operator import Operator, Reference


def enrichment(reference: Reference, *, files: Sequence[Path] = (), oldest: timedelta | None = None) -> Operator:
    """Who, what they are worth, from where, when, and what is known to be bad.

    Args:
        reference: Identities, assets, clocks, indicators; what is not in it is not known.
        files: MaxMind DB files; see :class:`~watchfloor.enrich.locations.Locations`.
        oldest: How old an event may be when it is ingested; see :class:`~watchfloor.enrich.ordering.Ordering`.
    """
    return chain(
        priced("identity", Enricher(reference)),
        priced("assets", Assets(reference)),
        priced("places", Locations(files)),
        priced("time", Ordering(reference, oldest=oldest)),
        priced("indicators", Indicators(reference)),
    )
