"""Raw records to OCSF events: one folder per log source, one mapping language, nothing dropped silently."""

from watchfloor.normalize.loading import load_sources
from watchfloor.normalize.normalizer import Decoded, Normalized, Normalizer
from watchfloor.normalize.source import Source

__all__ = ["Decoded", "Normalized", "Normalizer", "Source", "load_sources"]
