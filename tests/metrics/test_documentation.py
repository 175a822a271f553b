"""``docs/metrics.md`` names every metric and says rightly whether this version measures it."""

from pathlib import Path

import pytest

from watchfloor.metrics import METRICS, Metric

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


@pytest.mark.parametrize("metric", METRICS, ids=[metric.name for metric in METRICS])
def test_the_page_says_what_the_definition_says(metric: Metric) -> None:
    (row,) = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {metric.title} |")]
    elsewhere = metric.unmeasured is not None and "`watchfloor score`" in metric.unmeasured
    assert ("not measurable" in row) == (metric.unmeasured is not None and not elsewhere)
    assert ("`metrics`" in row) == (metric.unmeasured is None)


def test_every_metric_is_defined_once_and_whole() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.missing
        assert metric.source
        assert metric.unit in {"s", "share", "findings"}
