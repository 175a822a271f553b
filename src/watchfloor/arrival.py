"""What transports hand over: records that arrived together, and the one place that takes them.

A transport reads the outside, cuts what it reads into records, and gives them to an :class:`Intake`. When
:meth:`Intake.land` returns, they are on disk, and the transport may acknowledge them to whoever sent them; until then
it must not. A transport keeps nothing back and drops nothing without saying so.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """Records that arrived together; the sequences are of one length.

    Attributes:
        tenant: Whose they are.
        path: Where from, for people: a file, or the address of an input (``syslog+udp://0.0.0.0:5514``).
        raw: Their exact bytes.
        line: A position of each in ``path``, from 1.
        ordinal: What tells identical records apart. It must be the same when the same record comes again, and another
            for another record: its offset in a file or stream; its place among identical records of one request, which
            a sender repeats as a whole; a number never used before, where nothing is ever sent again.
        source: The log source that all of them are of; else it is recognised.
        index: The position of each inside an array, as of ``Records``.
    """

    tenant: str
    path: str
    raw: Sequence[bytes]
    line: Sequence[int]
    ordinal: Sequence[int]
    source: str | None = None
    index: Sequence[int | None] | None = None


class Intake(Protocol):
    """Where what arrives is taken."""

    async def land(self, arrival: Arrival) -> None:
        """Return as soon as all of it is on disk.

        Raises:
            OverloadError: It is not taken now; what is waiting must be worked on first. None of it was taken.
            StoreError: The disk refuses it: none of it was taken, or it is not known whether it was.
        """
        ...

    def drop(self, path: str, reason: str, records: int = 1) -> None:
        """Count records that will never arrive: a datagram cut off, a request over the limit.

        ``reason`` names the kind of problem; it must not hold anything that a sender chose.
        """
        ...
