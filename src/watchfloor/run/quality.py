"""The quality of what arrives, by source and by input: kept as it comes, told as one page, silence as a finding."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from watchfloor.costs import cost
from watchfloor.deadletter import DeadLetter
from watchfloor.enrich.clocks import Clocks, Key, Skew, clock_table
from watchfloor.errors import StoreError
from watchfloor.finding import Finding, Rule, finding_uid
from watchfloor.normalize.drift import Profile, SchemaDrift
from watchfloor.run.volume import HOUR, Latencies, Volume
from watchfloor.store.quality import QualityStore

SILENT = Rule(
    "watchfloor-silent-source",
    "A source is silent for longer than it ever was",
    "medium",
    description="Nothing of a log source arrived for twice its longest gap of two weeks.",
    false_positives=("The source was taken away on purpose", "A holiday that its last two weeks do not show"),
    runbook="Look whether its input reads (watchfloor quality), whether its credentials are valid, and whether the "
    "product itself still writes. An attacker who turns logging off looks like this.",
)
MAX_SOURCES = 4096
MAX_INPUTS = 4096
MAX_SENTENCES = 5
MAX_REASON = 200
MAX_CLOCKS = 1000
KEPT_CLOCKS = 10_000
"""Of so many clocks that are ahead it is kept how far, those that were seen last."""
SAMPLED = 64
"""Of a source, the latency of so many events of a batch is noted."""

_BASE_EVENT = 0


class SourceState(msgspec.Struct):
    """What is kept of one source of one tenant."""

    volume: Volume = msgspec.field(default_factory=Volume)
    latencies: Latencies = msgspec.field(default_factory=Latencies)
    before: Latencies = msgspec.field(default_factory=Latencies)
    """The latencies of the hour before."""
    hour: int = 0
    events: int = 0
    incomplete: int = 0
    refused: int = 0
    drifts: list[str] = msgspec.field(default_factory=list)
    clocks: list[tuple[int, int, int]] = msgspec.field(default_factory=list)
    """The skews of clocks that are ahead when last asked for: estimate, low, high (ms), the worst first."""
    silent_since: int = 0
    """When it was last seen, if its silence was told."""


class InputState(msgspec.Struct):
    """What is kept of one input: events, and records that became none, with the reason of the last one."""

    events: int = 0
    refused: int = 0
    last: int = 0
    reason: str = ""


class State(msgspec.Struct):
    """What is kept."""

    sources: dict[str, dict[str, SourceState]] = msgspec.field(default_factory=dict)
    inputs: dict[str, InputState] = msgspec.field(default_factory=dict)
    profile: Profile = msgspec.field(default_factory=Profile)
    refused: list[str] = msgspec.field(default_factory=list)
    """What of the platform's own content could not be taken over, and why."""
    minima: list[tuple[Key, list[tuple[int, int]]]] = msgspec.field(default_factory=list)
    """Of the clocks that are ahead, from what it is known."""
    left_out: int = 0
    """Sources and inputs that there was no room for."""


class SourceQuality(msgspec.Struct, frozen=True):
    """One source as people are told: shares are of all its events, times are ms."""

    tenant: str
    source: str
    events: int
    last_hour: int
    usual_hour: int | None
    hours: tuple[int, ...]
    """The last 24 full hours and the one at hand."""
    volume: str
    last_seen: int
    silent: bool
    patience: int
    latency_p50: int
    latency_p95: int
    unread_share: float
    incomplete_share: float
    clocks_ahead: int
    worst_clock: int
    worst_interval: tuple[int, int] | None
    drifts: int
    drift: tuple[str, ...]


class InputQuality(msgspec.Struct, frozen=True):
    """One input as people are told."""

    path: str
    records: int
    unread_share: float
    last_seen: int
    reason: str


