r"""Reads suppressions and admits those that hold to their word.

::

    suppressions:
      - id: backup-archives
        rule: 4053279d-b159-4bef-a7f2-5166f39c47b2
        owner: soc@example.com
        reason: The backup packs its archives with a password, CHG-1234.
        expires: 2026-12-31
        scope:
          entities: [host:backup-1]
          fields: {process.file.path: 'C:\Backup\*'}
        test:
          hides: {EventID: 1, ...}       # a raw record, or a list of them, as a mapping or as the vendor's text;
                                         # in each of them a rule, in all of them together another detection
                                         # must find something
          keeps: {EventID: 1, ...}
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pyarrow as pa
from sigma.types import SigmaString, SpecialChars

from watchfloor.catalog import read_yaml
from watchfloor.detect.sigma import RuleSet
from watchfloor.detect.sigma.condition import Glob
from watchfloor.detect.sigma.globs import Wildcard, glob
from watchfloor.errors import ContentError, InputError, RecordError
from watchfloor.event import EVENT_SCHEMA
from watchfloor.finding import Finding
from watchfloor.normalize import Source
from watchfloor.operator import KeyedOperator
from watchfloor.rulecraft.alone import alone
from watchfloor.rulecraft.suppression import Suppression, apply, events_of
from watchfloor.rulecraft.trial import Trial, trial

FILE = "suppressions.yml"
"""The name of the file in a content root."""

_KEYS = frozenset({"id", "rule", "owner", "reason", "expires", "scope", "test"})
_WILDCARDS = {SpecialChars.WILDCARD_MULTI: Wildcard.MANY, SpecialChars.WILDCARD_SINGLE: Wildcard.ONE}


class Admitted(msgspec.Struct, frozen=True):
    """The suppressions that count, and an error for each that does not."""

    active: tuple[Suppression, ...] = ()
    refused: tuple[ContentError, ...] = ()


def suppression_files(named: Sequence[Path], content: Sequence[Path]) -> list[Path]:
    """The files that are named, and those of the content roots.

    Raises:
        InputError: A named file does not exist.
    """
    for path in named:
        if not path.is_file():
            raise InputError(f"{path}: no such file")
    return [*(root / FILE for root in content if (root / FILE).is_file()), *named]


class _Loaded(msgspec.Struct, frozen=True):
    ruleset: RuleSet
    sources: Sequence[Source]
    keyed: Sequence[KeyedOperator[Any]]


def admit(
    paths: Sequence[Path],
    ruleset: RuleSet,
    sources: Sequence[Source],
    now: datetime,
    keyed: Sequence[KeyedOperator[Any]] = (),
) -> Admitted:
    """The suppressions of files that are whole, have not expired, and whose tests come out as they say.

    They are of rules and correlations of ``ruleset``, and of what ``keyed`` detections find.
    """
    loaded = _Loaded(ruleset, sources, keyed)
    active: dict[str, Suppression] = {}
    refused: list[ContentError] = []
    for path in paths:
        for one in read_suppressions(path):
            try:
                if isinstance(one, ContentError):
                    raise one
                if one.id in active:
                    raise _refusal(one, f"the id is already that of a suppression of {active[one.id].path}")
                _hold(one, loaded, now)
                active[one.id] = one
            except ContentError as error:
                refused.append(error)
    return Admitted(tuple(active.values()), tuple(refused))


def read_suppressions(path: Path) -> Iterator[Suppression | ContentError]:
    """The suppressions of a file, and an error for each that is not one."""
    try:
        entries = read_yaml(path).get("suppressions")
    except ContentError as error:
        yield error
        return
    if not isinstance(entries, list):
        yield ContentError(str(path), "expected a list under suppressions")
        return
    for position, entry in enumerate(entries, start=1):
        name = entry.get("id") if isinstance(entry, dict) else None
        try:
            yield suppression_of(entry, path)
        except (ValueError, TypeError) as error:
            yield ContentError(str(path), f"suppression {name or position} is refused: {error}")


def suppression_of(entry: Any, path: Path) -> Suppression:
    """The suppression that an entry of a file describes; nothing is tested yet.

    Raises:
        ValueError: Something is missing, unknown or has no meaning.
        TypeError: Something is of the wrong type.
    """
    if not isinstance(entry, dict):
        raise TypeError("expected a mapping")
    if extra := sorted(set(map(str, entry)) - _KEYS):
        raise ValueError(f"unknown key {extra[0]!r}")
    if lacking := sorted(key for key in _KEYS if not entry.get(key)):
        raise ValueError(f"it has no {' and no '.join(lacking)}")
    scope, test = entry["scope"], entry["test"]
    if not isinstance(scope, dict) or set(scope) - {"entities", "fields"} or not any(scope.values()):
        raise ValueError("its scope must name entities, fields or both")
    if not isinstance(test, dict) or not test.get("hides") or not test.get("keeps"):
        raise ValueError("it is untested: its test must have events that it hides and events that it keeps")
    return Suppression(
        id=str(entry["id"]),
        rules=_texts(entry["rule"], "rule"),
        owner=str(entry["owner"]),
        reason=" ".join(str(entry["reason"]).split()),
        expires=_day(entry["expires"]),
        entities=_texts(scope.get("entities") or [], "entities"),
        fields=_fields(scope.get("fields") or {}),
        hides=_records(test["hides"]),
        keeps=_records(test["keeps"]),
        path=path,
    )


def _texts(value: Any, name: str) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(one, str) and one for one in texts):
        raise ValueError(f"{name} must be text, or a list of texts")
    return tuple(texts)


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _fields(value: Any) -> Mapping[str, tuple[Glob, ...]]:
    if not isinstance(value, dict):
        raise TypeError("fields must be a mapping")
    if strange := sorted(name for name in map(str, value) if name not in EVENT_SCHEMA.names):
        raise ValueError(
            f"{strange[0]!r} is no column of an event; fields are OCSF attributes such as process.file.path"
        )
    return {str(name): tuple(map(_glob, one if isinstance(one, list) else [one])) for name, one in value.items()}


def _glob(value: Any) -> Glob:
    if isinstance(value, bool | None) or not isinstance(value, str | int | float):
        raise TypeError("a field takes texts and numbers, with * and ?")
    made = glob([one if isinstance(one, str) else _WILDCARDS[one] for one in SigmaString(str(value)).s])  # type: ignore[index]
    if not any(piece for segment in made.segments for piece in segment):
        raise ValueError("a pattern of wildcards alone hides everything")
    return made


def _records(value: Any) -> tuple[bytes, ...]:
    return tuple(
        one.encode() if isinstance(one, str) else orjson.dumps(one, option=orjson.OPT_NON_STR_KEYS)
        for one in (value if isinstance(value, list) else [value])
    )


def _refusal(one: Suppression, reason: str) -> ContentError:
    return ContentError(str(one.path), f"suppression {one.id} is refused: {reason}", line=one.line)


def _hold(one: Suppression, loaded: _Loaded, now: datetime) -> None:
    if one.has_expired(now):
        raise _refusal(one, f"it expired on {one.expires.isoformat()}; ask {one.owner}")
    known = {rule.rule.id for rule in loaded.ruleset.rules}
    correlations = {linked.id for linked in loaded.ruleset.correlations}
    unknown = set(one.rules) - known - correlations
    chosen = _Loaded(alone(loaded.ruleset, one.rules), loaded.sources, loaded.keyed if unknown else ())
    for records, hides in ((one.hides, True), (one.keeps, False)):
        tried = _tried(one, records, chosen, "hides" if hides else "keeps")
        found = [finding for finding in tried.findings if finding.rule.id in one.rules]
        # A detection that keeps state is known by what it finds.
        if hides and (missing := unknown - {finding.rule.id for finding in found}):
            reason = f"no loaded rule has the id {min(missing)}"
            raise _refusal(one, reason + ", and its test shows no finding of that id" * bool(chosen.keyed))
        _prove(one, found, tried.events, each=known.issuperset(one.rules), name="hides" if hides else "keeps")
        kept, hidden = apply([one], found, now, events_of(tried.events))
        if hides and kept:
            raise _refusal(one, "its test fails: an event that it should hide is kept")
        if not hides and hidden:
            raise _refusal(one, "its test fails: an event that it should keep is hidden")


def _tried(one: Suppression, records: Sequence[bytes], chosen: _Loaded, name: str) -> Trial:
    try:
        return trial(records, chosen.sources, chosen.ruleset, chosen.keyed)
    except RecordError as error:
        raise _refusal(one, f"its test is no event ({name}): {error}") from error


def _prove(one: Suppression, found: Sequence[Finding], events: pa.RecordBatch, *, each: bool, name: str) -> None:
    """Refuse a test in which nothing is found; ``each``: in each of its events."""
    seen = {uid for finding in found for uid in finding.event_uids}
    if not found or (each and not seen.issuperset(events.column("metadata.uid").to_pylist())):
        raise _refusal(one, f"its test proves nothing: the rule finds nothing in an event that it {name}")
