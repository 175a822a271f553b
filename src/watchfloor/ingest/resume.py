"""Where reading goes on after a broken record.

A record that is cut off says nothing about where it would have ended. What is safe is the layout: the next line that
begins with the same indentation as the broken record's line, and with a bracket, begins its sibling.
"""

import re

MAX_INDENT = 1024
"""A line that is indented further tells nothing."""


class Nesting:
    """An array of records that is being read; it counts its elements."""

    def __init__(self) -> None:
        self.index = 0
        self.marker: bytes | None = None
        """The bytes from one element's last to the end of the next one's first key, as they were seen once."""


class Layout:
    """How the current line begins: its indentation, and the array, if any, that its first element is in."""

    def __init__(self) -> None:
        self._indent = b""
        self._known = True
        self._fresh = True
        self.array: Nesting | None = None

    def gap(self, gap: bytes, array: Nesting | None) -> None:
        """Blanks and commas were passed between elements of ``array``."""
        _, newline, tail = gap.rpartition(b"\n")
        if newline:
            self._indent, self._known, self._fresh, self.array = tail, True, True, array
        elif self._fresh:
            self._indent += tail
        if len(self._indent) > MAX_INDENT:
            self._indent, self._known = b"", False

    def passed(self, element: bytes) -> None:
        """An element, or the head of a wrapper, was passed; how the line that it ends on begins may not be known."""
        self._fresh = False
        if b"\n" in element:
            self._known = False

    def sibling(self, array: Nesting | None) -> "Sibling":
        """What begins the next sibling of the element of ``array`` at hand."""
        known = self._known and self.array in {None, array}
        return Sibling(self._indent, self.array) if known else Sibling(None, None)


class Sibling:
    """A pattern for the start of the next sibling; one that never matches if the layout tells nothing."""

    stopped: str | None = "reading stopped here"
    """What it means that it was not found before the end."""

    def __init__(self, indent: bytes | None, array: Nesting | None) -> None:
        self.array = array
        self.overlap = 0 if indent is None else len(indent) + 1
        """How many bytes before its bracket the pattern needs."""
        bracket = rb"\{" if array else rb"[\[{]"
        self._pattern = None if indent is None else re.compile(rb"\n" + re.escape(indent) + bracket)

    def find(self, data: bytes, at: int) -> int:
        """The position of the line break before the next sibling, or -1."""
        found = self._pattern.search(data, at) if self._pattern else None
        return found.start() if found else -1


class NextLine(Sibling):
    """For what is not JSON at all: reading goes on with the next line."""

    stopped = None

    def __init__(self) -> None:
        super().__init__(None, None)

    def find(self, data: bytes, at: int) -> int:
        """The position of the next line break, or -1."""
        return data.find(b"\n", at)
