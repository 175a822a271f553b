"""Finds the YAML files of a folder or a zip that may hold Sigma rules."""

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from watchfloor.errors import ContentError, InputError

SKIPPED_FOLDERS = frozenset({"deprecated", "unsupported"})
"""Folders that count only if they, or something inside them, are named."""

MAX_TOTAL_BYTES = 1 << 30
"""How much YAML one named path may hold."""

MAX_FILE_BYTES = 128 << 20
"""How long one file may be; each of its documents is bounded, too."""

_SUFFIXES = (".yml", ".yaml")
_TELLING_KEY = re.compile(rb"(?:^|[{,\s\"'])(?:detection|correlation|filter)[\"']?\s*:")
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


class RuleFile(msgspec.Struct, frozen=True):
    """A file's path (``zip!member`` inside an archive) and its bytes; ``named`` if the user named the file itself."""

    path: str
    data: bytes
    named: bool = False


def rule_files(path: Path) -> Iterator[RuleFile | ContentError]:
    """The files below a path that may hold rules, by name; a file that cannot be read gives its error.

    Raises:
        InputError: There is no such path.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.is_dir():
        found = _folder(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        found = _archive(path)
    else:
        found = iter([_read(path, named=True)])
    total = 0
    for one in found:
        if isinstance(one, RuleFile):
            total += len(one.data)
            if total > MAX_TOTAL_BYTES:
                yield ContentError(str(path), f"holds more than {MAX_TOTAL_BYTES} bytes of YAML; the rest is not read")
                return
            if not one.named and not _may_hold_rules(one.data):
                continue
        yield one


def _may_hold_rules(data: bytes) -> bool:
    return _TELLING_KEY.search(data) is not None or data.startswith(_BYTE_ORDER_MARKS)


def _folder(root: Path) -> Iterator[RuleFile | ContentError]:
    for folder, below, names in os.walk(root):
        below[:] = sorted(name for name in below if name not in SKIPPED_FOLDERS)
        for name in sorted(names):
            if name.lower().endswith(_SUFFIXES):
                yield _read(Path(folder, name))


def _read(path: Path, *, named: bool = False) -> RuleFile | ContentError:
    if not path.is_file():
        # Reading a pipe would wait for whoever writes to it.
        return ContentError(str(path), "not a regular file")
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return ContentError(str(path), error.strerror or str(error))
    return _bounded(RuleFile(str(path), data, named))


def _bounded(file: RuleFile) -> RuleFile | ContentError:
    if len(file.data) > MAX_FILE_BYTES:
        return ContentError(file.path, f"larger than {MAX_FILE_BYTES} bytes")
    return file


def _archive(path: Path) -> Iterator[RuleFile | ContentError]:
    try:
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.infolist(), key=lambda info: info.filename):
                if _is_wanted(member):
                    yield _member(archive, member, str(path))
    except (zipfile.BadZipFile, OSError) as error:
        yield ContentError(str(path), f"not a readable zip: {error}")


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    name = member.filename
    folders = PurePosixPath(name).parts[:-1]
    return not member.is_dir() and name.lower().endswith(_SUFFIXES) and SKIPPED_FOLDERS.isdisjoint(folders)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: str) -> RuleFile | ContentError:
    place = f"{path}!{member.filename}"
    try:
        # The size that the archive states may lie; what is read is what counts.
        with archive.open(member) as stream:
            return _bounded(RuleFile(place, stream.read(MAX_FILE_BYTES + 1)))
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        return ContentError(place, f"cannot be read from the zip: {error}")
