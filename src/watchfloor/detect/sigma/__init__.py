"""Sigma rules: loaded from folders, files and zips, compiled to condition trees, matched on batches of events.

``load_rules`` reads and compiles; ``SigmaDetector`` links what it loaded and matches. Between them stands
:class:`watchfloor.detect.sigma.condition.CompiledRule`, plain data that a cache can keep.
"""

from watchfloor.detect.sigma.kernel import SigmaDetector
from watchfloor.detect.sigma.load import RuleSet, load_rules

__all__ = ["RuleSet", "SigmaDetector", "load_rules"]
