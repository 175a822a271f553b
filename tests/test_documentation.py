"""What the documents say is so: commands exist, links lead somewhere, the set-up is two commands."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from watchfloor.cli.app import app
from watchfloor.cli.deferred import Deferred

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.md")])
SET_UP = "python3 -m pip install uv && "
NO_COMMANDS = {"watchfloor chain head"}
"""What reads like a command and is the first line of a signed message."""

_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def code(path: Path) -> list[str]:
    """The lines of code blocks, and the spans of code in the text."""
    text = path.read_text(encoding="utf-8")
    lines = [line.strip() for _, block in _BLOCK.findall(text) for line in block.splitlines()]
    return [*lines, *_SPAN.findall(_BLOCK.sub("", text))]


def commands(path: Path) -> list[str]:
    """What of the code runs Watchfloor; of a chain, each part that does."""
    parts = [part.strip() for line in code(path) for part in line.split("&&")]
    return [part for part in parts if re.match(r"(uv run )?watchfloor [a-z]", part) and part not in NO_COMMANDS]


def missing(command: str) -> str | None:
    """What of a command the command line does not know: a command, an option, or a choice."""
    words = shlex.split(command.removeprefix("uv run ").partition(" >")[0], comments=True)[1:]
    node: Any = typer.main.get_command(app)
    while (below := getattr(node, "commands", None)) is not None:
        if not words or words[0] not in below:
            return f"no command {' '.join(words[:1]) or 'given'} in {node.name}"
        node = below[words.pop(0)]
        node = node.load() if isinstance(node, Deferred) else node
    known = {name for parameter in node.params for name in parameter.opts} | {"--help"}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
    return f"no option {unknown[0]}" if unknown else None


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_shown_exists(path: Path) -> None:
    assert {command: why for command in commands(path) if (why := missing(command))} == {}


def test_commands_are_found_where_they_are() -> None:
    assert len(commands(ROOT / "README.md")) >= 6
    assert len(commands(ROOT / "CONTRIBUTING.md")) >= 8
    assert missing("uv run watchfloor cases list --data x") is None
    assert missing("watchfloor no-such-command")
    assert missing("watchfloor cases no-such")
    assert missing("watchfloor cases")
    assert missing("watchfloor investigate --no-such x")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    links = [link for link in _LINK.findall(path.read_text(encoding="utf-8")) if not re.match(r"[a-z]+:|#", link)]
    assert [link for link in links if not (path.parent / link.partition("#")[0]).exists()] == []


def test_two_commands_are_all_the_set_up() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for _, block in _BLOCK.findall(readme) for line in block.splitlines()]
    assert [line for line in lines if "install" in line] == [
        f"{SET_UP}uv run watchfloor demo",
        f"{SET_UP}uv run pytest",
    ]


def test_the_readme_is_three_sentences_a_picture_and_the_start() -> None:
    opening = (ROOT / "README.md").read_text(encoding="utf-8").partition("## ")[0]
    assert opening.startswith("# Watchfloor\n")
    assert re.search(r"^!\[[^\]]+\]\(docs/images/[^)]+\.png\)$", opening, re.MULTILINE)


def test_recipes_have_at_most_eight_lines() -> None:
    recipes = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n## ")[1:]
    for recipe in recipes:
        assert 0 < len(re.findall(r"^\d+\. ", recipe, re.MULTILINE)) <= 8
