"""Events to the same events with identity tags; pure, given versioned reference tables."""

from watchfloor.enrich.enricher import Enricher
from watchfloor.enrich.identity import IDENTITY, IdentityGraph
from watchfloor.enrich.resolving import Resolver
from watchfloor.enrich.shown import Shown, learn, shown_by
from watchfloor.enrich.traits import traits_of

__all__ = ["IDENTITY", "Enricher", "IdentityGraph", "Resolver", "Shown", "learn", "shown_by", "traits_of"]