class Quality:
    """Looks at what arrives; one thread's. ``dump`` and ``Quality.kept`` keep it over restarts.

    Counts of records that were worked on again after a kill count again.
    """

    def __init__(self, state: State | None = None) -> None:
        self._state = state or State()
        self._clocks = Clocks()
        for key, minima in self._state.minima:
            self._clocks.restore(key, minima)
        self.ahead: dict[str, str] = {}
        """The clocks that are ahead, as a reference table; as of the last ``dump``."""
        self._drift = SchemaDrift(self._state.profile)
        self._read_clocks()

    def dump(self) -> bytes:
        """The state as MessagePack."""
        self._read_clocks()
        return msgspec.msgpack.encode(self._state)

    @classmethod
    def kept(cls, store: QualityStore) -> "Quality":
        """Go on from what ``dump`` gave and a store keeps, if it keeps anything.

        Raises:
            StoreError: It cannot be read, or is not as this version writes it.
        """
        blob = store.kept()
        try:
            return cls() if blob is None else cls(msgspec.msgpack.decode(blob, type=State))
        except msgspec.MsgspecError as error:
            raise StoreError(f"{store.path}: not as this version writes it; move it away: {error}") from error

    def observe(self, events: pa.RecordBatch, letters: Sequence[DeadLetter], *, now: int) -> None:
        """Look at events that arrived, and at records that became none."""
        if events.num_rows:
            self._observe(events, now)
        for letter in letters:
            if (entry := self._input(letter.origin.path)) is not None:
                entry.refused += 1
                entry.last, entry.reason = now, letter.reason[:MAX_REASON]
            name = letter.source or letter.reason.partition(":")[0]
            if (state := self._state.sources.get(letter.tenant, {}).get(name)) is not None:
                state.refused += 1

    def _observe(self, events: pa.RecordBatch, now: int) -> None:
        with cost("clocks"):
            self._clocks.learn(events)
        with cost("quality"):
            for tenant, source, mine in _by_source(events):
                if (state := self._source(tenant, source)) is not None:
                    _note(state, mine, now)
            for path, count in _counts(events.column("origin.path")):
                if (entry := self._input(path)) is not None:
                    entry.events += count
                    entry.last = now
        with cost("drift"):
            found = self._drift.observe(events)
        for one in found:
            for sources in self._state.sources.values():
                if (state := sources.get(one.source)) is not None:
                    state.drifts = [*state.drifts, one.sentence()][-MAX_SENTENCES:]

    @property
    def refused(self) -> list[str]:
        """What of the platform's own content could not be taken over, and why."""
        return self._state.refused

    def refuse(self, reasons: Sequence[str]) -> None:
        """Tell these instead of those that were told."""
        self._state.refused = list(reasons)

    def silences(self, now: int) -> list[Finding]:
        """A finding for each source that is silent and was not told, a corrected one for each that speaks again."""
        return [finding for tenant, source, state in self._all() if (finding := _silence(tenant, source, state, now))]

    def told(self, silences: Iterable[Finding]) -> None:
        """These were told; they are not told again."""
        for finding in silences:
            state = self._state.sources[finding.tenant][finding.key]
            state.silent_since = finding.start if finding.status == "new" else 0

    def sources(self, now: int) -> list[SourceQuality]:
        """What is to be told of each source, by tenant and name."""
        self._read_clocks()
        drifts = self._drift.counts
        told = (
            _told(
                tenant,
                source,
                state,
                drifts=drifts.get(source, 0),
                now=now,
            )
            for tenant, source, state in self._all()
        )
        return sorted(told, key=lambda one: (one.tenant, one.source))

    def inputs(self) -> list[InputQuality]:
        """What is to be told of each input, by path."""
        return [
            InputQuality(
                path,
                one.events + one.refused,
                _share(one.refused, one.events + one.refused),
                one.last,
                one.reason,
            )
            for path, one in sorted(self._state.inputs.items())
        ]

    def _read_clocks(self) -> None:
        ahead: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        told: list[tuple[Key, Skew]] = []
        for key, skew in self._clocks.skews():
            skews = ahead.setdefault(key[:2], [])
            if skew.ahead:
                skews.append((skew.estimate, skew.low, skew.high))
                told.append((key, skew))
        self.ahead = clock_table(told)
        self._state.minima = [(key, self._clocks.minima(key)) for key, _ in told[-KEPT_CLOCKS:]]
        for tenant, source, state in self._all():
            if (found := ahead.get((tenant, source))) is not None:
                state.clocks = sorted(found)[:MAX_CLOCKS]

    def _all(self) -> Iterator[tuple[str, str, SourceState]]:
        for tenant, sources in self._state.sources.items():
            for source, state in sources.items():
                yield tenant, source, state

    def _source(self, tenant: str, source: str) -> SourceState | None:
        sources = self._state.sources.setdefault(tenant, {})
        if source not in sources:
            if sum(map(len, self._state.sources.values())) >= MAX_SOURCES:
                self._state.left_out += 1
                return None
            sources[source] = SourceState()
        return sources[source]

    def _input(self, path: str) -> InputState | None:
        if path not in self._state.inputs:
            if len(self._state.inputs) >= MAX_INPUTS:
                self._state.left_out += 1
                return None
            self._state.inputs[path] = InputState()
        return self._state.inputs[path]


