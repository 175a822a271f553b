"""One JSON element: while it is being scanned, and what it is when it is whole."""

from watchfloor.ingest.frame import NOT_OBJECT, Items, Refuse, too_long, unreadable
from watchfloor.ingest.limits import Limits
from watchfloor.ingest.structure import Structure
from watchfloor.ingest.wrappers import wrapping

_BESIDE = "left aside: what a wrapper says beside its array of records"
_MAX_NAMES = 200


class Element:
    """The object or array that is being scanned."""

    def __init__(self, line: int, index: int | None, structure: Structure) -> None:
        self.line = line
        self.index = index
        self.structure = structure
        self.before = b""
        """Its bytes that are no longer at hand."""
        self.refused: Refuse | None = None
        """Set as soon as it is longer than a record may be."""
        self.wraps = False

    def refuse(self, reason: str) -> Refuse:
        """What it becomes when it cannot be read, for this reason if there is none yet."""
        return self.refused or Refuse(reason, self.line, self.index).add(self.before)


def add_whole(items: Items, raw: bytes, line: int, index: int | None, limits: Limits) -> None:
    """Append a whole element: it is a record, if it is an object and not too long."""
    if len(raw) > limits.record_bytes:
        items.unreadable(too_long(limits, line, index).add(raw).item())
    elif not raw.startswith(b"{"):
        items.unreadable(unreadable(NOT_OBJECT, line, raw, index=index))
    else:
        items.record(raw, line, index)


def add_beside(items: Items, wrapper: bytes, line: int) -> None:
    """Append what a wrapper, its array left out, says that is lost otherwise."""
    names = wrapping(wrapper)
    if names is None:
        items.unreadable(unreadable("broken JSON: around an array of records", line, wrapper))
    elif names:
        items.unreadable(unreadable(_BESIDE, line, wrapper, detail=f" ({', '.join(names)[:_MAX_NAMES]})"))
