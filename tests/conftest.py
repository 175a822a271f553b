"""What the whole suite shares: how examples are drawn, and one investigated day of a simulated company."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import settings

from watchfloor.detect.noise import NoiseFilter
from watchfloor.run.content import Content, load_content
from watchfloor.run.investigation import Outcome, investigate
from watchfloor.settings import DataFolder, Settings
from watchfloor.simulate import Summary, write_day

# The same examples each time, so that the same code has the same verdict; --hypothesis-profile=default explores. The
# machine may be slow: what must be fast is measured by benchmarks.
settings.register_profile("watchfloor", derandomize=True, deadline=None)
settings.load_profile("watchfloor")

SEED = 23
DAY = date(2026, 3, 17)
NOW = datetime(2026, 3, 18, 8, tzinfo=UTC)


class Investigation(NamedTuple):
    """A finished run: what it returned, and the folder it wrote."""

    outcome: Outcome
    folder: DataFolder

    @property
    def cases(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.folder.cases.read_bytes().splitlines()]

    @property
    def findings(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.folder.findings.read_bytes().splitlines()]


Investigate = Callable[..., Investigation]


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """One day of one company, with two attacks and their harmless twins. Read only."""
    return write_day(tmp_path_factory.mktemp("simulated"), seed=SEED, day=DAY)


@pytest.fixture(scope="session")
def content() -> Content:
    """The built-in content."""
    return load_content()


@pytest.fixture(scope="session")
def investigating(content: Content) -> Investigate:
    """Investigate paths into a folder, at a clock that stands still."""

    def run(out: Path, *paths: Path, content: Content = content, filters: Sequence[NoiseFilter] = ()) -> Investigation:
        outcome = investigate(
            [str(path) for path in paths],
            settings=Settings(data=out),
            content=content,
            clock=lambda: NOW,
            filters=filters,
        )
        return Investigation(outcome, DataFolder(out))

    return run


@pytest.fixture(scope="session")
def investigated(
    investigating: Investigate, simulated: Summary, tmp_path_factory: pytest.TempPathFactory
) -> Investigation:
    """The simulated day, investigated. Read only: tests that change a data folder work on a copy."""
    return investigating(tmp_path_factory.mktemp("investigated"), simulated.logs)
