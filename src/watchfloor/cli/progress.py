"""Progress on standard error: a bar for anything that takes longer than a second, nothing when nobody watches."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from watchfloor.console.text import brief

UNBROKEN = 1_000
"""Columns of a table that goes to a file or another program."""


def stderr() -> Console:
    """The console for messages; standard output stays clean for machines."""
    return Console(stderr=True, highlight=False)


def stdout() -> Console:
    """The console for what a command was asked for; a row is one line where no terminal has to break it."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=UNBROKEN)


class Working:
    """One bar that follows a run from file to file and from stage to stage."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def on_bytes(self, path: str, done: int, total: int) -> None:
        """A file is being read."""
        self._progress.update(self._task, description=f"reading {_short(path)}", completed=done, total=total or None)

    def on_stage(self, stage: str, done: int, total: int) -> None:
        """A stage is at work."""
        self._progress.update(self._task, description=stage, completed=done, total=total or None)


@contextmanager
def working(console: Console) -> Iterator[Working]:
    """The bar, while the block runs."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Working(progress, progress.add_task("starting", total=None))


def _short(path: str) -> str:
    return brief(Path(path.partition("!")[0]).name or path, 40)
