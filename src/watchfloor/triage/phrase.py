"""A sentence of ours in its parts: the template's fixed words, and the claims that fill it, which an event must prove.

What a log says can only enter a sentence as a claim, so that :mod:`watchfloor.triage.citation` knows where each claim
begins and ends, whatever it contains.
"""

import re
from typing import Literal

import msgspec

from watchfloor.clock import iso
from watchfloor.finding import Finding
from watchfloor.triage.evidence import MAX_TEXT, MAX_TITLE, short

MAX_SUMMARY = 600
_FULL_STOP = re.compile(r"(?<=[A-Za-z])\.$")


class Value(msgspec.Struct, frozen=True):
    """A whole value of an event; a long one is shown with its middle cut out, and proved as a whole."""

    value: str
    limit: int = MAX_TEXT

    @property
    def shown(self) -> str:
        """The value on one line, without the full stop of a sentence: ours may go on."""
        return _FULL_STOP.sub("", short(self.value, self.limit))


class Moment(msgspec.Struct, frozen=True):
    """The minute of an event (``time`` in ms, UTC), with its date if ``day``."""

    time: int
    day: bool = False

    @property
    def shown(self) -> str:
        """``09:14`` or ``2026-03-17 09:14``."""
        stamp = iso(self.time)
        return f"{stamp[:10]} {stamp[11:16]}" if self.day else stamp[11:16]


class Count(msgspec.Struct, frozen=True):
    """How many events are cited, or how many log sources they came from."""

    number: int
    of: Literal["event", "source"] = "event"

    @property
    def shown(self) -> str:
        """The number; one in a word."""
        return "One" if self.number == 1 else str(self.number)


class Title(msgspec.Struct, frozen=True):
    """The title of a rule that a cited event met."""

    title: str

    @property
    def shown(self) -> str:
        """The title in typographic quotes, which no value can hold."""
        return f"“{short(self.title, MAX_TITLE)}”"


class Told(msgspec.Struct, frozen=True):
    """What a detection says of its own finding."""

    finding: Finding

    @property
    def shown(self) -> str:
        """The finding's summary on one line, without its full stop."""
        return short(self.finding.summary, MAX_SUMMARY).rstrip(".")


Claim = Value | Moment | Count | Title | Told


class Phrase(msgspec.Struct, frozen=True):
    """Fixed words and claims, in order."""

    parts: tuple[str | Claim, ...]

    @property
    def text(self) -> str:
        """As people read it."""
        return "".join(part if isinstance(part, str) else part.shown for part in self.parts)


NOTHING = Phrase(())


def phrase(template: str, *fillings: "Claim | Phrase") -> Phrase:
    """A template with its ``{}`` filled; each filling is a claim, or a phrase of its own.

    >>> phrase("{} signed in{}", Value("alice"), phrase(" from {}", Value("203.0.113.9"))).text
    'alice signed in from 203.0.113.9'
    """
    words = template.split("{}")
    if len(words) != len(fillings) + 1:
        raise ValueError(f"{template!r} has room for {len(words) - 1} fillings, not for {len(fillings)}")
    parts: list[str | Claim] = [words[0]]
    for filling, after in zip(fillings, words[1:], strict=True):
        parts += filling.parts if isinstance(filling, Phrase) else (filling,)
        parts.append(after)
    return Phrase(tuple(part for part in parts if part))


def series(*fillings: "Claim | Phrase") -> Phrase:
    """Fillings with commas between them."""
    return phrase(", ".join(["{}"] * len(fillings)), *fillings)
