import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from watchfloor.cli import main


class Ran(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, object]]:
        return [orjson.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands of all these tests keep."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    """No test reads or writes what its user has cached."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run a command as the shell would: arguments in; status, output and messages out."""

    def command(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["watchfloor", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "400")
        status = 0
        try:
            main()
        except SystemExit as error:
            status = int(error.code or 0)
        sys.stdout.flush()
        sys.stderr.flush()
        captured = capfdbinary.readouterr()
        return Ran(status, captured.out.decode(), captured.err.decode())

    return command
