"""Rules as their authors wrote them: the attributes of each document, and the lines of its keys."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from watchfloor.detect.sigma.documents import documents
from watchfloor.detect.sigma.files import RuleFile, rule_files
from watchfloor.detect.sigma.place import Place
from watchfloor.finding import Rule


class Authored(msgspec.Struct, frozen=True):
    """One document that is meant as a rule; ``attributes`` is its YAML."""

    place: Place
    attributes: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The id as findings carry it; empty if the author gave none."""
        value = self.attributes.get("id")
        return value.strip().lower() if isinstance(value, str) else ""

    @property
    def title(self) -> str:
        """The title in one line."""
        return " ".join(str(self.attributes.get("title") or "").split())

    def line(self, *keys: str) -> int | None:
        """The line of a key, or of the nearest one above it."""
        return self.place.error("", *keys).line

    def day(self, name: str) -> date | None:
        """A date among the attributes: ``date`` or ``modified``."""
        value = self.attributes.get(name)
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value).strip().replace("/", "-")) if value else None
        except ValueError:
            return None


def authored(paths: Sequence[Path]) -> Iterator[Authored]:
    """The rules below the paths, each file once; what cannot be read is left to those who load it.

    Raises:
        InputError: A path does not exist.
    """
    read: set[str] = set()
    for path in paths:
        for file in rule_files(path):
            if isinstance(file, RuleFile) and (key := str(Path(file.path).resolve())) not in read:
                read.add(key)
                yield from written(file)


def written(file: RuleFile) -> Iterator[Authored]:
    """The rules of one file; what an ``action: global`` document says counts for those after it."""
    shared: Mapping[str, Any] = {}
    for document in documents(file.path, file.data):
        if isinstance(document, Exception) or not isinstance(document.value, dict):
            continue
        record = {str(name): value for name, value in document.value.items()}
        if record.get("action") == "global":
            shared = record
        elif record.get("action") == "reset":
            shared = {}
        elif any(key in record for key in ("detection", "correlation", "filter")):
            yield Authored(document.place, {**shared, **record})


class Texts:
    """Finds what an author wrote for a rule that was loaded."""

    def __init__(self, rules: Iterable[Authored]) -> None:
        self._by_id: dict[tuple[str, str], Authored] = {}
        self._by_title: dict[tuple[str, str], Authored] = {}
        for one in rules:
            self._by_id.setdefault((one.place.path, one.id), one)
            self._by_title.setdefault((one.place.path, one.title), one)

    def of(self, rule: Rule) -> Authored:
        """The document of a rule; an empty one if its text is not there."""
        found = self._by_id.get((rule.path, rule.id)) or self._by_title.get((rule.path, rule.title))
        return found or Authored(Place(rule.path), {})
