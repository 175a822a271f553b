"""Raw records to OCSF events: one folder per log source, one mapping language, nothing dropped silently."""

from watchfloor.normalize.normalizer import Normalized, Normalizer
from watchfloor.normalize.source import Source, load_sources

__all__ = ["Normalized", "Normalizer", "Source", "load_sources"]
