"""Keeps loaded rules on disk, so that the same files need not be parsed again.

An entry is found by what it was made from: the bytes of the rule files, their paths, the code that compiles them. It is
plain data under a checksum. One that is damaged, that others may write to or that belongs to somebody else is not used.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import IO

import msgspec

from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.detect.sigma.correlation_link import LinkedCorrelation
from watchfloor.detect.sigma.files import rule_files
from watchfloor.detect.sigma.ruleset import RuleSet
from watchfloor.errors import ContentError

MOST_ENTRIES = 16
"""How many sets of rules are kept, the last used ones."""

_DIGEST = 32
_SUFFIX = ".rules"
_PACKAGE = Path(__file__).parents[2]


class _Kept(msgspec.Struct, frozen=True):
    rules: tuple[CompiledRule, ...]
    errors: tuple[tuple[str, str, int | None], ...]
    correlations: tuple[LinkedCorrelation, ...]
    silent: frozenset[str]
    bare: tuple[str, ...]


class RuleCache:
    """Loaded rules in a folder of the user's own; ``on_note`` is told, in a sentence, why an entry is not used."""

    def __init__(self, folder: Path, on_note: Callable[[str], None] = lambda _note: None) -> None:
        self._folder = folder
        self._on_note = on_note

    def load(self, paths: Sequence[Path]) -> RuleSet:
        """What :func:`~watchfloor.detect.sigma.load.load_rules` gives, from the cache if it is there.

        Raises:
            InputError: A path does not exist.
        """
        entry = self._folder / f"{_key(paths)}{_SUFFIX}"
        ruleset = self._read(entry)
        if ruleset is None:
            from watchfloor.detect.sigma.load import load_rules  # noqa: PLC0415 - dear, and not needed for an entry

            ruleset = load_rules(paths)
            self._write(entry, ruleset)
        return ruleset

    def _read(self, entry: Path) -> RuleSet | None:
        try:
            with _own_file(entry) as file:
                data = file.read()
        except FileNotFoundError:
            return None
        except (OSError, _NotOwnError) as error:
            self._on_note(f"{entry}: {error}; the rules are read again.")
            return None
        try:
            ruleset = unpacked(_checked(data))
        except msgspec.DecodeError as error:
            self._on_note(f"{entry}: cached rules that cannot be read ({error}); the rules are read again.")
            return None
        os.utime(entry)
        return ruleset

    def _write(self, entry: Path, ruleset: RuleSet) -> None:
        payload = packed(ruleset)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (reason := _not_own(self._folder.stat())) is not None:
                self._on_note(f"{self._folder}: {reason}; the rules are not kept.")
                return
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                file.write(_digest(payload) + payload)
            Path(file.name).replace(entry)
            kept = sorted(self._folder.glob(f"*{_SUFFIX}"), key=lambda one: one.stat().st_mtime, reverse=True)
            for old in kept[MOST_ENTRIES:]:
                old.unlink(missing_ok=True)
        except OSError as error:
            self._on_note(f"{self._folder}: {error.strerror or error}; the rules are not kept.")


class _NotOwnError(Exception):
    """A file that somebody else could have written."""


def _own_file(path: Path) -> IO[bytes]:
    """The file, opened; that it is one's own is checked of what was opened, not of what the path may be later."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    reason = _not_own(os.fstat(file.fileno()))
    if reason is not None:
        file.close()
        raise _NotOwnError(reason)
    return file


def _not_own(status: os.stat_result) -> str | None:
    """Why what has this status is not to be trusted."""
    if status.st_uid != os.getuid():
        return "belongs to somebody else"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others may write to it"
    return None if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) else "not a regular file"


def _key(paths: Sequence[Path]) -> str:
    digest = hashlib.blake2b(_code(), digest_size=_DIGEST)
    for path in paths:
        _add(digest, "path", str(path), str(path.resolve()), *_parts(path))
    return digest.hexdigest()


def _parts(path: Path) -> Iterable[str | bytes]:
    """What a path holds: a zip as it is, which is quicker than all that is in it."""
    if path.is_file():
        try:
            with path.open("rb") as file:
                yield hashlib.file_digest(file, "blake2b").digest()
        except OSError as error:
            yield str(error)
        return
    for one in rule_files(path):
        yield from ("error", str(one)) if isinstance(one, ContentError) else ("file", one.path, one.data)


def _add(digest: "hashlib.blake2b", *parts: str | bytes) -> None:
    for part in parts:
        data = part if isinstance(part, bytes) else os.fsencode(part)
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)


@cache
def _code() -> bytes:
    """A digest of all that makes rules of files: another version of it makes other rules."""
    digest = hashlib.blake2b(digest_size=_DIGEST)
    _add(digest, version("pysigma"), version("regex"), version("pyyaml"))
    for path in sorted([*Path(__file__).parent.glob("*.py"), *_PACKAGE.glob("*.py")]):
        _add(digest, path.name, path.read_bytes())
    return digest.digest()


def _checked(data: bytes) -> bytes:
    payload = data[_DIGEST:]
    if data[:_DIGEST] != _digest(payload):
        raise msgspec.DecodeError("damaged")
    return payload


def _digest(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=_DIGEST).digest()


def packed(ruleset: RuleSet) -> bytes:
    """Loaded rules as plain data."""
    errors = tuple((one.path, one.reason, one.line) for one in ruleset.errors)
    kept = _Kept(ruleset.rules, errors, ruleset.correlations, ruleset.silent, tuple(map(str, ruleset.bare)))
    return msgspec.msgpack.encode(kept)


def unpacked(data: bytes) -> RuleSet:
    """The rules that :func:`packed` wrote.

    Raises:
        msgspec.DecodeError: It did not write this.
    """
    kept = msgspec.msgpack.decode(data, type=_Kept)
    errors = tuple(ContentError(path, reason, line=line) for path, reason, line in kept.errors)
    return RuleSet(kept.rules, errors, kept.correlations, kept.silent, tuple(map(Path, kept.bare)))
