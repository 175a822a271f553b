"""What a live run has worked out and the lake does not have yet: all of it becomes visible at once, or none of it."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.costs import cost
from watchfloor.deadletter import DeadLetter
from watchfloor.detect.noise import NoiseFilter
from watchfloor.enrich.duplicates import WINDOW, Duplicates
from watchfloor.enrich.indicators import Indicators
from watchfloor.finding import Finding
from watchfloor.operator import KeyedOperator, Reference
from watchfloor.run.alerts import alerts, revised
from watchfloor.run.alerts import latest as latest_told
from watchfloor.run.chain import Chained
from watchfloor.run.giving_back import give_back
from watchfloor.run.hiding import Hiding, hide
from watchfloor.run.learning import Learning
from watchfloor.run.noise import Noise
from watchfloor.run.quality import Quality
from watchfloor.run.sightings import sightings
from watchfloor.store.findings import FindingStore
from watchfloor.store.lake import Lake
from watchfloor.store.lake_writer import Writing, stage
from watchfloor.store.lakefile import LakeFile
from watchfloor.store.latest import latest
from watchfloor.store.letters import LetterFolder
from watchfloor.store.quality import QualityStore

PIECE_ROWS = 32_768
PIECE_BYTES = 64 << 20
"""When so much waits, it is written, though nobody sees it before it is committed: what waits is in memory, twice while
it is sorted."""

STREAM = "live"
"""What arrives, among the streams that a lake is made of."""


class Stores(msgspec.Struct, frozen=True):
    """Where a live run reads and writes."""

    landing: Path
    lake: Lake
    findings: FindingStore
    letters: LetterFolder
    quality: QualityStore


class Knowledge(msgspec.Struct, frozen=True):
    """What a live run knows beforehand.

    What enrichment knows, what is told to be noise, who looks at events later, and what hides findings.
    """

    reference: Reference = Reference()
    filters: tuple[NoiseFilter, ...] = ()
    keyed: tuple[KeyedOperator[Any], ...] = ()
    hiding: Hiding | None = None


class Worked(msgspec.Struct):
    """What a live run has done since it began, for people and measurements; what was done again counts again.

    ``committed`` counts the records of which all is in the lake, ``taken_over`` how often something new was taken over,
    ``by_source`` events, ``filtered`` by filter those that were noise, ``suppressed`` by suppression findings;
    ``trouble`` is why nothing could be stored last time, if it could not.
    """

    records: int = 0
    committed: int = 0
    events: int = 0
    duplicates: int = 0
    findings: int = 0
    dead_letters: int = 0
    commits: int = 0
    restarts: int = 0
    taken_over: int = 0
    by_source: Counter[str] = msgspec.field(default_factory=Counter)
    filtered: dict[str, int] = msgspec.field(default_factory=dict)
    suppressed: Counter[str] = msgspec.field(default_factory=Counter)
    trouble: str = ""


class Uncommitted:
    """Begins where the lake stands; use as a context manager.

    Raises:
        StoreError: The disk refuses something; then this is of no use any more, and a new one begins where the lake
            stands.
    """

    def __init__(
        self, stores: Stores, knowledge: Knowledge, quality: Quality, learning: Learning, worked: Worked
    ) -> None:
        self._stores = stores
        self._learning = learning
        self._quality = quality
        self._worked = worked
        self._indicators = Indicators(knowledge.reference)
        self._noise = Noise(knowledge.filters, knowledge.keyed)
        self._hiding = knowledge.hiding
        self._duplicates = _remembered(stores.lake)
        self._since: float | None = None
        self._last = 0
        self._records = 0
        self._events: list[pa.RecordBatch] = []
        self._event_rows = self._event_bytes = 0
        self._files: list[LakeFile] = []
        self._letters: list[DeadLetter] = []
        self.upto = stores.lake.upto(STREAM) or 0
        """The last segment that is committed."""
        self._staged = self.upto
        self.rows = 0
        self.size = 0
        """Bytes of memory."""
        stores.letters.cut(self.upto)

    def __enter__(self) -> Self:
        self._writing = Writing(self._stores.lake.folder)
        return self

    def __exit__(self, *_: object) -> None:
        """What was not committed is let go."""
        self._writing.close()

    @property
    def age(self) -> float:
        """For how many seconds the oldest of it has waited."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def know(self, knowledge: Knowledge) -> None:
        """Go on with this; what is added from now on comes from a chain that knows the same."""
        self._indicators = Indicators(knowledge.reference)
        self._noise = self._noise.followed_by(knowledge.filters, knowledge.keyed)
        self._hiding = knowledge.hiding

    def add(self, done: Chained, *, now: int) -> None:
        """Add what became of a batch; its findings are on disk when this returns."""
        with cost("noise"):
            loud = self._noise.process(done.events, done.noisy)
        with cost("duplicates"):
            new = self._duplicates.process(loud, done.findings)
            events = new.events
        with cost("learn"):
            self._learning.observe(events)
        with cost("findings"):
            found = self._shown([*new.findings, *self._told(events)], events, now)
            self._worked.findings += self._stores.findings.add(found, now=now)
        self._worked.events += events.num_rows
        self._worked.duplicates += loud.num_rows - events.num_rows
        self._worked.filtered = dict(self._noise.dropped)
        self._worked.by_source.update(events.column("source").to_pylist())
        self._quality.observe(events, done.dead_letters, now=now)
        self._events.append(events)
        self._event_rows += events.num_rows
        self._event_bytes += events.nbytes
        self.rows += events.num_rows
        self.size += events.nbytes
        self.refuse(done.dead_letters)

    def refuse(self, letters: Sequence[DeadLetter]) -> None:
        """Add dead letters."""
        self._worked.dead_letters += len(letters)
        self._letters += letters
        self.rows += len(letters)
        self.size += sum(len(one.raw) for one in letters)

    def _shown(self, findings: list[Finding], events: pa.RecordBatch, now: int) -> list[Finding]:
        """The findings that no suppression hides; the others are kept beside the stream."""
        if self._hiding is None:
            return findings

        def by_uid(_tenant: str, uids: Iterable[str]) -> list[Mapping[str, Any]]:
            rows = pc.is_in(events.column("metadata.uid"), pa.array(uids, pa.string()))
            found: list[Mapping[str, Any]] = events.filter(rows).to_pylist()
            return found

        shown, hidden = hide(findings, self._hiding, by_uid, "")
        self._stores.findings.add_suppressed(((one.suppression, one.finding) for one in hidden), now=now)
        self._worked.suppressed.update(one.suppression for one in hidden)
        return shown

    def _told(self, events: pa.RecordBatch) -> Iterator[Finding]:
        """What other products and indicators tell of events, as revisions of what they told before."""
        for told in latest_told([*alerts(events), *sightings(events, self._indicators)]):
            new = revised(self._stores.findings.last(told.tenant, told.uid), told)
            if new is not None:
                yield new

    def done(self, segment: int, *, records: int) -> None:
        """All of the segments up to this one was added."""
        self._last = segment
        self._worked.records += records
        self._records += records
        self._since = self._since or time.monotonic()
        if self._event_rows >= PIECE_ROWS or self._event_bytes >= PIECE_BYTES:
            self._stage()

    def commit(self) -> bool:
        """Make what was added visible; says whether there was anything."""
        if self._since is None:
            return False
        first, last, lake = self.upto + 1, self._last, self._stores.lake
        self._stores.letters.keep(self._letters, first=first, last=last)
        with cost("learn"):
            self._learning.keep()
        self._stage()
        with cost("lake"):
            lake.commit(self._files, stream=STREAM, upto=last)
        with cost("quality"):
            self._stores.quality.keep(self._quality.dump())
            self._learning.clocks(self._quality.ahead)
        self.upto, self.rows, self.size, self._since = last, 0, 0, None
        self._files, self._letters = [], []
        self._worked.commits += 1
        self._worked.committed += self._records
        self._records = 0
        self._worked.trouble = ""
        return True

    def _stage(self) -> None:
        """Write the events at hand into files that nobody sees yet."""
        if self._last == self._staged:
            return
        with cost("lake"):
            folder = self._stores.lake.folder
            self._files += stage(folder, self._events, stream=STREAM, first=self._staged + 1, last=self._last)
        self._staged = self._last
        self.size -= self._event_bytes
        self._events, self._event_rows, self._event_bytes = [], 0, 0
        with cost("lake"):
            give_back()


def _remembered(lake: Lake) -> Duplicates:
    """What tells duplicates of the events that came into the lake last, before this run."""
    duplicates = Duplicates()
    for batch in latest(lake, ("tenant", "source", "metadata.uid", "raw"), WINDOW):
        duplicates.process(batch)
    duplicates.counts.clear()
    return duplicates
