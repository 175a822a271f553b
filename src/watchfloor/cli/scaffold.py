"""``new``: a content folder to start from."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from watchfloor.cli.progress import stderr
from watchfloor.scaffold import write_scaffold


def new(
    kind: Annotated[Literal["source", "detection", "filter", "playbook", "action", "policy"], typer.Argument()],
    name: Annotated[str, typer.Argument(help="Lower case, digits and underscores.")],
    *,
    into: Annotated[
        Path, typer.Option("--into", help="The content root; the built-in one in a checkout.", metavar="DIR")
    ] = Path("src/watchfloor/content"),
) -> None:
    """A new source, detection, filter, playbook, action or policy, with a case that passes."""
    folder = write_scaffold(kind, name, into=into)
    stderr().print(f"{folder}: edit the files, then run the tests", markup=False)
