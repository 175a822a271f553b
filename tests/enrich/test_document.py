"""The examples of docs/enrichment.md do what they show."""

import doctest
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "enrichment.md"


def test_the_examples_of_the_document_run() -> None:
    failed, tried = doctest.testfile(str(DOCUMENT), module_relative=False)
    assert (failed, tried > 0) == (0, True)
