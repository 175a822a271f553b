"""The Python of content sees events, operators and judgements, and nothing of the stages or of the machine."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchfloor.catalog import BUILT_IN

OURS = {"event", "layout", "finding", "operator", "compose", "session", "judging", "clock"}
LIBRARIES = {"msgspec", "orjson", "pyarrow"}
STANDARD = {
    "bisect",
    "collections",
    "dataclasses",
    "datetime",
    "functools",
    "hashlib",
    "heapq",
    "ipaddress",
    "itertools",
    "math",
    "posixpath",
    "re",
    "statistics",
    "typing",
    "zoneinfo",
}
FILES = sorted(BUILT_IN.rglob("*.py"))


def imported(code: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module if node.module and not node.level else "a relative import"


def allowed(module: str) -> bool:
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] in OURS if package == "watchfloor" else package in LIBRARIES | STANDARD


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(BUILT_IN)))
def test_content_imports_only_what_it_may(path: Path) -> None:
    assert [module for module in imported(path.read_text()) if not allowed(module)] == []


@pytest.mark.parametrize(
    "code",
    [
        "import os",
        "import subprocess as s",
        "from urllib import request",
        "def f():\n    from watchfloor.store.lake import Lake",
        "from watchfloor import store",
        "from . import other",
    ],
)
def test_the_check_sees_what_is_not_allowed(code: str) -> None:
    assert not all(map(allowed, imported(code)))
