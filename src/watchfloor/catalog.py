"""Finds content: the built-in folders, the user's folders and what installed packages offer.

Content is data. Nothing in the package imports it; a stage asks for its kind and loads what it gets.
"""

import importlib.util
import sys
import traceback
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import msgspec
import yaml

from watchfloor.errors import ContentError, InputError
from watchfloor.yaml_limits import MAX_DEPTH, expands_too_far, nests_too_deep

Kind = Literal["sources", "detections", "filters", "playbooks", "actions", "policies"]
KINDS: tuple[Kind, ...] = ("sources", "detections", "filters", "playbooks", "actions", "policies")
ENTRY_POINTS = "watchfloor.content"
"""Entry-point group: each entry loads to the path of a folder laid out as the built-in ``content/``."""

BUILT_IN = Path(__file__).parent / "content"
MAX_YAML_BYTES = 4 << 20


class Folder(msgspec.Struct, frozen=True, order=True):
    """One piece of content: its name is its folder's."""

    name: str
    path: Path


def roots(user: Iterable[Path] = ()) -> tuple[Path, ...]:
    """The content roots, built-in, of installed packages, the user's: a later one takes precedence.

    Raises:
        InputError: A root of the user's is no folder, or holds no content.
        ContentError: What an installed package offers does not load.
    """
    own = tuple(user)
    for root in own:
        if not any((root / kind).is_dir() for kind in KINDS):
            raise InputError(f"{root}: no content here: a content folder holds {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    return (BUILT_IN, *map(_installed, sorted(entry_points(group=ENTRY_POINTS), key=lambda e: e.name)), *own)


def _installed(entry: EntryPoint) -> Path:
    try:
        return Path(str(entry.load()))
    except Exception as error:
        raise ContentError(f"installed content {entry.name} ({entry.value})", _one_line(error)) from error


def folders(kind: Kind, *, under: Iterable[Path] = (BUILT_IN,)) -> list[Folder]:
    """The content folders of one kind, by name; a later root's folder replaces an earlier one of the same name."""
    found: dict[str, Folder] = {}
    for root in under:
        base = root / kind
        if base.is_dir():
            found.update((path.name, Folder(path.name, path)) for path in sorted(base.iterdir()) if _is_content(path))
    return sorted(found.values())


def _is_content(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith((".", "_"))


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds one mapping.

    Raises:
        ContentError: It cannot be read, is too large, is not YAML, nests or expands without bound, or is not a mapping;
            names the line where it is known.
    """
    try:
        if path.stat().st_size > MAX_YAML_BYTES:
            raise ContentError(str(path), f"larger than {MAX_YAML_BYTES} bytes")
        document = _document(path, path.read_bytes())
    except OSError as error:
        raise ContentError(str(path), error.strerror or str(error)) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ContentError(str(path), reason, line=mark.line + 1 if mark else None) from error
    except (ValueError, LookupError, AttributeError, TypeError, OverflowError) as error:
        # What the constructors of PyYAML raise for a value that its tag promises and its text is not: ``!!bool maybe``.
        raise ContentError(str(path), f"a value that is not of its type: {_one_line(error)}") from error
    if not isinstance(document, dict):
        raise ContentError(str(path), "expected a mapping", line=1)
    return document


def _document(path: Path, data: bytes) -> Any:
    if nests_too_deep(data):
        raise ContentError(str(path), f"nests deeper than {MAX_DEPTH}")
    loader = _LOADER(data)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if b"&" in data and expands_too_far(node):
            raise ContentError(str(path), "its aliases expand to too much, or to themselves")
        return loader.construct_document(node)
    finally:
        loader.dispose()


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_python(path: Path) -> ModuleType:
    """The module of a content folder's Python file, imported under a name of its own.

    Raises:
        ContentError: It does not import; names the file, the line and the reason.
    """
    name = f"watchfloor_content.{path.parent.name}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ContentError(str(path), "not an importable Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and typed structs look their module up by its name while they are made.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ContentError(str(path), _one_line(error), line=_line_in(path, error)) from error
    return module


def _line_in(path: Path, error: BaseException) -> int | None:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
