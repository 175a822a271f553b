"""The truth of a simulated or staged day, ``truth.ndjson``: which events belong to which attack or benign twin."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from watchfloor.errors import InputError
from watchfloor.event import Origin
from watchfloor.metrics.lines import read_lines

BACKGROUND = "background"
"""The story of what belongs to no attack and no twin."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_SEPARATOR = re.compile("[/!]")


class Truth(msgspec.Struct, frozen=True):
    """One attack, or one benign twin of an attack. Paths of ``events`` are relative to where the logs were written."""

    id: str
    kind: Literal["attack", "twin"]
    use_case: str
    start: Moment
    events: tuple[Origin, ...]
    variant: str = ""
    campaign: str | None = None

    @property
    def story(self) -> str:
        """What its findings belong to: the campaign, or itself where it is part of none."""
        return self.campaign or self.id

    @property
    def start_ms(self) -> int:
        """``start`` in ms, UTC."""
        return round(self.start.timestamp() * 1000)


def read_truth(path: Path) -> tuple[Truth, ...]:
    """The entries of a truth file.

    Raises:
        InputError: The file cannot be read or is empty, a line is no entry, or two have the same id; names the line.
    """
    entries: dict[str, Truth] = {}
    for number, entry in read_lines(path, msgspec.json.Decoder(Truth).decode):
        if entry.id in entries:
            raise InputError(f"{path}:{number}: a second entry with the id {entry.id!r}")
        entries[entry.id] = entry
    if not entries:
        raise InputError(f"{path}: no entry in it")
    return tuple(entries.values())


class TruthIndex:
    """Finds the entries that an event belongs to.

    An event is the same if line and index are equal and its path ends with the truth's path, in whole parts: the logs
    may have been moved or put into an archive, but not renamed.
    """

    def __init__(self, entries: Iterable[Truth]) -> None:
        self._at: dict[tuple[str, int, int | None], list[Truth]] = {}
        self._paths: set[str] = set()
        self._in_array: set[tuple[str, int]] = set()
        self._known: dict[str, str | None] = {}
        for entry in entries:
            for event in dict.fromkeys(entry.events):
                path = "/".join(_parts(event.path))
                self._paths.add(path)
                self._at.setdefault((path, event.line, event.index), []).append(entry)
                if event.index is not None:
                    self._in_array.add((path, event.line))

    def entries(self, events: Iterable[Origin]) -> tuple[Truth, ...]:
        """The entries that at least one of these events belongs to, each once."""
        found: dict[str, Truth] = {}
        for event in events:
            path = self.path(event.path)
            if path is not None:
                found.update((entry.id, entry) for entry in self._at.get((path, event.line, event.index), ()))
        return tuple(found.values())

    def path(self, path: str) -> str | None:
        """The longest path of the truth that ``path`` ends with."""
        if path not in self._known:
            parts = _parts(path)
            tails = ("/".join(parts[start:]) for start in range(len(parts)))
            self._known[path] = next((tail for tail in tails if tail in self._paths), None)
        return self._known[path]

    def lacks_index(self, event: Origin) -> bool:
        """Whether the truth tells the records of this line apart by their index, and ``event`` has none."""
        return event.index is None and (self.path(event.path), event.line) in self._in_array


def _parts(path: str) -> Sequence[str]:
    """The parts of a path, those of a member inside an archive too."""
    return [part for part in _SEPARATOR.split(path) if part not in {"", "."}]
