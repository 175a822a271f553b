"""Removes from disk what is part of the lake no more, and what never became part of it."""

import re
from pathlib import Path

from watchfloor.store.lakefile import remove_file
from watchfloor.store.leases import oldest
from watchfloor.store.manifest import Manifest

_OURS = re.compile(r".+\.(?:parquet|needles)")


def sweep(folder: Path) -> int:
    """Remove files that have left the lake and that nobody reads any more; gives how many are left for later."""
    manifest = Manifest(folder)
    gone = manifest.gone()
    if not gone:
        return 0
    reader = oldest(folder)
    done = [path for path, generation in gone.items() if reader is None or generation <= reader]
    for path in done:
        remove_file(folder, path)
    manifest.forget(done)
    return len(gone) - len(done)


def remove_orphans(folder: Path) -> None:
    """Remove files that were written and not committed; nobody may be writing."""
    manifest = Manifest(folder)
    known = {one.path for one in manifest.files()} | manifest.gone().keys()
    for place in folder.glob("tenant=*/hour=*/*"):
        if _OURS.fullmatch(place.name) and str(place.with_suffix(".parquet").relative_to(folder)) not in known:
            place.unlink(missing_ok=True)
