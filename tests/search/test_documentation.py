"""The queries of ``docs/search.md`` run, and what it says of the language is so."""

import re
import shlex
from pathlib import Path

import pytest
from tests.search.conftest import Filled
from tests.search.oracle import evaluate

from watchfloor.search import parse
from watchfloor.search.expert import search_sql
from watchfloor.search.fields import EVENTS, GROUPS
from watchfloor.search.parse import _PIPES

PAGE = (Path(__file__).parents[2] / "docs" / "search.md").read_text()
COMMANDS = [shlex.split(line) for line in re.findall(r"^watchfloor search .*$", PAGE, re.MULTILINE)]
CONDITIONS = [
    "alice",
    '"log in"',
    *(
        part
        for row in re.findall(r"^\| (`[^|]*`) \|", PAGE.partition("Names are")[0], re.MULTILINE)
        for part in re.findall("`(.*?)`", row)
    ),
]
NOW = 1_790_000_000_000


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[2][:30])
def test_each_command_runs(filled: Filled, words: list[str]) -> None:
    if "--sql" in words:
        assert search_sql(filled.searcher, words[-1], limit=None)[1]
        return
    filled.searcher.search(parse(words[2]))


@pytest.mark.parametrize("condition", sorted(set(CONDITIONS)))
def test_each_condition_means_what_the_evaluator_says(filled: Filled, condition: str) -> None:
    if "…" in condition:
        return
    found = filled.searcher.search(parse(condition))
    assert len(found.rows) == len(evaluate(parse(condition), filled.rows, NOW))


def test_each_name_and_each_pipe_is_there() -> None:
    assert set(GROUPS) <= set(re.findall(r"`(\w+)`", PAGE))
    pipes = re.findall(r"^\| `(\w+)[^`]*` \|", PAGE.partition("## Pipes")[2], re.MULTILINE)
    assert set(pipes) == set(_PIPES)
    assert {"entity.actor", "src_endpoint.ip"} <= EVENTS.keys()


def test_pipes_of_the_table_run(filled: Filled) -> None:
    pipes = re.findall(r"^\| `(\w[^`]*)` \|", PAGE.partition("## Pipes")[2], re.MULTILINE)
    for pipe in pipes:
        before = "| count by source" if "count>" in pipe else ""
        filled.searcher.search(parse(f"{before} | {pipe}"))
