"""Where a rule is written, so that an error can name the line."""

from collections.abc import Mapping

import msgspec

from watchfloor.errors import ContentError

Keys = tuple[str, ...]


class Place(msgspec.Struct, frozen=True):
    """A rule's file (``zip!member`` inside an archive) and the 1-based lines of its keys; ``()`` is the rule itself."""

    path: str
    lines: Mapping[Keys, int] = {}

    def error(self, reason: str, *keys: str) -> ContentError:
        """The error at a key of the rule, or at the nearest one above it whose line is known.

        >>> str(Place("a.yml", {(): 1, ("detection",): 7}).error("empty", "detection", "selection"))
        'a.yml:7: empty'
        """
        known = (self.lines.get(keys[:length]) for length in range(len(keys), -1, -1))
        return ContentError(self.path, reason, line=next((line for line in known if line is not None), None))
