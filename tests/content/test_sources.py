"""Each source folder keeps the laws; a new folder is tested without a line here."""

import pytest

from watchfloor.normalize import Source, load_sources
from watchfloor.testing.sources import check_source

SOURCES, ERRORS = load_sources()


def test_every_source_loads() -> None:
    assert not [str(error) for error in ERRORS]
    assert SOURCES


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_source_keeps_the_laws(source: Source) -> None:
    check_source(source, SOURCES)
