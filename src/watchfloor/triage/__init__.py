"""Cases to assessments: every sentence cites, and code checks each citation. A language model is optional."""

from watchfloor.triage.citation import check, prove
from watchfloor.triage.describe import describe
from watchfloor.triage.evidence import Evidence
from watchfloor.triage.graph import links
from watchfloor.triage.narrative import assess

__all__ = ["Evidence", "assess", "check", "describe", "links", "prove"]
