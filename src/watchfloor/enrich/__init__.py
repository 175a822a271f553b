"""Events to the same events with identity tags; pure, given versioned reference tables."""

from watchfloor.enrich.enricher import Enricher, learn
from watchfloor.enrich.identity import IDENTITY, IdentityGraph, Link
from watchfloor.enrich.traits import traits_of

__all__ = ["IDENTITY", "Enricher", "IdentityGraph", "Link", "learn", "traits_of"]
