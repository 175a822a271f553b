"""A followed file as it is there now, and how it is read on."""

from watchfloor.errors import RecordError
from watchfloor.ingest.inputs.tail_followed import Followed
from watchfloor.ingest.inputs.tail_reading import FRAMINGS, Piece, Reading
from watchfloor.ingest.inputs.tail_sources import Bytes, Upto, head_mark, tail_mark

Key = tuple[int, int]
"""What the system knows a file by: its device and inode."""


class File:
    """One file.

    Attributes:
        path: Where it is.
        size: Its size at the last look,
        changed: and when it was changed.
        left: Since when the globs do not name it any more, or since when it has not grown then.
        final: It will not grow any more.
        problem: Why it cannot be opened.
        content: What is in it, if it is open.
        past: What it was, if it has just been begun anew.
    """

    def __init__(self, followed: Followed, path: str) -> None:
        self.followed = followed
        self.path = path
        self.size = 0
        self.changed = 0
        self.left: float | None = None
        self.final = False
        self.problem = ""
        self.content: Bytes | None = None
        self.past: Followed | None = None
        self._reading: Reading | None = None
        self._exhausted: tuple[int, int, bool] | None = None

    @property
    def may_have_more(self) -> bool:
        """Whether it has changed since it was read to its end."""
        return not self.followed.done and self._exhausted != (self.size, self.changed, self.final)

    def next(self, content: Bytes, framing: str, most: int) -> Piece | None:
        """What comes next; None if nothing does for now, or at all: then it is done.

        Raises:
            RecordError: It is damaged from here on, and done.
            OSError: It cannot be read.
        """
        state = (self.size, self.changed, self.final)
        followed = self.followed
        if not content.packed and followed.place.offset and not followed.is_in(content):
            self.past = followed.past()
            followed.begin_anew()
            self._reading = None
        if followed.passing and content.packed:
            followed.finish(self.size, self.changed)
            return None
        final = self.final or content.packed
        seen = self._seen(content)
        try:
            if not followed.begin(content, final=final):
                self._exhausted = state
                return None
            self._reading = self._reading or FRAMINGS[framing](most)
            piece = self._reading.next(seen, followed.place, final=final and not followed.passing)
        except RecordError:
            followed.finish(self.size, self.changed)
            raise
        if piece.place == followed.place and not piece.dropped:
            if followed.passing:
                followed.passing = 0
            else:
                self._exhausted = state
                if content.packed:
                    followed.finish(self.size, self.changed)
            return None
        if content.packed:
            return piece
        offset = piece.place.offset
        return piece._replace(head=head_mark(content, offset), tail=tail_mark(content, offset))

    def _seen(self, content: Bytes) -> Bytes:
        """What is to be read now: what does not land is read first, to find the end of a record and its number."""
        if content.size() < self.followed.passing:
            self.followed.passing = 0
        return Upto(content, self.followed.passing) if self.followed.passing else content

    def close(self) -> None:
        """Let go of it."""
        if self.content:
            self.content.close()
            self.content = None
