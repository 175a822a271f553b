"""The patterns of the built-in mappings, on the worst texts that an attacker may put into a log."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from watchfloor.catalog import folders, read_yaml
from watchfloor.normalize.expression import MAX_CAPTURE

UNITS = ["a", "0", "/", ":", "@", "|", "\\", " ", ".", "-", ";", "[", '"', "<", "a/", "a:", "a@", "a ", "/\n", ":\n"]
STARTS = [
    "Mozilla/",
    "arn:",
    " on resource: arn:",
    "Scope: ",
    '"User_',
    "<Group>",
    "https://",
    "i:0#.f|membership|",
    "level ",
]
WORDS = ["a on resource: arn:x:user/", '"User_', "Scope: a[", "level ", "a.example@"]
LENGTH = MAX_CAPTURE // 2
LIMIT_SECONDS = 0.1


def patterns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        for child in node.values():
            yield from patterns(child)
    elif isinstance(node, list):
        for child in node:
            yield from patterns(child)


def built_in() -> list[str]:
    files = (path for folder in folders("sources") for path in sorted(folder.path.glob("*.yml")))
    # Forms of text are matched under a time limit, and from the beginning of a line; they have a test of their own.
    without_forms = ({key: value for key, value in read_yaml(path).items() if key != "text"} for path in files)
    return sorted({pattern for definition in without_forms for pattern in patterns(definition)})


def worst_texts() -> list[str]:
    repeated = [("", unit) for unit in (*UNITS, *WORDS)] + [(start, unit) for start in STARTS for unit in "a;/"]
    return [
        (start + unit * LENGTH)[: LENGTH - len(end)] + end
        for start, unit in repeated
        for end in ("\n", "\nx", "/", "\\")
    ]


def test_there_are_patterns() -> None:
    assert built_in()


@pytest.mark.parametrize("pattern", built_in())
def test_a_pattern_takes_time_that_grows_with_the_text(pattern: str) -> None:
    search = re.compile(pattern).search
    slow = []
    for text in worst_texts():
        start = time.process_time()
        search(text)
        spent = time.process_time() - start
        if spent > LIMIT_SECONDS:
            slow.append((text[:30], round(spent, 2)))
    assert not slow
