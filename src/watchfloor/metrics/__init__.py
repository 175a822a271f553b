"""Metrics: what they mean, what they are in a data folder, and how detections compare with the truth.

``definitions`` says what each name means; ``compute`` measures a data folder; ``score`` and ``grouping`` compare
findings and cases with ``truth``; ``detections`` reads them; ``distribution`` is what is shown of many values.
"""

from watchfloor.metrics.compute import Figures, Measured, measure
from watchfloor.metrics.definitions import METRICS, Metric
from watchfloor.metrics.detections import CaseLine, Detection, read_cases, read_detections, standing
from watchfloor.metrics.distribution import Share, Summary, sampled_share, share, summarise
from watchfloor.metrics.lines import read_lines
from watchfloor.metrics.score import Score, score_detections
from watchfloor.metrics.truth import Truth, read_truth

__all__ = [
    "METRICS",
    "CaseLine",
    "Detection",
    "Figures",
    "Measured",
    "Metric",
    "Score",
    "Share",
    "Summary",
    "Truth",
    "measure",
    "read_cases",
    "read_detections",
    "read_lines",
    "read_truth",
    "sampled_share",
    "score_detections",
    "share",
    "standing",
    "summarise",
]
