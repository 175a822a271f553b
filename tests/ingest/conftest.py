"""Reading as the command line does it: paths in, rows and dead letters out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from watchfloor.deadletter import DeadLetter
from watchfloor.event import RAW_SCHEMA
from watchfloor.ingest import Limits, read
from watchfloor.ingest.frame import Framing, Unreadable, frame

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Result(NamedTuple):
    batches: list[pa.RecordBatch]
    letters: list[DeadLetter]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for batch in self.batches for row in batch.to_pylist()]

    @property
    def raw(self) -> list[bytes]:
        return [row["raw"] for row in self.rows]

    @property
    def places(self) -> list[tuple[str, int, int | None]]:
        return [(row["path"], row["line"], row["index"]) for row in self.rows]

    @property
    def lines(self) -> list[int]:
        return [row["line"] for row in self.rows]

    @property
    def reasons(self) -> list[str]:
        return [f"{letter.place()}: {letter.reason}" for letter in self.letters]


@dataclass(frozen=True)
class Record:
    raw: bytes
    line: int
    index: int | None = None


def framed(chunks: Iterable[bytes], framing: Framing, limits: Limits) -> list[Record | Unreadable]:
    """What framing gives, record by record."""
    found: list[Record | Unreadable] = []
    for item in frame(chunks, framing, limits):
        if isinstance(item, Unreadable):
            found.append(item)
        else:
            found += map(Record, item.raw, item.line, item.index)
    return found


Ingest = Callable[..., Result]


@pytest.fixture
def ingest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ingest:
    """Reads the content given, as a file named ``log``, or else the paths given; paths are relative to a new folder."""
    monkeypatch.chdir(tmp_path)

    def run(*what: bytes | str | Path, **options: Any) -> Result:
        paths: list[str | Path] = []
        for one in what:
            if isinstance(one, bytes):
                Path("log").write_bytes(one)
                paths.append("log")
            else:
                paths.append(one)
        letters: list[DeadLetter] = []
        batches = list(read(paths, tenant="acme", clock=lambda: NOW, on_dead_letter=letters.append, **options))
        assert all(batch.schema == RAW_SCHEMA for batch in batches)
        assert all(letter.stage == "ingest" and letter.tenant == "acme" for letter in letters)
        return Result(batches, letters)

    return run
