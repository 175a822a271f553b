"""Loads sources from their folders, or from what is kept of those that have loaded before.

What is kept of a source are the documents of its YAML files. They are found by a digest of all files beside them and of
the code that compiles them: so they are those of a source with which nothing was wrong, and it is not compiled again
before it is needed.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from watchfloor.catalog import BUILT_IN, Folder, folders
from watchfloor.errors import ContentError
from watchfloor.kept import Keep, key_of
from watchfloor.normalize.source import Documents, Source

MOST_ENTRIES = 500
"""Of how many sources something is kept, the last used ones."""

Loaded = tuple[tuple[Source, ...], tuple[ContentError, ...]]
"""Sources, and those that failed with their reasons."""

State = tuple[tuple[str, int, int], ...]
"""The files of a folder: name, time of the last change in ns, size in bytes."""

_PACKAGE = Path(__file__).parents[1]


def load_sources(under: Iterable[Path] = (BUILT_IN,), *, load: Callable[[Folder], Source] = Source) -> Loaded:
    """All sources below the content roots, and those that failed with their reasons."""
    loaded, failed = [], []
    for folder in folders("sources", under=under):
        try:
            loaded.append(_loaded(folder, _state(folder), load))
        except ContentError as error:
            failed.append(error)
    return tuple(loaded), tuple(failed)


class SourceCache:
    """What is kept of sources, in a folder of the user's own; ``on_note`` is told why an entry is not used."""

    def __init__(self, folder: Path, on_note: Callable[[str], None] = lambda _note: None) -> None:
        self._keep = Keep(folder, what="sources", most=MOST_ENTRIES, on_note=on_note)

    def load(self, under: Iterable[Path] = (BUILT_IN,)) -> Loaded:
        """What :func:`load_sources` gives."""
        return load_sources(under, load=self._source)

    def _source(self, folder: Folder) -> Source:
        files = _files(folder)
        key = _key(folder, files)
        known = self._keep.read(key, _unpacked)
        if known is not None:
            return Source(folder, known)
        source = Source(folder)
        # Files that somebody saved meanwhile are not those of the key.
        all_seen = source.documents.keys() <= files.keys() and _key(folder, _files(folder)) == key
        if all_seen and (data := _packed(source.documents)) is not None:
            self._keep.write(key, data)
        return source


def handed(sources: Sequence[Source]) -> bytes:
    """Sources as plain data, for another process on this machine."""
    return msgspec.msgpack.encode(
        [(source.name, str(source.folder), _packed(source.documents)) for source in sources],
    )


def taken(data: bytes) -> tuple[Source, ...]:
    """The sources of which :func:`handed` was told."""
    told = msgspec.msgpack.decode(data, type=list[tuple[str, str, bytes | None]])
    return tuple(
        Source(Folder(name, Path(path)), None if documents is None else _unpacked(documents))
        for name, path, documents in told
    )


@lru_cache(maxsize=256)
def _loaded(folder: Folder, _state: State, load: Callable[[Folder], Source]) -> Source:
    """A source, loaded once as long as its files stay as they are."""
    return load(folder)


def _state(folder: Folder) -> State:
    try:
        return tuple(sorted((one.name, one.stat().st_mtime_ns, one.stat().st_size) for one in folder.path.iterdir()))
    except OSError as error:
        raise ContentError(str(folder.path), error.strerror or str(error)) from error


def _files(folder: Folder) -> dict[str, bytes]:
    """The files that a source is made from, by name."""
    try:
        files = [one for one in folder.path.iterdir() if one.suffix in {".yml", ".py"} and one.is_file()]
        return {one.name: one.read_bytes() for one in files}
    except OSError as error:
        raise ContentError(str(folder.path), error.strerror or str(error)) from error


def _key(folder: Folder, files: Mapping[str, bytes]) -> str:
    return key_of([_code(), folder.name, *(part for file in sorted(files.items()) for part in file)])


@cache
def _code() -> str:
    """A digest of all that compiles sources: another version of it may refuse what this one takes."""
    here = Path(__file__).parent
    files = sorted([*here.rglob("*.py"), *_PACKAGE.glob("*.py")])
    versions = map(version, ("ocsf-json-schema", "regex", "pyyaml"))
    return key_of([sys.version, *versions, *(part for path in files for part in (path.name, path.read_bytes()))])


def _packed(documents: Documents) -> bytes | None:
    """Documents as plain data; nothing if they hold what would not come back the same, as times."""
    try:
        data = msgspec.msgpack.encode(documents)
        return data if msgspec.msgpack.decode(data) == documents else None
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError):
        return None


def _unpacked(data: bytes) -> Documents:
    return msgspec.msgpack.decode(data, type=dict[str, dict[str, Any]])
