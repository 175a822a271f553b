"""Reads the YAML documents of a rule file: bounded in size, depth and expansion, with the lines of their keys."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml
from sigma.rule.base import SigmaYAMLLoader

from watchfloor.catalog import MAX_YAML_BYTES
from watchfloor.detect.sigma.place import Keys, Place
from watchfloor.errors import ContentError
from watchfloor.yaml_limits import MAX_DEPTH, expands_too_far, nests_too_deep

_START = re.compile(rb"^---(?=\s)", re.MULTILINE)
"""Begins a document; nothing else in YAML has it at the beginning of a line."""

_NO_CONTENT = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t]*(?:[%#][^\n]*)?(?:\r?\n|\Z))*")
"""Directives and comments, which may stand before the document that they are of."""


class Document(msgspec.Struct, frozen=True):
    """One YAML document and where it is written."""

    place: Place
    value: Any


def documents(path: str, data: bytes) -> Iterator[Document | ContentError]:
    """The documents of a file; one that cannot be read gives its error, and spares the others."""
    first = 0
    for part in _parts(data):
        yield from _read(path, part, first)
        first += part.count(b"\n")


def _parts(data: bytes) -> Iterator[bytes]:
    """The file cut where documents begin, so that each is read on its own."""
    begin = 0
    for found in _START.finditer(data):
        if not _NO_CONTENT.fullmatch(data, begin, found.start()):
            yield data[begin : found.start()]
            begin = found.start()
    yield data[begin:]


def _read(path: str, data: bytes, first: int) -> Iterator[Document | ContentError]:
    """The documents of a part of a file that begins after ``first`` lines."""
    try:
        if len(data) > MAX_YAML_BYTES:
            yield ContentError(path, f"a document is larger than {MAX_YAML_BYTES} bytes", line=first + 1)
            return
        if nests_too_deep(data):
            yield ContentError(path, f"nests deeper than {MAX_DEPTH}", line=first + 1)
            return
        loader = SigmaYAMLLoader(data)
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield _document(path, node, first)
    except (yaml.YAMLError, ValueError) as error:
        yield _yaml_error(path, error, first)


def _document(path: str, node: yaml.Node, first: int) -> Document | ContentError:
    place = Place(path, _lines(node, first + 1))
    try:
        if expands_too_far(node):
            return place.error("its aliases expand to too many nodes")
        # A loader of its own: a document that fails leaves the constructor in no state to go on with.
        return Document(place, SigmaYAMLLoader("").construct_document(node))
    except (yaml.YAMLError, ValueError, TypeError) as error:
        return _yaml_error(path, error, first, place)


def _yaml_error(path: str, error: Exception, first: int, place: Place | None = None) -> ContentError:
    mark = getattr(error, "problem_mark", None)
    reason = " ".join((getattr(error, "problem", None) or str(error)).split())
    if mark is None and place is not None:
        return place.error(f"not readable YAML: {reason}")
    return ContentError(path, f"not readable YAML: {reason}", line=mark.line + first + 1 if mark else None)


def _lines(node: yaml.Node, first: int) -> dict[Keys, int]:
    """The lines of a document, its keys and the keys one level below, if its part of the file begins at ``first``."""
    lines: dict[Keys, int] = {(): node.start_mark.line + first}
    for name, value in _pairs(node):
        lines[str(name.value),] = name.start_mark.line + first
        for inner, _ in _pairs(value):
            lines[str(name.value), str(inner.value)] = inner.start_mark.line + first
    return lines


def _pairs(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []
