"""The command tree: what lists say of a command is how its own help begins, and commands start without each other."""

import subprocess
import sys

import pytest
import typer

from watchfloor.cli.app import COMMANDS, app
from watchfloor.cli.deferred import Deferred

_LOADED = (
    "import sys; from watchfloor.cli.app import app; app(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
)
DEAR = {"duckdb", "pyarrow", "sigma", "sqlalchemy", "cedarpy", "jinja2", "yaml"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_list_says_of_a_command_how_its_own_help_begins(name: str) -> None:
    command = typer.main.get_group(app).commands[name]
    assert isinstance(command, Deferred)
    lines = (command.load().help or "").partition("\n\n")[0].split()
    assert command.short_help == " ".join(lines)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_what_says_only_a_few_words_loads_nothing(option: str) -> None:
    script = [sys.executable, "-c", _LOADED, option]
    done = subprocess.run(script, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert DEAR.isdisjoint(done.stdout.splitlines()[-1].split())
