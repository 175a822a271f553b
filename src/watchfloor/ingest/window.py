"""The part of a stream that is being read: what is not done with yet, and how far it has been looked at."""


class Window:
    """Bytes that arrive at the end and are dropped at the beginning; it knows their line numbers."""

    def __init__(self, line: int) -> None:
        self.data = b""
        self.kept = 0
        """Where what is being read begins; what is before is done with."""
        self.at = 0
        """How far it has been looked at."""
        self._line = line
        self._counted = 0

    def feed(self, chunk: bytes) -> None:
        """Drop what is done with, append ``chunk``."""
        self.line(self.kept)
        self.data = self.data[self.kept :] + chunk
        self.at -= self.kept
        self.kept = self._counted = 0

    def line(self, at: int) -> int:
        """The line number of a position, which must not be before one that was asked for earlier."""
        self._line += self.data.count(b"\n", self._counted, at)
        self._counted = at
        return self._line

    def done(self, end: int) -> None:
        """Everything up to ``end`` is done with."""
        self.at = self.kept = end

    def forget(self, but: int) -> bytes:
        """What is being read, as far as it was looked at and but for the last bytes; it is done with."""
        start, self.kept = self.kept, max(self.kept, self.at - but)
        return self.data[start : self.kept]

    def seen(self) -> bytes:
        """What is being read, as far as it was looked at."""
        return self.data[self.kept : self.at]

    def rest(self) -> bytes:
        """What is being read, as far as it has arrived."""
        return self.data[self.kept :]

    def waits(self, end: int) -> bool:
        """Whether a look that ended at ``end`` needs more bytes to go on."""
        return end == len(self.data)
