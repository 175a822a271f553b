"""Detections that keep state: the ``detection.py`` of a content folder names its operators in ``DETECTORS``."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from watchfloor.catalog import BUILT_IN, folders, load_python
from watchfloor.errors import ContentError
from watchfloor.operator import KeyedOperator

Keyed = KeyedOperator[Any]


def load_keyed(under: Iterable[Path] = (BUILT_IN,)) -> tuple[tuple[Keyed, ...], tuple[ContentError, ...]]:
    """The keyed operators below the content roots, and what failed to load with its reason."""
    loaded: dict[str, Keyed] = {}
    failed: list[ContentError] = []
    for folder in folders("detections", under=under):
        path = folder.path / "detection.py"
        if not path.exists():
            continue
        try:
            operators = operators_of(path)
            _unique(path, operators, loaded)
            loaded.update((operator.name, operator) for operator in operators)
        except ContentError as error:
            failed.append(error)
    return tuple(loaded.values()), tuple(failed)


def _unique(path: Path, operators: tuple[Keyed, ...], loaded: dict[str, Keyed]) -> None:
    if taken := [operator.name for operator in operators if operator.name in loaded]:
        raise ContentError(str(path), f"a detector named {taken[0]!r} exists already")


def operators_of(path: Path) -> tuple[Keyed, ...]:
    """The operators of one ``detection.py``.

    Raises:
        ContentError: It does not import, or ``DETECTORS`` is not a tuple of keyed operators.
    """
    operators = getattr(load_python(path), "DETECTORS", None)
    if not isinstance(operators, tuple) or not operators:
        raise ContentError(str(path), "DETECTORS must be a tuple of keyed operators")
    for operator in operators:
        if not isinstance(operator, KeyedOperator):
            raise ContentError(str(path), f"{operator!r} is not a keyed operator")
    return operators
