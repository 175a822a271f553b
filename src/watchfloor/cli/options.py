"""The arguments that several commands share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from watchfloor.settings import DEFAULT_DATA, DEFAULT_WORKERS

Paths = Annotated[
    list[str],
    typer.Argument(help="Files, folders, or - for standard input; .gz .zst .zip are opened.", metavar="PATH..."),
]
Data = Annotated[Path, typer.Option("--data", help="The data folder.", metavar="DIR")]
Rules = Annotated[
    list[Path] | None,
    typer.Option("--rules", help="Sigma rules: a folder, a file or a zip. May be repeated.", metavar="DIR"),
]
Content = Annotated[
    list[Path] | None,
    typer.Option("--content", help="Your own content folder, laid out as the built-in one. May be repeated."),
]
Source = Annotated[
    str | None, typer.Option("--source", help="Every record is of this log source; else it is recognised.")
]
Assets = Annotated[
    Path | None,
    typer.Option(
        "--inventory",
        help="Declares accounts and machines: owner, criticality, environment, kind; YAML or CSV.",
        metavar="FILE",
    ),
]
Geo = Annotated[
    list[Path] | None,
    typer.Option("--geo", help="A MaxMind DB file that says where addresses are. May be repeated.", metavar="FILE"),
]
FilterNoise = Annotated[
    bool, typer.Option("--filter-noise", help="Drop what the noise filters of the content are about.")
]
Processes = Annotated[
    int, typer.Option("--workers", min=0, max=64, help="Processes that long input is given to; 0: none.", metavar="N")
]
DATA = DEFAULT_DATA
WORKERS = DEFAULT_WORKERS
