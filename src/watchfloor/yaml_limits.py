"""Limits for YAML that others wrote, to be checked before a document is built.

The C parser overflows its stack on documents that nest without bound, and aliases and merge keys let a page of text
stand for more than memory holds.
"""

import re

import yaml

MAX_DEPTH = 100
"""How deep a document may nest."""

MAX_EXPANSION = 100_000
"""How many nodes aliases may add to those that are written."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INDENTATION = re.compile(rb"^[ \t?:-]+", re.MULTILINE)


def nests_too_deep(data: bytes) -> bool:
    """Whether documents nest deeper than :data:`MAX_DEPTH`.

    >>> nests_too_deep(b"a: " + b"[" * 200 + b"]" * 200), nests_too_deep(b"a: [1, [2]]")
    (True, False)

    Raises:
        yaml.YAMLError: It is not YAML.
    """
    # A block inside a block starts further right, or is a list at its key's own column. Files that cannot nest deep by
    # that measure, which are nearly all, need no second parse.
    widest = max(map(len, _INDENTATION.findall(data)), default=0)
    if 2 * (widest + 1) + data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for event in yaml.parse(data, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return False


def expands_too_far(root: yaml.Node) -> bool:
    r"""Whether a document is larger than written by more than :data:`MAX_EXPANSION` nodes, or contains itself.

    Counted on the nodes, since merge keys copy while they are built.

    >>> expands_too_far(yaml.compose("a: &a [1]\nb: [*a, *a]")), expands_too_far(yaml.compose("a: &a [*a]"))
    (False, True)
    """
    sizes: dict[int, int] = {}
    inside: set[int] = set()
    stack: list[tuple[yaml.Node, bool]] = [(root, False)]
    while stack:
        node, done = stack.pop()
        children = _children(node)
        if done:
            inside.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(child)] for child in children)
            if sizes[id(node)] - len(sizes) > MAX_EXPANSION:
                return True
        elif id(node) in inside:
            return True
        elif id(node) not in sizes:
            inside.add(id(node))
            stack.append((node, True))
            stack.extend((child, False) for child in children)
    return False


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
