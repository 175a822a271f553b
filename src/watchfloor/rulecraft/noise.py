"""Which noise filters may run: those whose cases come out as they say, and that starve no live detection.

A filter starves a detection if it takes an event of a case that the detection must find, or if it is proved to take all
that a rule is true of: if the rule is, the filter is. Whether it may take a part of it cannot be proved, and the run
itself keeps what any detection looks at.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from watchfloor.catalog import Folder, folders
from watchfloor.detect.noise import FILE, NoiseFilter, load_filters
from watchfloor.detect.sigma import RuleSet, SigmaDetector
from watchfloor.detect.sigma.condition import CompiledRule, Condition, conjunction, negation
from watchfloor.errors import ContentError
from watchfloor.normalize import Normalizer, Source
from watchfloor.rulecraft.contradiction import always, contradiction
from watchfloor.testing.sources import raw_batch, sample_records


class AdmittedFilters(msgspec.Struct, frozen=True):
    """The filters that may run, and an error for each that may not."""

    active: tuple[NoiseFilter, ...]
    refused: tuple[ContentError, ...]


def admit_filters(places: Sequence[Path], rules: RuleSet, sources: Sequence[Source]) -> AdmittedFilters:
    """The filters of content roots that may run beside these rules and the detections of the roots."""
    filters, errors = load_filters(places)
    refused = list(errors)
    hits = [(folder, path) for folder in folders("detections", under=places) for path in _cases(folder.path, "hit")]
    starved = dict(_starved(filters, hits, sources))
    active = []
    for position, one in enumerate(filters):
        reason = _wrong(one, sources) or starved.get(position) or _swallowed(one, rules.rules)
        if reason:
            refused.append(ContentError(str(one.folder / FILE), f"filter {one.name} is refused: {reason}"))
        else:
            active.append(one)
    return AdmittedFilters(tuple(active), tuple(refused))


def _cases(folder: Path, kind: str) -> list[Path]:
    return sorted((folder / "cases").glob(f"*.{kind}.ndjson"))


def _wrong(one: NoiseFilter, sources: Sequence[Source]) -> str:
    """What is wrong with a filter and its cases; nothing if nothing is."""
    if always(one.rule.condition):
        return "it takes every event of its log source"
    for kind, wanted in (("dropped", True), ("kept", False)):
        cases = _cases(one.folder, kind)
        if not cases:
            return f"it is untested: no case of what is {kind}"
        for path in cases:
            taken = _taken([one], path, sources)
            lines = range(1, len(sample_records(path)) + 1)
            if odd := [line for line in lines if (line in taken) != wanted]:
                return f"cases/{path.name}:{odd[0]} is {'kept' if wanted else 'dropped'}"
    return ""


def _starved(
    filters: Sequence[NoiseFilter], hits: Iterable[tuple[Folder, Path]], sources: Sequence[Source]
) -> Iterator[tuple[int, str]]:
    """The filters, by position, that take an event that a detection must find."""
    if filters:
        for folder, path in hits:
            for line, numbers in sorted(_taken(filters, path, sources).items(), reverse=True):
                for number in numbers:
                    yield number, f"it would starve the detection {folder.name}: cases/{path.name}:{line}"


def _taken(filters: Sequence[NoiseFilter], path: Path, sources: Sequence[Source]) -> dict[int, list[int]]:
    """By line, the numbers of the filters that are true of the events of a case."""
    detector = SigmaDetector(RuleSet(tuple(one.rule for one in filters)))
    normalized = Normalizer(sources, detector.plan, seek=detector.seek_keywords).process(
        raw_batch(sample_records(path))
    )
    lines = normalized.events.column("origin.line").to_pylist()
    return {lines[row]: numbers for row, numbers in detector.match(normalized.events).items()}


def _swallowed(one: NoiseFilter, rules: Iterable[CompiledRule]) -> str:
    """The first rule of which it is proved that the filter is true whenever it is."""
    mine = (rule for rule in rules if one.rule.logsource.served_by(rule.logsource))
    for rule in mine:
        # A rule that can never be true is proved to imply anything.
        if _implies(rule.condition, one.rule.condition) and contradiction(rule.condition) is None:
            return f"it would starve the rule {rule.rule.title!r} ({rule.rule.id}): it takes all of its events"
    return ""


def _implies(first: Condition, second: Condition) -> bool:
    return contradiction(conjunction((first, negation(second)))) is not None
