"""Findings and cases as they are scored: read from our files, from ``detect --brief``, or from another product's.

A findings file has one JSON object a line that says which records it rests on: ``origins[{path,line,index}]``, at the
top or under ``unmapped``, or one ``path``, ``line`` and ``index``. All else is optional: ``level``, ``time`` (when it
was known: ms, UTC, or RFC 3339), ``uid``, ``rule``, ``use_case``.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from watchfloor.errors import InputError
from watchfloor.event import Origin
from watchfloor.finding import LEVELS, SEVERITY_ID, Level
from watchfloor.metrics.lines import read_lines
from watchfloor.metrics.truth import Moment

PAGING: frozenset[Level] = frozenset({"medium", "high", "critical"})
"""The levels at which a finding pages somebody."""

_LEVEL_OF = {number: level for level, number in SEVERITY_ID.items()} | {6: "critical"}
_MAX_TIME = 1 << 53


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of a finding. ``time`` in ms, UTC. A finding without a level pages: nothing says that it is weak."""

    events: tuple[Origin, ...]
    level: Level | None = None
    time: int | None = None
    uid: str | None = None
    rule: str | None = None
    use_case: str | None = None
    revision: int | None = None
    retracted: bool = False

    @property
    def pages(self) -> bool:
        """Whether it is of at least medium level."""
        return self.level is None or self.level in PAGING


class CaseLine(msgspec.Struct, frozen=True):
    """A case: its uid and the uids of its findings."""

    uid: str
    finding_uids: tuple[str, ...]


class _Own(msgspec.Struct):
    """What we keep under ``unmapped`` and others at the top of a line. What is not needed is not held to a type."""

    origins: tuple[Origin, ...] | None = None
    finding_uids: tuple[str, ...] | None = None
    level: Any = None
    status: Any = None
    revision: Any = None
    rule_id: Any = None
    use_case: Any = None


class _Line(_Own):
    path: str | None = None
    line: int | None = None
    index: int | None = None
    rule: Any = None
    uid: Any = None
    time: Any = None
    severity_id: Any = None
    finding_info: Any = None
    metadata: Any = None
    unmapped: Any = None


_DECODER = msgspec.json.Decoder(_Line)


def read_detections(path: Path) -> list[Detection]:
    """The findings of a file, in its order, all their revisions.

    Raises:
        InputError: The file cannot be read, or a line names no record that it rests on; names the line.
    """
    return [detection for _, detection in read_lines(path, _detection)]


def read_cases(path: Path, known: frozenset[str]) -> list[CaseLine]:
    """The cases of a file: ``finding_uids`` and ``metadata.uid`` or ``uid``.

    Args:
        path: The file.
        known: The uids of the findings that cases may hold.

    Raises:
        InputError: The file cannot be read, or a line is no case or holds another finding; names the line.
    """
    cases: list[CaseLine] = []
    for number, case in read_lines(path, _case):
        if lost := [uid for uid in case.finding_uids if uid not in known]:
            raise InputError(f"{path}:{number}: it holds finding {lost[0]!r}, which the findings file lacks")
        cases.append(case)
    return cases


def standing(detections: Iterable[Detection]) -> list[Detection]:
    """The latest revision of each finding, without those that were retracted.

    A line without a uid or a revision is a finding of its own.
    """
    latest: dict[str | int, tuple[int, Detection]] = {}
    for position, one in enumerate(detections):
        key, revision = (position, 1) if one.uid is None or one.revision is None else (one.uid, one.revision)
        if key not in latest or latest[key][0] <= revision:
            latest[key] = revision, one
    return [one for _, one in latest.values() if not one.retracted]


def _detection(data: bytes) -> Detection:
    line = _DECODER.decode(data)
    ours = _ours(line)
    info = line.finding_info if isinstance(line.finding_info, dict) else {}
    return Detection(
        events=_events(line, ours),
        level=_level(ours.level if line.level is None else line.level, line.severity_id),
        time=_time(line.time),
        uid=_text(info.get("uid"), line.uid),
        rule=_text(ours.rule_id, line.rule_id, line.rule),
        use_case=_text(ours.use_case, line.use_case),
        revision=next((one for one in (ours.revision, line.revision) if isinstance(one, int)), None),
        retracted="retracted" in {_text(ours.status), _text(line.status)},
    )


def _case(data: bytes) -> CaseLine:
    line = _DECODER.decode(data)
    finding_uids = _ours(line).finding_uids or line.finding_uids
    metadata = line.metadata if isinstance(line.metadata, dict) else {}
    uid = _text(metadata.get("uid"), line.uid)
    if not finding_uids or uid is None:
        raise ValueError("not a case: it needs finding_uids, and a uid of its own")
    return CaseLine(uid, tuple(dict.fromkeys(finding_uids)))


def _ours(line: _Line) -> _Own:
    return msgspec.convert(line.unmapped, _Own) if isinstance(line.unmapped, dict) else _Own()


def _events(line: _Line, ours: _Own) -> tuple[Origin, ...]:
    if origins := line.origins or ours.origins:
        return origins
    if line.path is None or line.line is None:
        raise ValueError("not a finding: it needs origins[{path,line}], or a path and a line")
    return (Origin(line.path, line.line, line.index),)


def _level(name: Any, severity: Any) -> Level | None:
    if name is None:
        name = _LEVEL_OF.get(severity) if isinstance(severity, int) else None
    lowered = name.lower() if isinstance(name, str) else name
    for level in LEVELS:
        if level == lowered:
            return level
    if name is not None:
        raise ValueError(f"level {name!r} is none of {', '.join(LEVELS)}")
    return None


def _time(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = msgspec.convert(value, Moment).timestamp() * 1000
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MAX_TIME:
        raise ValueError(f"time {value!r} is neither milliseconds since 1970 nor RFC 3339 with an offset")
    return int(value)


def _text(*values: Any) -> str | None:
    """The first of the values that is a text."""
    texts: Sequence[str] = [value for value in values if isinstance(value, str)]
    return texts[0] if texts else None
