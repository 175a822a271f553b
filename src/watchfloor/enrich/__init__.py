"""Events to the same events with identity tags; pure, given versioned reference tables."""

from watchfloor.enrich.enricher import Enricher, host_ids, links
from watchfloor.enrich.identity import IDENTITY, IdentityGraph, Link

__all__ = ["IDENTITY", "Enricher", "IdentityGraph", "Link", "host_ids", "links"]
