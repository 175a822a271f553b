"""Keeps loaded rules on disk, so that the same files need not be parsed again.

An entry is found by what it was made from: the bytes of the rule files, their paths, the code that compiles them.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import msgspec

from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.detect.sigma.correlation_link import LinkedCorrelation
from watchfloor.detect.sigma.files import rule_files
from watchfloor.detect.sigma.ruleset import RuleSet
from watchfloor.errors import ContentError
from watchfloor.kept import Keep, key_of

MOST_ENTRIES = 16
"""How many sets of rules are kept, the last used ones."""

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
        self._keep = Keep(folder, what="rules", most=MOST_ENTRIES, on_note=on_note)

    def load(self, paths: Sequence[Path]) -> RuleSet:
        """What :func:`~watchfloor.detect.sigma.load.load_rules` gives, from the cache if it is there.

        Raises:
            InputError: A path does not exist.
        """
        key = _key(paths)
        ruleset = self._keep.read(key, unpacked)
        if ruleset is None:
            from watchfloor.detect.sigma.load import load_rules  # noqa: PLC0415 - dear, and not needed for an entry

            ruleset = load_rules(paths)
            self._keep.write(key, packed(ruleset))
        return ruleset


def _key(paths: Sequence[Path]) -> str:
    parts = (part for path in paths for part in ("path", str(path), str(path.resolve()), *_parts(path)))
    return key_of([_code(), *parts])


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


@cache
def _code() -> str:
    """A digest of all that makes rules of files: another version of it makes other rules."""
    files = sorted([*Path(__file__).parent.glob("*.py"), *_PACKAGE.glob("*.py")])
    versions = map(version, ("pysigma", "regex", "pyyaml"))
    return key_of([*versions, *(part for path in files for part in (path.name, path.read_bytes()))])


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
