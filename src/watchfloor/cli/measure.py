"""``metrics`` and ``score``: how the work goes, and how detections compare with the truth."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from watchfloor.case import Case, Disposition
from watchfloor.cli.figures import metrics_tables, score_tables
from watchfloor.cli.options import DATA, Data
from watchfloor.cli.progress import stderr, stdout
from watchfloor.correlate import deserves_a_case
from watchfloor.deadletter import DeadLetter
from watchfloor.errors import InputError
from watchfloor.evidence import read_public_key, verify_pack
from watchfloor.learn import by_uid, read_labels
from watchfloor.metrics import (
    Figures,
    Score,
    measure,
    read_cases,
    read_detections,
    read_lines,
    read_truth,
    score_detections,
    standing,
)
from watchfloor.settings import DEFAULT_TENANT, DataFolder
from watchfloor.store.cases import CaseStore
from watchfloor.store.lake import Lake

Json = Annotated[
    bool, typer.Option("--json", help="One JSON object on standard output; the tables go to standard error.")
]


def metrics(data: Data = DATA, *, json: Json = False) -> None:
    """How the work goes: dwell time, compression, audit readiness…; what cannot be measured yet says why."""
    folder = DataFolder(data)
    folder.require()
    figures = measure(
        _stored(folder),
        events=_events(folder),
        findings=len(standing(read_detections(folder.findings))) if folder.findings.exists() else 0,
        dispositions=_dispositions(folder),
        dead_letters=_dead_letters(folder),
        packs=folder.packs,
        verifies=lambda pack: _verifies(pack, folder),
        makes_a_case=deserves_a_case,
    )
    _people(json=json).print(*metrics_tables(figures), sep="\n")
    if json:
        _emit(figures)


def score(
    *,
    truth: Annotated[Path, typer.Option("--truth", help="truth.ndjson of a simulation.", metavar="FILE")],
    findings: Annotated[
        Path,
        typer.Option("--findings", help="findings.ndjson, detect --brief, or foreign findings.", metavar="FILE"),
    ],
    cases: Annotated[Path | None, typer.Option("--cases", help="cases.ndjson, to score the grouping.")] = None,
    json: Json = False,
) -> None:
    """Detections against the truth: what was found, how soon, and what paged somebody for nothing."""
    entries, detections = read_truth(truth), read_detections(findings)
    known = frozenset(one.uid for one in detections if one.uid is not None)
    scored = score_detections(entries, detections, None if cases is None else read_cases(cases, known))
    _people(json=json).print(*score_tables(scored), sep="\n")
    if json:
        _emit(scored)


def _people(*, json: bool) -> Console:
    """Where tables go: to standard output, unless that is a machine's."""
    return stderr() if json else stdout()


def _stored(folder: DataFolder) -> Sequence[Case]:
    if not folder.database.exists():
        return ()
    store = CaseStore(folder.database)
    try:
        return store.all(DEFAULT_TENANT)
    finally:
        store.close()


def _events(folder: DataFolder) -> int:
    with Lake(folder.lake).snapshot() as snapshot:
        return snapshot.rows


def _dispositions(folder: DataFolder) -> dict[str, Disposition]:
    labels = read_labels(folder.labels) if folder.labels.exists() else ()
    return {uid: label.disposition for uid, label in by_uid(labels).items()}


def _dead_letters(folder: DataFolder) -> Iterator[DeadLetter]:
    if folder.dead_letters.exists():
        decode = msgspec.json.Decoder(DeadLetter).decode
        yield from (letter for _, letter in read_lines(folder.dead_letters, decode))


def _verifies(pack: Path, folder: DataFolder) -> bool:
    key = folder.path / "keys" / "evidence.pub"
    try:
        return verify_pack(pack, read_public_key(key) if key.exists() else None).verified
    except InputError:
        return False


def _emit(value: Figures | Score) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
