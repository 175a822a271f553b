"""``rules``: detections as code, a command a file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from watchfloor.catalog import BUILT_IN, Folder, folders
from watchfloor.cli.progress import stderr
from watchfloor.cli.rules_backtest import run_backtest
from watchfloor.cli.rules_check import check
from watchfloor.cli.rules_explain import explain
from watchfloor.console.text import visible
from watchfloor.errors import GateError, InputError
from watchfloor.testing.detections import broken_laws

app = typer.Typer(help="Detections as code.", no_args_is_help=True)
app.command("check")(check)
app.command("explain")(explain)
app.command("backtest")(run_backtest)


@app.command("test")
def run_tests(
    path: Annotated[Path | None, typer.Argument(help="A detection's folder, or a folder of them.")] = None,
) -> None:
    """Run the hits and misses of detections; the built-in ones by default. Exit 1 if one fails."""
    chosen = _chosen(path)
    broken = broken_laws(chosen)
    console = stderr()
    for name, problem in broken.items():
        console.print(Text(visible(f"failed: {name}: {problem}")))
    console.print(f"{len(chosen) - len(broken)} of {len(chosen)} detections pass", markup=False)
    if broken:
        raise GateError(f"{len(broken)} detections fail")


def _chosen(path: Path | None) -> list[Folder]:
    if path is None:
        return folders("detections", under=(BUILT_IN,))
    try:
        among = [path] if (path / "cases").is_dir() else sorted(path.iterdir())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    found = [Folder(one.name, one) for one in among if (one / "cases").is_dir()]
    if not found:
        raise InputError(f"{path}: no detection here: a detection's folder holds a folder named cases")
    return found
