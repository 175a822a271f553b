"""Numbers that tell identical records apart, below 2**63.

Records of a stream are numbered by their place in it, from a number that stands for the stream: the same place gives
the same number whenever it is read, and two streams have different ones, since no two of theirs come close.
"""

import hashlib
from pathlib import Path

from watchfloor.clock import Clock
from watchfloor.errors import StoreError
from watchfloor.ingest.inputs.remembering import remember, remembered

_BITS = 62
_RESERVED = 1 << 40


def origin(*parts: str | int) -> int:
    """The number that the numbers of a stream begin at; it depends on nothing but what names the stream.

    >>> origin("orders", 3) == origin("orders", 3), origin("orders", 3) == origin("orders3")
    (True, False)
    """
    name = "\0".join(map(str, parts)).encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(name, digest_size=8, person=b"wf-stream").digest()
    return int.from_bytes(digest, "big") >> (64 - _BITS)


class Fresh:
    """Numbers never used before, for senders that never send anything again.

    They begin at the time in nanoseconds, or behind all those reserved in the file, if the clock was set back: 2**40
    for each start. What takes more is ahead of them by the clock, unless that is set back by days.

    Raises:
        StoreError: The file cannot be read or written, or is not as it was written.
    """

    def __init__(self, path: Path, clock: Clock, *, of: str) -> None:
        data = remembered(path)
        if data is not None and not data.isdigit():
            raise StoreError(f"{path}: not a number; delete it to begin at the clock")
        first = max(int(clock().timestamp() * 1e9), int(data or 0))
        remember(path, str(first + _RESERVED).encode())
        self._next = origin(of) + first

    def take(self, count: int) -> range:
        """The next numbers."""
        first = self._next
        self._next += count
        return range(first, first + count)
