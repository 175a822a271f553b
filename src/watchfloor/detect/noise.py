"""Noise filters: which events are not worth keeping, as content.

``content/filters/NAME/filter.yml`` is a Sigma rule (``title``, ``id``, ``logsource``, ``detection``) with three keys
more: ``owner``, ``reason``, and ``keep_one_in``, of how many events one is kept all the same.
``cases/NAME.dropped.ndjson`` and ``cases/NAME.kept.ndjson`` hold raw events.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from watchfloor.catalog import BUILT_IN, folders, read_yaml
from watchfloor.detect.sigma.condition import CompiledRule
from watchfloor.detect.sigma.load import load_rules
from watchfloor.errors import ContentError

FILE = "filter.yml"


class _Said(msgspec.Struct):
    owner: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    keep_one_in: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1000


class NoiseFilter(msgspec.Struct, frozen=True):
    """A filter: which events, who answers for it, why, and of how many of them one is kept."""

    name: str
    rule: CompiledRule
    owner: str
    reason: str
    keep_one_in: int
    folder: Path


def load_filters(under: Iterable[Path] = (BUILT_IN,)) -> tuple[tuple[NoiseFilter, ...], tuple[ContentError, ...]]:
    """The filters of content roots, and an error for each that does not load."""
    found: list[NoiseFilter] = []
    errors: list[ContentError] = []
    for folder in folders("filters", under=under):
        try:
            found.append(load_filter(folder.name, folder.path))
        except ContentError as error:
            errors.append(error)
    return tuple(found), tuple(errors)


def load_filter(name: str, folder: Path) -> NoiseFilter:
    """The filter of a folder.

    Raises:
        ContentError: It is not there, is no Sigma rule, or nobody answers for it.
    """
    path = folder / FILE
    document = read_yaml(path)
    try:
        said = msgspec.convert(document, _Said)
    except msgspec.ValidationError as error:
        raise ContentError(str(path), str(error)) from error
    loaded = load_rules([path])
    if loaded.errors:
        raise loaded.errors[0]
    if len(loaded.rules) != 1 or loaded.correlations:
        raise ContentError(str(path), "a filter is one Sigma rule")
    reason = " ".join(said.reason.split())
    return NoiseFilter(name, loaded.rules[0], said.owner, reason, said.keep_one_in, folder)
