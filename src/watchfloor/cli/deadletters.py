"""``deadletters``: what could not be read, and why."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from watchfloor.cli.options import DATA, Content, Data, Rules
from watchfloor.cli.progress import stderr, stdout
from watchfloor.cli.rules_loading import rule_cache, source_cache, tell_errors
from watchfloor.clock import now_ms
from watchfloor.console.text import visible
from watchfloor.deadletter import MAX_RAW_BYTES, DeadLetter
from watchfloor.errors import InputError
from watchfloor.run.content import load_content
from watchfloor.run.identities import known_identities
from watchfloor.run.knowledge import known_of
from watchfloor.run.replay import Replayed, replay_letters
from watchfloor.settings import DEFAULT_TENANT, DataFolder
from watchfloor.store.findings import FindingStore
from watchfloor.store.lake import Lake
from watchfloor.store.letters import LetterFolder, read_letters, rewriting

app = typer.Typer(help="Records that did not become events.", no_args_is_help=True)
WHOLE = 10 * MAX_RAW_BYTES
"""So much of a letter is shown on a terminal."""


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


@app.command()
def replay(
    *,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Only those whose reason has this text in it.", metavar="TEXT")
    ] = None,
    rules: Rules = None,
    content: Content = None,
    data: Data = DATA,
) -> None:
    """Read dead letters again, after a source was mended: what is an event now goes into the lake, once.

    Letters that became events are dead letters no more; the others stay, with the reason of now. Findings of rules of
    single events are kept; those that look at several events see the new ones in the next investigation.
    """
    folder = DataFolder(data)
    folder.require()
    loaded = load_content(
        rules=tuple(rules or ()), user=tuple(content or ()), load=rule_cache().load, sources=source_cache().load
    )
    tell_errors(loaded.errors)
    now = now_ms()
    known = known_of(folder, loaded, DEFAULT_TENANT, known_identities(folder, DEFAULT_TENANT))
    lake, findings, workers = Lake(folder.lake), FindingStore(folder.database), loaded.workers(0, reference=known)
    done = Replayed()
    try:
        for path in _files(folder):
            with rewriting(path) as keep:
                chosen = _chosen(path, reason, keep)
                done += replay_letters(chosen, workers, lake, findings, now=now, on_still=keep)
    finally:
        findings.close()
    stderr().print(
        f"{done.records:,} records read again: {done.events:,} new events, {done.findings:,} new findings; "
        f"{done.still:,} are dead letters still."
    )


def _chosen(path: Path, reason: str | None, others: Callable[[DeadLetter], None]) -> Iterator[DeadLetter]:
    for letter in read_letters(path):
        if reason is None or reason in letter.reason:
            yield letter
        else:
            others(letter)


def _files(folder: DataFolder) -> Iterator[Path]:
    """The files of dead letters: of what was investigated, and of what arrived live."""
    if folder.dead_letters.exists():
        yield folder.dead_letters
    yield from LetterFolder(folder.letters).files()


def _read(data: Path) -> Iterator[DeadLetter]:
    folder = DataFolder(data)
    folder.require()
    for path in _files(folder):
        yield from read_letters(path)
