"""``playbook``: check what could be done about a case."""

import typer
from rich.text import Text

from watchfloor.catalog import roots
from watchfloor.cli.options import Content
from watchfloor.cli.progress import stderr
from watchfloor.console.text import visible
from watchfloor.errors import GateError
from watchfloor.respond.library import load_library

app = typer.Typer(help="Playbooks and actions.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command()
def check(content: Content = None) -> None:
    """Load every action and playbook; exit 1 if one does not."""
    library = load_library(roots(content or ()))
    console = stderr()
    for playbook in library.playbooks:
        console.print(Text(visible(f"ok  {playbook.id}: {playbook.name}")))
    for error in library.errors:
        console.print(Text(visible(f"not loaded: {error}")))
    console.print(f"{len(library.playbooks)} playbooks and {len(library.actions)} actions load", markup=False)
    if library.errors:
        raise GateError(f"{len(library.errors)} files do not load")
