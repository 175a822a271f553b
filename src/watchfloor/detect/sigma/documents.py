"""Reads the YAML documents of a rule file: bounded in depth and expansion, with the lines of their keys."""

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml
from sigma.rule.base import SigmaYAMLLoader

from watchfloor.detect.sigma.place import Keys, Place
from watchfloor.errors import ContentError
from watchfloor.yaml_limits import MAX_DEPTH, expands_too_far, nests_too_deep


class Document(msgspec.Struct, frozen=True):
    """One YAML document and where it is written."""

    place: Place
    value: Any


def documents(path: str, data: bytes) -> Iterator[Document | ContentError]:
    """The documents of a file; one that cannot be read gives its error, and the ones after it go on where they can."""
    try:
        if nests_too_deep(data):
            yield ContentError(path, f"nests deeper than {MAX_DEPTH}")
            return
        loader = SigmaYAMLLoader(data)
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield _document(path, node)
    except (yaml.YAMLError, ValueError) as error:
        yield _yaml_error(path, error)


def _document(path: str, node: yaml.Node) -> Document | ContentError:
    place = Place(path, _lines(node))
    try:
        if expands_too_far(node):
            return place.error("its aliases expand to too many nodes")
        # A loader of its own: a document that fails leaves the constructor in no state to go on with.
        return Document(place, SigmaYAMLLoader("").construct_document(node))
    except (yaml.YAMLError, ValueError, TypeError) as error:
        return _yaml_error(path, error, place)


def _yaml_error(path: str, error: Exception, place: Place | None = None) -> ContentError:
    mark = getattr(error, "problem_mark", None)
    reason = " ".join((getattr(error, "problem", None) or str(error)).split())
    if mark is None and place is not None:
        return place.error(f"not readable YAML: {reason}")
    return ContentError(path, f"not readable YAML: {reason}", line=mark.line + 1 if mark else None)


def _lines(node: yaml.Node) -> dict[Keys, int]:
    """The lines of a document, of its keys and of the keys one level below."""
    lines: dict[Keys, int] = {(): node.start_mark.line + 1}
    for name, value in _pairs(node):
        lines[str(name.value),] = name.start_mark.line + 1
        for inner, _ in _pairs(value):
            lines[str(name.value), str(inner.value)] = inner.start_mark.line + 1
    return lines


def _pairs(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []
