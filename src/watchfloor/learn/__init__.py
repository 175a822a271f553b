"""Verdicts to versioned calibrations: explicit, tested on history, reversible."""

from watchfloor.learn.labels import Label, append_label, by_uid, read_labels, votes
from watchfloor.learn.precision import precision

__all__ = ["Label", "append_label", "by_uid", "precision", "read_labels", "votes"]
