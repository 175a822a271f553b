"""``bench ingest`` measures what it says it does; how fast that is, is for whoever runs it to see."""

from pathlib import Path

import pytest

from watchfloor.cli.bench_ingest import measure
from watchfloor.testing.load import load

pytestmark = pytest.mark.slow


def test_what_stages_cost_is_what_the_processes_cost(tmp_path: Path) -> None:
    mixed = load(tmp_path / "days", 2_000)
    figures = measure(
        tmp_path,
        mixed,
        (),
        events=6_000,
        workers=1,
        on_stage=lambda _stage: None,
        warm=2_000,
        seconds=2,
        settings="limits: {commit_seconds: 1}",
    )
    by_stage = figures["microseconds_by_stage"]
    for name in ("main", "workers"):
        whole = figures["cpu_seconds_per_million"][name]
        assert sum(by_stage[name].values()) == pytest.approx(whole, abs=2)
        # What has no stage of its own is the smaller part.
        assert 0 <= by_stage[name]["other"] < whole / 2
    assert {"receive", "land", "read back", "lake"} <= by_stage["main"].keys()
    seen = figures["memory"]["seen"]
    assert seen[0]["records"] < figures["events"]
    assert all(one["main_mib"] > 50 and one["workers_mib"] > 50 and one["open_files"] > 10 for one in seen)
    assert figures["at_half_the_rate"]["found"] == figures["at_half_the_rate"]["of"]
