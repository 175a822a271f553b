"""Which fields the loaded log sources have, as far as their folders show it.

What is known of a source is what its samples hold, what its mapping reads and what it offers to Sigma rules by another
name. A vendor writes more fields than any folder shows: a field that is not known here may still exist.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from watchfloor.catalog import read_yaml
from watchfloor.errors import RecordError
from watchfloor.native import LogSource
from watchfloor.normalize import Source
from watchfloor.normalize.expression import paths_of
from watchfloor.normalize.recognition import Recognition
from watchfloor.testing.sources import INGESTED_AT, sample_records, samples

MAX_DEPTH = 12
ENOUGH = 3
"""From how many samples on a field that always had one value is taken to have one always."""


def named(logsource: LogSource) -> str:
    """A log source in words.

    >>> named(LogSource("windows", "process_creation"))
    'product windows, category process_creation'
    """
    parts = (("product", logsource.product), ("category", logsource.category), ("service", logsource.service))
    return ", ".join(f"{name} {value}" for name, value in parts if value) or "any"


class _Seen(msgspec.Struct):
    records: int = 0
    several: bool = False


class Universe:
    """The log sources that are served, and their fields."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self.served: frozenset[LogSource] = frozenset()
        self._seen: dict[LogSource, dict[str, _Seen]] = defaultdict(dict)
        self._named: dict[LogSource, set[str]] = defaultdict(set)
        for source in sources:
            self.served |= source.logsources()
            self._learn(source)
        folded: dict[str, set[str]] = defaultdict(set)
        for names in (*self._seen.values(), *self._named.values()):
            for name in names:
                folded[name.casefold()].add(name)
        self._folded = folded
        self._chosen: dict[LogSource, list[LogSource]] = {}

    def serves(self, logsource: LogSource) -> bool:
        """Whether records of a loaded source can be of this log source."""
        return any(logsource.served_by(one) for one in self.served)

    def knows(self, logsource: LogSource, field: str) -> bool:
        """Whether a source that serves the log source has, maps or renames the field."""
        return any(field in self._seen[one] or field in self._named[one] for one in self._of(logsource))

    def spelled(self, logsource: LogSource, field: str) -> str | None:
        """A known field that differs from this one in case alone."""
        others = sorted(self._folded.get(field.casefold(), ()))
        return next((other for other in others if other != field and self.knows(logsource, other)), None)

    def single(self, logsource: LogSource, field: str) -> bool:
        """Whether the field had one value in each of at least :data:`ENOUGH` samples, and never several."""
        seen = [self._seen[one][field] for one in self._of(logsource) if field in self._seen[one]]
        return sum(one.records for one in seen) >= ENOUGH and not any(one.several for one in seen)

    def _of(self, logsource: LogSource) -> list[LogSource]:
        if logsource not in self._chosen:
            self._chosen[logsource] = [one for one in self.served if logsource.served_by(one)]
        return self._chosen[logsource]

    def _learn(self, source: Source) -> None:
        mapped = set(_mapped(source))
        for one in source.logsources():
            self._named[one] |= mapped
        for record in _samples(source):
            kind = source.kind(record)
            values = list(_values(record, "", MAX_DEPTH))
            for one in kind.logsources:
                self._named[one].update(kind.aliases, kind.instead)
                for name, several in values:
                    seen = self._seen[one].setdefault(name, _Seen())
                    seen.records += 1
                    seen.several |= several


def _samples(source: Source) -> Iterator[dict[str, Any]]:
    recognition = Recognition([source], only=source.name)
    for path in samples(source):
        for raw in sample_records(path):
            try:
                yield source.decode(recognition.read(raw, INGESTED_AT).record)
            except (RecordError, ValueError, TypeError, LookupError, AttributeError):
                continue  # the tests of the source say so; here it only teaches nothing


def fields_of(record: Mapping[str, Any]) -> set[str]:
    """The fields of a decoded record as rules name them, objects and what is in them alike."""
    return {name for name, _ in _values(record, "", MAX_DEPTH)}


def _values(value: Mapping[str, Any], prefix: str, depth: int, *, several: bool = False) -> Iterator[tuple[str, bool]]:
    """The fields of a record as rules name them, and whether they have several values."""
    for key, item in value.items():
        name = prefix + key
        many = several or isinstance(item, list)
        yield name, many
        for inner in item if isinstance(item, list) else (item,):
            if isinstance(inner, dict) and depth:
                yield from _values(inner, name + ".", depth - 1, several=many)


def _mapped(source: Source) -> Iterator[str]:
    """The fields that a source's mapping reads."""
    definition = read_yaml(source.folder / "source.yml")
    parts = [definition, *(read_yaml(source.folder / name) for name in definition.get("include", ()))]
    for part in parts:
        for name in ("log_name", "event_code"):
            yield from paths_of(part.get(name))
        for key in ("uid", "time", "kind"):
            value = part.get(key) or ()
            yield from [value] if isinstance(value, str) else value
        for one in (part, *(part.get("events") or ())):
            for section in ("common", "map", "entities"):
                for expression in (one.get(section) or {}).values():
                    yield from paths_of(expression)
    for served in (definition.get("sigma") or {}).get("logsources") or ():
        for section in ("fields", "instead"):
            yield from served.get(section) or {}
    yield from (definition.get("sigma") or {}).get("fields") or {}