def _by_source(events: pa.RecordBatch) -> Iterator[tuple[str, str, pa.RecordBatch]]:
    light = events.select(["tenant", "source", "time", "ingested_at", "class_uid"])
    for tenant, _ in _counts(light.column("tenant")):
        mine = light.filter(pc.equal(light.column("tenant"), tenant))
        for source, _ in _counts(mine.column("source")):
            yield tenant, source, mine.filter(pc.equal(mine.column("source"), source))


def _counts(column: pa.Array) -> list[tuple[str, int]]:
    return [(one["values"], one["counts"]) for one in pc.value_counts(column).to_pylist()]


def _note(state: SourceState, mine: pa.RecordBatch, now: int) -> None:
    state.events += mine.num_rows
    state.incomplete += pc.sum(pc.equal(mine.column("class_uid"), _BASE_EVENT)).as_py() or 0
    state.volume.add(mine.num_rows, now)
    if now // HOUR != state.hour:
        state.hour, state.before, state.latencies = now // HOUR, state.latencies, Latencies()
    step = max(mine.num_rows // SAMPLED, 1)
    some = mine.take(pa.array(range(0, mine.num_rows, step), pa.int64()))
    state.latencies.add(pc.subtract(some.column("ingested_at"), some.column("time")).to_pylist())


def _silence(tenant: str, source: str, state: SourceState, now: int) -> Finding | None:
    volume = state.volume
    if state.silent_since:
        if volume.last <= state.silent_since:
            return None
        told = _finding(tenant, source, state.silent_since, end=volume.last, words=f"{source} speaks again.")
        return msgspec.structs.replace(told, revision=2, status="corrected")
    if not volume.is_silent(now):
        return None
    minutes, usual = (now - volume.last) // 60_000, volume.patience(now) // 60_000
    words = f"{source} has sent nothing for {minutes} minutes; it may be silent for {usual}."
    return _finding(tenant, source, volume.last, end=now, words=words)


def _finding(tenant: str, source: str, since: int, *, end: int, words: str) -> Finding:
    return Finding(
        uid=finding_uid(rule_id=SILENT.id, tenant=tenant, key=source, bucket=str(since)),
        tenant=tenant,
        rule=SILENT,
        start=since,
        end=end,
        event_uids=(),
        source=source,
        key=source,
        summary=words,
    )


def _told(tenant: str, source: str, state: SourceState, *, drifts: int, now: int) -> SourceQuality:
    volume, hour = state.volume, now // HOUR
    latencies = state.latencies if state.latencies.counts else state.before
    estimate, *interval = state.clocks[0] if state.clocks else (0,)
    return SourceQuality(
        tenant=tenant,
        source=source,
        events=state.events,
        last_hour=volume.hours.get(hour - 1, 0),
        usual_hour=volume.baseline(hour - 1),
        hours=tuple(volume.hours.get(at, 0) for at in range(hour - 24, hour + 1)),
        volume=volume.change(now),
        last_seen=volume.last,
        silent=volume.is_silent(now),
        patience=volume.patience(now),
        latency_p50=latencies.percentile(50),
        latency_p95=latencies.percentile(95),
        unread_share=_share(state.refused, state.events + state.refused),
        incomplete_share=_share(state.incomplete, state.events),
        clocks_ahead=len(state.clocks),
        worst_clock=-estimate,
        worst_interval=(-interval[1], -interval[0]) if interval else None,
        drifts=drifts,
        drift=tuple(state.drifts),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
