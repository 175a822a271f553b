"""``rules``: check and test detections."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from watchfloor.catalog import BUILT_IN, Folder, folders
from watchfloor.cli.progress import stderr
from watchfloor.console.text import visible
from watchfloor.detect.sigma import load_rules
from watchfloor.errors import GateError, InputError
from watchfloor.testing.detections import broken_laws

app = typer.Typer(help="Detections as code.", no_args_is_help=True)


@app.command()
def check(paths: Annotated[list[Path], typer.Argument(help="Folders, files or zips of Sigma rules.")]) -> None:
    """Load the rules; exit 1 if one does not load."""
    ruleset = load_rules(paths)
    if not ruleset.rules and not ruleset.errors:
        raise InputError(f"{', '.join(map(str, paths))}: no Sigma rule here")
    console = stderr()
    for error in ruleset.errors:
        console.print(Text(visible(f"not loaded: {error}")))
    console.print(f"{len(ruleset.rules):,} rules load, {len(ruleset.errors):,} do not", markup=False)
    if ruleset.errors:
        raise GateError(f"{len(ruleset.errors)} rules do not load")


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
