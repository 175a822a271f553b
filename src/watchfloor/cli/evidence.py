"""``evidence``: packs for auditors."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from watchfloor.cli import cases
from watchfloor.cli.progress import stderr
from watchfloor.console.text import visible
from watchfloor.errors import GateError
from watchfloor.evidence import read_public_key, verify_pack

app = typer.Typer(help="Signed evidence packs.", no_args_is_help=True)
app.command("export")(cases.export)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The pack.")],
    key: Annotated[
        Path | None, typer.Option("--key", help="The public key that must have signed it.", metavar="PUB")
    ] = None,
) -> None:
    """Check a pack offline: every file, the chain, the citations and the signature. Exit 1 unless all of it matches."""
    report = verify_pack(file, read_public_key(key) if key else None)
    console = stderr()
    for line in report.lines():
        console.print(Text(visible(line)))
    if not report.verified:
        raise GateError(f"{file}: does not verify")
