"""``deadletters``: what could not be read, and why."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from watchfloor.cli.options import DATA, Data
from watchfloor.cli.progress import stderr
from watchfloor.console.text import visible
from watchfloor.deadletter import DeadLetter
from watchfloor.errors import InputError
from watchfloor.settings import DataFolder

app = typer.Typer(help="Records that did not become events.", no_args_is_help=True)
_DECODER = msgspec.json.Decoder(DeadLetter)


@app.command("list")
def list_(data: Data = DATA) -> None:
    """How many, by stage and reason, with the first place of each."""
    letters = _read(data)
    counts = Counter((letter.stage, letter.reason) for letter in letters)
    first = {(letter.stage, letter.reason): letter.place() for letter in reversed(letters)}
    table = Table("n", "stage", "reason", "count", "first at")
    for number, (key, count) in enumerate(counts.most_common(), start=1):
        table.add_row(str(number), key[0], Text(visible(key[1])), f"{count:,}", Text(visible(first[key])))
    stderr().print(table if counts else "No dead letters.")


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="The letter's position, from 1.", min=1)], data: Data = DATA
) -> None:
    """One dead letter with its bytes: the place and the reason on standard error, the bytes on standard output."""
    letters = _read(data)
    if number > len(letters):
        raise InputError(f"{data}: there are {len(letters)} dead letters")
    letter = letters[number - 1]
    cut = f", the first {len(letter.raw)} of {letter.size} bytes" if letter.size > len(letter.raw) else ""
    stderr().print(Text(visible(f"{letter.place()}: {letter.reason} ({letter.stage}{cut})")))
    sys.stdout.buffer.write(letter.raw + b"\n")


def _read(data: Path) -> list[DeadLetter]:
    folder = DataFolder(data)
    folder.require()
    if not folder.dead_letters.exists():
        return []
    return [_DECODER.decode(line) for line in folder.dead_letters.read_bytes().splitlines()]
