"""Which telemetry there is: what files, or the lake of a data folder, hold, by log source."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from watchfloor.clock import Clock
from watchfloor.deadletter import DeadLetter
from watchfloor.errors import StoreError
from watchfloor.ingest import read
from watchfloor.native import LOGSOURCE, LogSource, decode_logsources
from watchfloor.normalize import Normalizer, Source
from watchfloor.settings import DEFAULT_TENANT
from watchfloor.store.lake import Lake
from watchfloor.store.rowgroup import read_group
from watchfloor.testing.sources import raw_batch

EXAMPLES = 3
"""How many events of a kind say which log sources its events serve."""

_KIND = ("source", "class_uid", "metadata.log_name", "metadata.event_code")


class Kind(msgspec.Struct, frozen=True):
    """A kind of events: source, OCSF class, log and event code (in lower case), Sigma log sources as text."""

    source: str
    class_uid: int
    log: str
    code: str
    logsources: str = ""


class Telemetry(msgspec.Struct, frozen=True):
    """How many events there are of each kind."""

    kinds: Counter[Kind]

    @property
    def events(self) -> int:
        """All events."""
        return self.kinds.total()

    @property
    def logs(self) -> frozenset[tuple[str, str]]:
        """The logs and event codes that there are, in lower case."""
        return frozenset((kind.log, kind.code) for kind in self.kinds)

    def count(self, holds: Callable[[Kind], bool]) -> int:
        """The events of the kinds of which something holds."""
        return sum(number for kind, number in self.kinds.items() if holds(kind))


def serves(kind: Kind, logsource: LogSource) -> bool:
    """Whether events of a kind are of a Sigma log source."""
    return any(logsource.served_by(one) for one in _decoded(kind.logsources))


_decoded = lru_cache(maxsize=4096)(decode_logsources)


def telemetry_of_files(
    paths: Sequence[str | Path],
    sources: Sequence[Source],
    *,
    clock: Clock,
    on_dead_letter: Callable[[DeadLetter], None] = lambda _letter: None,
    source: str | None = None,
) -> Telemetry:
    """What files hold.

    Raises:
        InputError: A path gives nothing readable.
    """
    normalizer = Normalizer(sources, source=source)
    kinds: Counter[Kind] = Counter()
    for raw in read(paths, tenant=DEFAULT_TENANT, clock=clock, on_dead_letter=on_dead_letter):
        normalized = normalizer.process(raw)
        for letter in normalized.dead_letters:
            on_dead_letter(letter)
        kinds.update(_kinds(normalized.events))
    return Telemetry(kinds)


def telemetry_of_lake(lake: Lake, sources: Sequence[Source]) -> Telemetry:
    """What a lake holds, all tenants together.

    The lake does not keep which Sigma log sources an event serves: :data:`EXAMPLES` events of each kind are read again.

    Raises:
        StoreError: The lake cannot be read.
    """
    kinds: Counter[Kind] = Counter()
    examples: dict[Kind, list[bytes]] = {}
    with lake.snapshot() as snapshot:
        for path in snapshot.paths:
            try:
                _scan(path, kinds, examples)
            except (OSError, pa.ArrowException) as error:
                raise StoreError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
    served = {kind: _served(kind, raws, sources) for kind, raws in examples.items()}
    return Telemetry(
        Counter({msgspec.structs.replace(kind, logsources=served[kind]): number for kind, number in kinds.items()})
    )


def _kinds(events: pa.RecordBatch) -> list[Kind]:
    names = [*_KIND, LOGSOURCE] if LOGSOURCE in events.schema.names else _KIND
    rows = zip(*(events.column(name).to_pylist() for name in names), strict=True)
    return [_kind(*row) for row in rows]


def _kind(
    source: str | None, class_uid: int | None, log: str | None, code: str | None, logsources: str | None = None
) -> Kind:
    return Kind(source or "", class_uid or 0, (log or "").lower(), (code or "").lower(), logsources or "")


def _scan(path: str, kinds: Counter[Kind], examples: dict[Kind, list[bytes]]) -> None:
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            wanted: dict[int, Kind] = {}
            row = 0
            for batch in read_group(file, group, list(_KIND)).to_batches():
                for kind in _kinds(batch):
                    kinds[kind] += 1
                    if kinds[kind] <= EXAMPLES:
                        wanted[row] = kind
                    row += 1
            if wanted:
                raws = read_group(file, group, ["raw"]).column("raw").take(pa.array(list(wanted)))
                for kind, raw in zip(wanted.values(), raws.to_pylist(), strict=True):
                    examples.setdefault(kind, []).append(raw)


def _served(kind: Kind, raws: Sequence[bytes], sources: Sequence[Source]) -> str:
    """The log sources that one of the examples serves."""
    known = [one for one in sources if one.name == kind.source]
    if not known:
        return ""
    events = Normalizer(known, source=kind.source).process(raw_batch(raws)).events
    texts = [text for text in events.column(LOGSOURCE).to_pylist() if text]
    return ";".join(dict.fromkeys(one for text in texts for one in text.split(";")))
