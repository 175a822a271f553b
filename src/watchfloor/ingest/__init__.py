"""Reads the outside: files, folders and standard input, in any framing, compression and encoding, as raw records.

What a file is, is recognised by its content:

* JSON: one object a line; objects over many lines or one after the other; arrays; wrappers such as CloudTrail's
  ``{"Records": [...]}`` (:mod:`watchfloor.ingest.wrappers` lists them);
* binary Windows event logs;
* CSV with a header: each row becomes an object of strings; logs that name their columns in another way, too (Zeek's own
  format, W3C extended, AWS flow logs);
* Windows events as XML: each is a record; mail: a message is a record, a mailbox has many;
* lines of text: each is a record;
* all of that in gzip, zstandard or zip, inside each other, and in UTF-8 or UTF-16.

Ingest finds where records begin and end, and keeps their exact bytes. What a record is, and of which source, is for
normalization to say: a line that begins and ends like an object, and is none, is dead-lettered there, as is a line of
text that no source knows.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from watchfloor.clock import Clock
from watchfloor.deadletter import DeadLetter
from watchfloor.ingest.batches import Batches, Ordinals
from watchfloor.ingest.delivery import Delivery, deliveries
from watchfloor.ingest.files import STDIN, Found, check, find, place
from watchfloor.ingest.frame import Unreadable
from watchfloor.ingest.letters import Letters
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.stream import file_stream

__all__ = ["Limits", "OnDeadLetter", "OnProgress", "read"]

OnDeadLetter = Callable[[DeadLetter], None]
OnProgress = Callable[[str, int, int], None]
"""Called with a file's path, the bytes read of it so far, compressed as it lies there, and its size; 0 if not known."""


def read(
    paths: Sequence[str | Path],
    *,
    tenant: str,
    clock: Clock,
    on_dead_letter: OnDeadLetter,
    on_progress: OnProgress | None = None,
    batch_rows: int = 4096,
    batch_bytes: int = 8 << 20,
    limits: Limits | None = None,
    stdin: BinaryIO | None = None,
) -> Iterator[pa.RecordBatch]:
    """The records of files, folders and ``-`` (standard input), in batches of ``RAW_SCHEMA``.

    A folder is read whole: its files in the order of their names, then its folders.

    A batch may span files; it ends with the record that reaches ``batch_rows`` or ``batch_bytes``. ``path`` is as it
    was given, with ``!member`` inside an archive; what does not print in it is escaped. ``line`` is that of the first
    byte in the decompressed file (in an event log, the record's position), ``index`` the position in an array.
    ``ordinal`` counts identical records within one file or member. What concerns a whole file stands at line 1.

    Of what cannot be read, ``on_dead_letter`` gets the first ``limits.same_reason`` of each reason and file, then one
    with the number of the others. A file without any record gives at least one dead letter.

    Raises:
        InputError: An argument gives nothing readable; raised at once, before anything is read.
    """
    check(paths)
    reader = _Reader(tenant, on_dead_letter, on_progress, limits or Limits(), stdin)
    return reader.batches(paths, Batches(tenant, clock, rows=batch_rows, size=batch_bytes))


class _Reader:
    def __init__(
        self,
        tenant: str,
        on_dead_letter: OnDeadLetter,
        on_progress: OnProgress | None,
        limits: Limits,
        stdin: BinaryIO | None,
    ) -> None:
        self._tenant = tenant
        self._on_dead_letter = on_dead_letter
        self._on_progress = on_progress
        self._limits = limits
        self._stdin = stdin

    def batches(self, paths: Sequence[str | Path], batches: Batches) -> Iterator[pa.RecordBatch]:
        for found in find(paths):
            for path, items in self._deliveries(found):
                letters = Letters(self._tenant, path, self._limits.same_reason, self._on_dead_letter)
                ordinals = Ordinals()
                for item in items:
                    if isinstance(item, Unreadable):
                        letters.add(item)
                    else:
                        yield from batches.add(path, item, ordinals.of(item.raw))
                if not ordinals and not letters:
                    letters.add(Unreadable("no records in it", 1))
                letters.close()
        if len(batches):
            yield batches.take()

    def _deliveries(self, found: Found) -> Iterator[Delivery]:
        path = place(found.path)
        if found.reason:
            yield path, iter((Unreadable(found.reason, 1),))
            return
        with ExitStack() as stack:
            try:
                file, size = self._open(found.path, stack)
            except OSError as error:
                yield path, iter((Unreadable(f"cannot be read: {error.strerror or error}", 1),))
                return
            stream = file_stream(file, lambda done: self._progress(path, done, size))
            yield from deliveries(stream, path, self._limits)

    def _open(self, path: str, stack: ExitStack) -> tuple[BinaryIO, int]:
        if path == STDIN:
            return self._stdin or sys.stdin.buffer, 0
        file = Path(path).open("rb")  # noqa: SIM115 - the stack closes it
        stack.enter_context(file)
        return file, os.fstat(file.fileno()).st_size

    def _progress(self, path: str, done: int, size: int) -> None:
        if self._on_progress:
            self._on_progress(path, min(done, size) if size else done, size)
