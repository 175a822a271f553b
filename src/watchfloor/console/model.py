"""What the report and the terminal summary are rendered from: cases, the events that prove them, the run's counts.

Everything shown comes from here, so that rendering is a pure function: the same model gives the same bytes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from watchfloor.case import Case, first_to_read
from watchfloor.deadletter import DeadLetter
from watchfloor.errors import ContentError
from watchfloor.event import Origin
from watchfloor.finding import LEVELS, Finding

HOUR = 3_600_000
"""Milliseconds."""


class EvidenceEvent(msgspec.Struct, frozen=True):
    """An event as a reader of a report needs it: when (ms, UTC), from which source, what in a few words, read where."""

    time: int
    source: str
    words: str
    origin: Origin


class SourceCount(msgspec.Struct, frozen=True):
    """How many events one log source gave."""

    name: str
    events: int


class Activity(msgspec.Struct, frozen=True):
    """One hour: its start (ms, UTC), its events, its findings by level in the order of :data:`LEVELS`."""

    hour: int
    events: int
    levels: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)

    @property
    def findings(self) -> int:
        """The findings of all levels."""
        return sum(self.levels)


class KnownTechnique(msgspec.Struct, frozen=True):
    """An ATT&CK technique's name and the tactics it can serve."""

    name: str
    tactics: tuple[str, ...] = ()


class Pack(msgspec.Struct, frozen=True):
    """The evidence pack of a case: its file's name in the folder ``packs`` and the file's SHA-256, in hex."""

    file: str
    sha256: str


class LoadFailure(msgspec.Struct, frozen=True):
    """A content file that did not load, and why."""

    path: str
    reason: str


class DeadLetterCount(msgspec.Struct, frozen=True):
    """How many records of one file stopped at one stage for one reason; ``line`` is the first of them."""

    path: str
    stage: str
    reason: str
    count: int
    line: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What the run read and how it went.

    ``events`` became events; dead letters are not among them. ``first`` and ``last`` are the earliest and latest event
    times (ms, UTC; ``None`` without events). ``findings`` counts all findings, also those that no case holds; not
    those that ``hidden`` counts by the suppression that hides them. ``out`` is the folder that was written to and
    ``public_key`` the file that packs verify against; the report shows neither.
    """

    paths: tuple[str, ...]
    events: int
    sources: tuple[SourceCount, ...]
    findings: int
    rules: int
    written_at: int
    seconds: float
    first: int | None = None
    last: int | None = None
    version: str = ""
    out: str = ""
    public_key: str = ""
    hidden: Mapping[str, int] = {}

    @property
    def all_hidden(self) -> int:
        """The findings that suppressions hide."""
        return sum(self.hidden.values())


class ReportModel(msgspec.Struct, frozen=True, kw_only=True):
    """All that a report shows.

    ``evidence`` describes events by uid, ``packs`` are by case uid, ``techniques`` by ATT&CK id. What a mapping lacks
    is shown by its id. ``activity`` may have its hours in any order and with gaps.
    """

    run: Run
    cases: tuple[Case, ...] = ()
    evidence: Mapping[str, EvidenceEvent] = msgspec.field(default_factory=dict)
    packs: Mapping[str, Pack] = msgspec.field(default_factory=dict)
    techniques: Mapping[str, KnownTechnique] = msgspec.field(default_factory=dict)
    load_failures: tuple[LoadFailure, ...] = ()
    dead_letters: tuple[DeadLetterCount, ...] = ()
    activity: tuple[Activity, ...] = ()

    @property
    def ranked(self) -> tuple[Case, ...]:
        """The cases, the one to read first first."""
        return tuple(sorted(self.cases, key=first_to_read))


def hourly(events_by_hour: Mapping[int, int], findings: Iterable[Finding]) -> tuple[Activity, ...]:
    """The activity histogram from the events of each hour (by its start, ms) and all findings, each at its start.

    >>> hourly({HOUR: 3}, ())
    (Activity(hour=3600000, events=3, levels=(0, 0, 0, 0, 0)),)
    """
    levels: Counter[tuple[int, int]] = Counter()
    for finding in findings:
        levels[finding.start // HOUR * HOUR, LEVELS.index(finding.rule.level)] += 1
    hours = sorted({*events_by_hour, *(hour for hour, _ in levels)})
    return tuple(
        Activity(
            hour,
            events_by_hour.get(hour, 0),
            (levels[hour, 0], levels[hour, 1], levels[hour, 2], levels[hour, 3], levels[hour, 4]),
        )
        for hour in hours
    )


def count_dead_letters(letters: Iterable[DeadLetter]) -> tuple[DeadLetterCount, ...]:
    """Dead letters counted by file, stage and reason, the most first."""
    counts: Counter[tuple[str, str, str]] = Counter()
    lines: dict[tuple[str, str, str], int] = {}
    for letter in letters:
        key = (letter.origin.path, letter.stage, letter.reason)
        counts[key] += 1
        lines[key] = min(lines.get(key, letter.origin.line), letter.origin.line)
    order = sorted(counts, key=lambda key: (-counts[key], key))
    return tuple(DeadLetterCount(*key, counts[key], lines[key]) for key in order)


def load_failures(errors: Iterable[ContentError]) -> tuple[LoadFailure, ...]:
    """Content errors as the report lists them."""
    return tuple(
        LoadFailure(error.path if error.line is None else f"{error.path}:{error.line}", error.reason)
        for error in errors
    )
