"""Findings to cases: entity risk, grouping, timelines."""

from watchfloor.correlate.cases import Correlated, correlate, deserves_a_case
from watchfloor.correlate.grouping import Windows, is_public
from watchfloor.correlate.risk import Weights, risk

__all__ = ["Correlated", "Weights", "Windows", "correlate", "deserves_a_case", "is_public", "risk"]
