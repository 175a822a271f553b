"""The result of a run takes the place of the last one as a whole, or not at all."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchfloor.errors import storing
from watchfloor.settings import DataFolder

_DRAFT = ".draft"
_OURS = re.compile(r"tenant=.*|manifest\.db(-wal|-shm)?|\.writing|\.reading|\.spill|[0-9a-f]{16}\.zip|\..*\.part")
"""What a run puts into its folders; all else in them is somebody else's."""


def draft_of(folder: DataFolder) -> DataFolder:
    """Where a run writes what it makes until it is done."""
    return DataFolder(folder.path / _DRAFT)


@contextmanager
def replacing(folder: DataFolder) -> Iterator[DataFolder]:
    """An empty folder beside the last result, which takes that one's place at the end.

    A run that fails leaves the last result as it was. What people put into the folders of the last result stays there.

    Raises:
        StoreError: The data folder cannot be written.
    """
    draft = draft_of(folder)
    with storing(folder.path):
        if draft.path.exists():
            shutil.rmtree(draft.path)
        draft.packs.mkdir(parents=True)
    try:
        yield draft
        with storing(folder.path):
            for old, new in zip(folder.derived, draft.derived, strict=True):
                _replace(old, new, aside=draft.path / f"old-{old.name}")
    finally:
        shutil.rmtree(draft.path, ignore_errors=True)


def _replace(old: Path, new: Path, *, aside: Path) -> None:
    if old.exists():
        old.rename(aside)
    if new.exists():
        try:
            new.rename(old)
        except OSError:
            # What lies aside goes with the draft: it must not be all that is left of the last result.
            if aside.exists():
                aside.rename(old)
            raise
    if aside.is_dir():
        for theirs in [one for one in aside.iterdir() if not _OURS.fullmatch(one.name)]:
            old.mkdir(exist_ok=True)
            theirs.rename(old / theirs.name)
