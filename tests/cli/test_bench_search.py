"""``bench search`` makes the lake it says and finds in it what it looks for."""

from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Run

from watchfloor.cli.bench_lake import KINDS, needles
from watchfloor.search import Searcher, parse
from watchfloor.settings import DataFolder
from watchfloor.store.lake import Lake

pytestmark = pytest.mark.slow


def test_the_figures_are_one_json_object(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    ran = run("bench", "search", "--events", 20_000, "--rounds", 2, "--folder", folder)
    assert ran.status == 0, ran.err
    figures = orjson.loads(ran.out)
    assert (figures["events"], figures["lake"]["rows"]) == (20_000, 20_000)
    assert figures["build"]["writing_cpu_seconds_per_million"] > 0
    assert set(KINDS) | {"timechart", "top", "command"} == figures["seconds"].keys()
    assert figures["seconds"]["hash"]["table"]["cold"]["p50"] > 0
    again = orjson.loads(run("bench", "search", "--events", 20_000, "--rounds", 2, "--folder", folder).out)
    assert "build" not in again


def test_what_is_looked_for_can_be_found(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    assert run("bench", "search", "--events", 50_000, "--rounds", 2, "--folder", folder).status == 0
    searcher = Searcher(Lake(DataFolder(folder).lake), "default", 0)
    for kind in ("user", "host", "entity", "hash"):
        assert any(searcher.search(parse(query)).rows for query in needles(kind, 30)), kind
