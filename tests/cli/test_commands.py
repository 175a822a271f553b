"""The command tree: what lists say of a command is how its own help begins, and commands start without each other."""

import subprocess
import sys
from pathlib import Path

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


def loaded(*arguments: object) -> set[str]:
    """The modules that a command has loaded when it is done."""
    script = [sys.executable, "-c", _LOADED, *map(str, arguments)]
    done = subprocess.run(script, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_what_says_only_a_few_words_loads_nothing(option: str) -> None:
    assert DEAR.isdisjoint(loaded(option))


def test_rules_that_are_kept_are_used_without_what_reads_rules(tmp_path: Path) -> None:
    rule = tmp_path / "rule.yml"
    rule.write_text(
        "title: A login\nid: 5f0b5c1e-0000-4000-8000-000000000001\nlogsource: {product: okta, service: okta}\n"
        "detection: {one: {eventType: user.session.start}, condition: one}\nlevel: high\n"
    )
    log = tmp_path / "empty.ndjson"
    log.write_bytes(b"")
    assert "sigma" in loaded("detect", log, "--rules", rule)
    assert loaded("detect", log, "--rules", rule).isdisjoint({"sigma", "duckdb", "sqlalchemy", "cedarpy", "jinja2"})
