"""An event as triage looks at it: what is longer than anybody reads is cut, and says so."""

from typing import Any

import orjson

from watchfloor.triage.evidence import Row

MAX_VALUE = 4096
"""Characters of one value."""

MAX_TREE = 16_384
"""Characters of all values in ``rest``, and in ``unmapped``; also the bytes of ``raw``."""

CUT = " […cut: the pack has it whole…] "
"""Stands in the middle of a value that was cut, or for values that were left out."""


def view(row: Row) -> Row:
    """The row itself, or a copy in which what is too long is cut in the middle.

    >>> row = {"message": "a" * 9000, "raw": b"{}", "time": 1}
    >>> seen = view(row)
    >>> len(seen["message"]) <= MAX_VALUE, CUT in seen["message"], view(seen) is seen
    (True, True, True)
    """
    changed: dict[str, Any] = {}
    for name, value in row.items():
        if name in {"rest", "unmapped"}:
            if value is not None and len(value) > MAX_TREE:
                changed[name] = orjson.dumps(_pruned(orjson.loads(value), [MAX_TREE // 2])).decode()
        elif isinstance(value, str) and len(value) > MAX_VALUE:
            changed[name] = _cut(value)
        elif isinstance(value, bytes) and len(value) > MAX_TREE:
            half = MAX_TREE // 2 - len(CUT.encode())
            changed[name] = value[:half] + CUT.encode() + value[-half:]
    return {**row, **changed} if changed else row


def is_cut(row: Row) -> bool:
    """Whether a view shows its row in part only."""
    return any(
        CUT in value if isinstance(value, str) else isinstance(value, bytes) and CUT.encode() in value
        for value in row.values()
    )


def _cut(text: str) -> str:
    half = (MAX_VALUE - len(CUT)) // 2
    return text if len(text) <= MAX_VALUE else f"{text[:half]}{CUT}{text[-half:]}"


def _pruned(tree: Any, left: list[int]) -> Any:
    """A tree with its first values, as many as fit into what is left; one mark stands for the others."""
    if isinstance(tree, dict):
        kept: dict[str, Any] = {}
        for name, value in tree.items():
            if left[0] <= 0:
                kept[CUT] = None
                break
            left[0] -= len(name)
            kept[_cut(name)] = _pruned(value, left)
        return kept
    if isinstance(tree, list):
        some = []
        for value in tree:
            if left[0] <= 0:
                some.append(CUT)
                break
            some.append(_pruned(value, left))
        return some
    left[0] -= len(tree) if isinstance(tree, str) else 8
    return _cut(tree) if isinstance(tree, str) else tree
