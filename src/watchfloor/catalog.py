"""Finds content: the built-in folders, the user's folders and what installed packages offer.

Content is data. Nothing in the package imports it; a stage asks for its kind and loads what it gets.
"""

import importlib.util
from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import msgspec
import yaml

from watchfloor.errors import ContentError

Kind = Literal["sources", "detections", "playbooks", "actions", "policies"]
KINDS: tuple[Kind, ...] = ("sources", "detections", "playbooks", "actions", "policies")
ENTRY_POINTS = "watchfloor.content"
"""Entry-point group: each entry loads to the path of a folder laid out as the built-in ``content/``."""

BUILT_IN = Path(__file__).parent / "content"
MAX_YAML_BYTES = 4 << 20


class Folder(msgspec.Struct, frozen=True, order=True):
    """One piece of content: its name is its folder's."""

    name: str
    path: Path


def roots(user: Iterable[Path] = ()) -> tuple[Path, ...]:
    """The content roots in order of precedence: built-in, installed packages, the user's."""
    installed = [Path(str(entry.load())) for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda e: e.name)]
    return (BUILT_IN, *installed, *user)


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
        ContentError: It cannot be read, is too large, is not YAML or is not a mapping; names the line.
    """
    try:
        if path.stat().st_size > MAX_YAML_BYTES:
            raise ContentError(str(path), f"larger than {MAX_YAML_BYTES} bytes")
        document = yaml.load(path.read_bytes(), Loader=_LOADER)  # noqa: S506 - the safe loader, in C where there is one
    except OSError as error:
        raise ContentError(str(path), error.strerror or str(error)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ContentError(str(path), reason, line=mark.line + 1 if mark else None) from error
    if not isinstance(document, dict):
        raise ContentError(str(path), "expected a mapping", line=1)
    return document


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_python(path: Path) -> ModuleType:
    """The module of a content folder's Python file, imported under a name of its own.

    Raises:
        ContentError: It does not import; names the file and the reason.
    """
    name = f"watchfloor_content.{path.parent.name}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ContentError(str(path), "not an importable Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ContentError(str(path), f"{type(error).__name__}: {error}") from error
    return module

