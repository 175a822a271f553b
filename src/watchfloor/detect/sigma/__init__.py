"""Sigma rules: loaded from folders, files and zips, compiled to condition trees, matched on batches of events.

:mod:`watchfloor.detect.sigma.load` reads and compiles; ``SigmaDetector`` links what it loaded and matches, and needs
nothing of what reads. Between them stands
:class:`watchfloor.detect.sigma.condition.CompiledRule`, plain data that a cache can keep. Correlations are keyed
operators over the matches that the detector gives: :mod:`watchfloor.detect.sigma.correlation_operator`.
"""

from watchfloor.detect.sigma.correlation_detector import Detected, SigmaDetector
from watchfloor.detect.sigma.ruleset import RuleSet

__all__ = ["Detected", "RuleSet", "SigmaDetector"]
