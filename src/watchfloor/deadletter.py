"""A dead letter: a record that could not be read or mapped, kept with the reason, the place and the bytes."""

from typing import Literal

import msgspec

from watchfloor.event import Origin

MAX_RAW_BYTES = 64 << 10
"""How much is kept of what is no record; ``size`` says how much there was. A record is kept whole: it may be one that a
mended source can read."""


class DeadLetter(msgspec.Struct, frozen=True):
    """One record, or one file's unreadable rest, that did not become an event.

    ``stage`` is where it stopped; ``raw`` holds its first bytes; ``size`` is its full length where it is known. Of a
    record, ``ordinal`` tells it apart and ``source`` is the log source that it arrived as, as in
    :data:`~watchfloor.event.RAW_SCHEMA`.
    """

    tenant: str
    origin: Origin
    stage: Literal["ingest", "normalize"]
    reason: str
    raw: bytes = b""
    size: int = 0
    ordinal: int = 0
    source: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether this is a record with all its bytes, which can be read again."""
        return self.stage == "normalize" and len(self.raw) == self.size

    def place(self) -> str:
        """``path:line``, for people.

        >>> DeadLetter("default", Origin("a.json", 3), "ingest", "not JSON").place()
        'a.json:3'
        """
        return f"{self.origin.path}:{self.origin.line}"


def dead_letter(
    tenant: str, origin: Origin, stage: Literal["ingest", "normalize"], reason: str, raw: bytes = b""
) -> DeadLetter:
    """A dead letter that keeps at most :data:`MAX_RAW_BYTES` of the record."""
    return DeadLetter(tenant, origin, stage, reason, raw[:MAX_RAW_BYTES], len(raw))
