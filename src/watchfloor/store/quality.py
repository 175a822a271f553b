"""What is known of the quality of sources, as one blob that is replaced."""

import os
from contextlib import suppress
from pathlib import Path

from watchfloor.errors import storing


class QualityStore:
    """A file; who reads it sees it whole.

    Raises:
        StoreError: It cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, blob: bytes) -> None:
        """Put this in place of what was there."""
        part = self.path.with_name(f".{self.path.name}")
        with storing(self.path):
            with part.open("wb") as file:
                file.write(blob)
                file.flush()
                os.fsync(file.fileno())
            part.rename(self.path)

    def kept(self) -> bytes | None:
        """What is there, if anything is."""
        with storing(self.path), suppress(FileNotFoundError):
            return self.path.read_bytes()
        return None
