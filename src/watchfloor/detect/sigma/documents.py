"""Reads the YAML documents of a rule file: bounded in depth and expansion, with the lines of their keys."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml
from sigma.rule.base import MAX_ALIAS_EXPANSION, SigmaYAMLLoader

from watchfloor.detect.sigma.place import Keys, Place
from watchfloor.errors import ContentError

MAX_DEPTH = 100
"""How deep a rule file may nest; the C parser overflows its stack on files that nest without bound."""

_INDENTATION = re.compile(rb"^[ \t?:-]+", re.MULTILINE)


class Document(msgspec.Struct, frozen=True):
    """One YAML document and where it is written."""

    place: Place
    value: Any


def documents(path: str, data: bytes) -> Iterator[Document | ContentError]:
    """The documents of a file; one that cannot be read gives its error, and the ones after it go on where they can."""
    try:
        if _nests_too_deep(data):
            yield ContentError(path, f"nests deeper than {MAX_DEPTH}")
            return
        loader = SigmaYAMLLoader(data)
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield _document(path, node)
    except (yaml.YAMLError, ValueError) as error:
        yield _yaml_error(path, error)


def _nests_too_deep(data: bytes) -> bool:
    # A block inside a block starts further right, or is a list at its key's own column. Files that cannot nest deep by
    # that measure, which are nearly all, need no second parse.
    widest = max(map(len, _INDENTATION.findall(data)), default=0)
    if 2 * (widest + 1) + data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return False


def _document(path: str, node: yaml.Node) -> Document | ContentError:
    place = Place(path, _lines(node))
    try:
        if _expands_too_far(node):
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


def _expands_too_far(root: yaml.Node) -> bool:
    """Whether aliases and merge keys make the document much larger than it is written, or endless.

    Counted on the nodes, before anything is built: merge keys copy while they are built.
    """
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    written = 0
    stack: list[tuple[yaml.Node, bool]] = [(root, False)]
    while stack:
        node, done = stack.pop()
        children = _children(node)
        if done:
            open_nodes.discard(id(node))
            written += 1
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in children)
            if sizes[id(node)] - written > MAX_ALIAS_EXPANSION:
                return True
        elif id(node) in open_nodes:
            return True
        elif id(node) not in sizes:
            open_nodes.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in children)
    return False


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
