"""Where in an answer something is: ``meta.next``, or a list of keys where a key has dots itself."""

from collections.abc import Sequence
from typing import Any

Path = str | tuple[str, ...]


def keys(path: Path) -> tuple[str, ...]:
    """The keys of a path; none for the whole answer.

    >>> keys("meta.pagination.next"), keys(("@odata.nextLink",)), keys("")
    (('meta', 'pagination', 'next'), ('@odata.nextLink',), ())
    """
    return tuple(part for part in path.split(".") if part) if isinstance(path, str) else tuple(path)


def at(value: Any, path: Path) -> Any:
    """What is there, or None.

    >>> at({"meta": {"next": "abc"}}, "meta.next")
    'abc'
    """
    return _at(value, keys(path))


def _at(value: Any, parts: Sequence[str]) -> Any:
    for part in parts:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value
