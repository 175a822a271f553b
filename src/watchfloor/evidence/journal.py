"""The chain's durable form: ``records.ndjson``, one line of canonical JSON a record, only ever appended to.

A record counts once fsync has returned. A write that a crash cut off leaves a last line without its newline, which was
never acknowledged; opening the chain for writing removes it.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from watchfloor.errors import StoreError, storing
from watchfloor.evidence.chain import GENESIS, Break, Chain, Record, break_of

MAX_LINE = 64 << 20

_DECODER = msgspec.json.Decoder(Record, strict=True)


@contextmanager
def open_chain(path: Path) -> Iterator[Chain]:
    """The chain kept at ``path``, for appending by this process alone; created if absent.

    Raises:
        StoreError: The file cannot be read or written, another process has it open, or a record is broken; the message
            names the first one.
    """
    with _locked(path) as file:
        _cut_torn_line(file)
        chain = Chain(_whole_records(file, path), keep=lambda records: _append(file, path, records))
        yield chain


def check_chain(path: Path) -> Break | None:
    """Read a chain's file and say where it is broken first; ``None`` if it is whole.

    Raises:
        StoreError: The file cannot be read.
    """
    with storing(path), path.open("rb") as handle:
        for found in _scan(handle.fileno()):
            if isinstance(found, Break):
                return found
    return None


def _whole_records(file: int, path: Path) -> Iterator[Record]:
    for found in _scan(file):
        if isinstance(found, Break):
            raise StoreError(f"{path}:{found.seq + 1}: record {found.seq} is broken: {found.reason}")
        yield found


def _scan(file: int) -> Iterator[Record | Break]:
    """The records of a file up to the first broken one, which comes as a break."""
    prev = GENESIS
    with os.fdopen(os.dup(file), "rb") as reader:
        reader.seek(0)
        seq = 0
        while line := reader.readline(MAX_LINE):
            try:
                record = _DECODER.decode(line)
                reason = break_of(record, seq=seq, prev=prev)
                if not reason and record.line() != line:
                    reason = "its line is not the canonical JSON of the record"
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                reason = f"not a record ({error})"
            if reason:
                yield Break(seq, reason)
                return
            yield record
            prev = record.hash
            seq += 1


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    with storing(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"{path}: another process is writing this chain") from error
        sync_folder(path.parent)
        yield file
    finally:
        os.close(file)


def _cut_torn_line(file: int) -> None:
    size = os.lseek(file, 0, os.SEEK_END)
    keep = size
    while keep:
        start = max(0, keep - (1 << 16))
        newline = os.pread(file, keep - start, start).rfind(b"\n")
        if newline >= 0:
            keep = start + newline + 1
            break
        keep = start
    if keep != size:
        os.ftruncate(file, keep)
        os.fsync(file)


def _append(file: int, path: Path, records: Sequence[Record]) -> None:
    size = os.lseek(file, 0, os.SEEK_END)
    data = memoryview(b"".join(record.line() for record in records))
    try:
        while data:
            data = data[os.write(file, data) :]
        os.fsync(file)
    except OSError as error:
        # A record that is half on disk would break the next one.
        os.ftruncate(file, size)
        raise StoreError(f"{path}: the record could not be written: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """Make a folder's new and renamed names durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
