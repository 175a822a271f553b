"""What is remembered of a followed file, so that reading goes on where it was."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from watchfloor.errors import StoreError
from watchfloor.ingest.inputs.ordinals import origin
from watchfloor.ingest.inputs.remembering import remember, remembered
from watchfloor.ingest.inputs.tail_lines import Place
from watchfloor.ingest.inputs.tail_reading import Piece
from watchfloor.ingest.inputs.tail_sources import Bytes, head_mark, tail_mark

COPIED_BYTES = 256
"""A new file that begins as another one did, for at least so long, is its copy. Shorter ones may be alike by chance."""

_NAME_BYTES = 1024
_NO_DEVICE = -1


class Followed(msgspec.Struct, kw_only=True):
    """One file, or what was one before it was cut short and begun anew.

    Attributes:
        path: Where it was seen last; bytes that are not UTF-8 as Latin-1.
        origin: Its records' ordinals begin behind it; copies share it. 0 as long as nothing was read.
        generation: How often it was begun anew.
        head: The mark of its first bytes,
        tail: and of those before ``place``: by both it is known again.
        passing: What stands before this offset was there at first sight, and does not land; 0 once that is passed.
        done: It is whole, and nothing more will be read of it.
        whole: Its size and time of change (ns) then; with others, it is another file that got its number.
    """

    device: int
    inode: int
    path: str
    place: Place = Place()
    head: str = ""
    tail: str = ""
    origin: int = 0
    generation: int = 0
    passing: int = 0
    done: bool = False
    whole: tuple[int, int] = (0, 0)

    @property
    def key(self) -> tuple[int, int]:
        """Which file of the system it is."""
        return self.device, self.inode

    def is_in(self, content: Bytes) -> bool:
        """Whether the content begins with all that was read of this file."""
        offset = self.place.offset
        return bool(self.head) and (self.head, self.tail) == (head_mark(content, offset), tail_mark(content, offset))

    def begin_anew(self) -> None:
        """The file was cut short, or another one stands in its place."""
        self.place, self.head, self.tail, self.origin, self.passing = Place(), "", "", 0, 0
        self.generation += 1

    def past(self) -> "Followed":
        """What it was, before it is begun anew: its copy may come."""
        return msgspec.structs.replace(self, device=_NO_DEVICE, inode=self.origin, done=True)

    def go_on_from(self, other: "Followed") -> None:
        """It is a copy of another one, which may have been cut short since."""
        self.place, self.head, self.tail, self.origin = other.place, other.head, other.tail, other.origin

    def begin(self, content: Bytes, *, final: bool) -> bool:
        """Name the file by its first line, once that is there; whether it is.

        The name is the same whenever it is found, so that the same records have the same ordinals.
        """
        if self.origin:
            return True
        head = content.at(0, _NAME_BYTES)
        line, newline, _ = head.partition(b"\n")
        if not newline and len(head) < _NAME_BYTES and not (final and head):
            return False
        self.origin = origin("tail", self.device, self.inode, self.generation, line.hex())
        return True

    def finish(self, size: int, changed: int) -> None:
        """Nothing more will be read of it, as long as it has this size and time of change (ns)."""
        self.done, self.whole = True, (size, changed)

    def advance(self, piece: Piece) -> None:
        """What the piece holds has landed."""
        self.place, self.head, self.tail = piece.place, piece.head, piece.tail


def as_text(path: str) -> str:
    r"""A path, which may hold any bytes, as text that a file can hold.

    >>> as_path(as_text("/var/log/caf\udce9.log")) == "/var/log/caf\udce9.log"
    True
    """
    return os.fsencode(path).decode("latin-1")


def as_path(text: str) -> str:
    """The path of :func:`as_text`."""
    return os.fsdecode(text.encode("latin-1"))


def load(path: Path) -> list[Followed] | None:
    """What was remembered; None if nothing ever was.

    Raises:
        StoreError: It cannot be read, or is not as it was written.
    """
    data = remembered(path)
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=list[Followed])
    except msgspec.MsgspecError as error:
        raise StoreError(f"{path}: not what was written there ({error}); delete it to read all files again") from error


def save(path: Path, followed: Iterable[Followed]) -> None:
    """Remember them.

    Raises:
        StoreError: They cannot be written.
    """
    remember(path, msgspec.json.encode(list(followed)))
