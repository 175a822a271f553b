"""``simulate``: a day of logs from the command line."""

from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.conftest import DAY, SEED

from watchfloor.simulate import Summary


def files(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def test_a_seed_and_a_day_give_the_same_bytes(run: Run, simulated: Summary, tmp_path: Path) -> None:
    ran = run("simulate", "--seed", SEED, "--day", DAY.isoformat(), "--out", tmp_path / "out")
    assert (ran.status, ran.out) == (0, "")
    assert f"{simulated.total:,} records in {tmp_path / 'out' / 'logs'}" in ran.err
    assert files(tmp_path / "out") == files(simulated.logs.parent)


def test_a_place_that_cannot_be_written_is_status_2(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = run("simulate", "--seed", 1, "--out", tmp_path / "file")
    assert (ran.status, ran.out) == (2, "")
    (line,) = [line for line in ran.err.splitlines() if line.strip()]
    assert line.startswith(f"watchfloor: {tmp_path / 'file'}")


@pytest.mark.parametrize(
    "arguments",
    [("--seed", "one"), ("--seed", 1, "--days", 0), ("--seed", 1, "--day", "yesterday"), ()],
    ids=["seed", "days", "day", "nothing"],
)
def test_arguments_that_mean_nothing_are_status_2(run: Run, tmp_path: Path, arguments: tuple[object, ...]) -> None:
    ran = run("simulate", *arguments, "--out", tmp_path / "out")
    assert (ran.status, ran.out) == (2, "")
    assert not (tmp_path / "out").exists()
