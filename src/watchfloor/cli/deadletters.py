"""``deadletters``: what could not be read, and why."""

import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from watchfloor.cli.options import DATA, Data
from watchfloor.cli.progress import stderr, stdout
from watchfloor.console.text import visible
from watchfloor.deadletter import MAX_RAW_BYTES, DeadLetter
from watchfloor.errors import InputError, StoreError, storing
from watchfloor.settings import DataFolder

app = typer.Typer(help="Records that did not become events.", no_args_is_help=True)
WHOLE = 10 * MAX_RAW_BYTES
"""No letter is longer than this, each of its characters written out."""
_DECODER = msgspec.json.Decoder(DeadLetter)


@app.command("list")
def list_(data: Data = DATA) -> None:
    """How many, by stage and reason, with the first place of each."""
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    for letter in _read(data):
        counts[letter.stage, letter.reason] += 1
        first.setdefault((letter.stage, letter.reason), letter.place())
    table = Table("n", "stage", "reason", "count", "first at", box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, (key, count) in enumerate(counts.most_common(), start=1):
        table.add_row(str(number), key[0], Text(visible(key[1])), f"{count:,}", Text(visible(first[key])))
    stdout().print(table if counts else "No dead letters.")


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="The letter's position, from 1.", min=1)], data: Data = DATA
) -> None:
    """One dead letter with its bytes: the place and the reason on standard error, the bytes on standard output.

    A terminal is shown visible characters in their place: what could not be read may speak to it.
    """
    letter = next(islice(_read(data), number - 1, None), None)
    if letter is None:
        raise InputError(f"{data}: there are {sum(1 for _ in _read(data))} dead letters")
    cut = f", the first {len(letter.raw)} of {letter.size} bytes" if letter.size > len(letter.raw) else ""
    stderr().print(Text(visible(f"{letter.place()}: {letter.reason} ({letter.stage}{cut})")))
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(letter.raw + b"\n")
        return
    for line in letter.raw.decode("utf-8", "backslashreplace").split("\n"):
        stdout().print(Text(visible(line, WHOLE)), soft_wrap=True)


def _read(data: Path) -> Iterator[DeadLetter]:
    folder = DataFolder(data)
    folder.require()
    if not folder.dead_letters.exists():
        return
    with storing(folder.dead_letters), folder.dead_letters.open("rb") as file:
        for number, line in enumerate(file, start=1):
            yield _letter(folder.dead_letters, number, line)


def _letter(path: Path, number: int, line: bytes) -> DeadLetter:
    try:
        return _DECODER.decode(line)
    except msgspec.MsgspecError as error:
        raise StoreError(f"{path}:{number}: not a dead letter: {error}") from error
